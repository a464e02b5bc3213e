"""Named s-ops are replaced while a model runs, and the rest follows as the interpreter says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import shoal
from shoal import Patch, rasp
from shoal.errors import BudgetError, UnsupportedProgramError
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import compile_case
from shoal_analysis.fuzzing.patching import wrong_patches
from shoal_analysis.fuzzing.programs import cases
from tests.support import WIDE, random_sequences


def reverse(**options: object) -> shoal.Model:
    return shoal.compile(STOCK["reverse"].make(5), vocab=list("abcd"), max_seq_len=5, **options)


def hist() -> shoal.Model:
    return shoal.compile(STOCK["hist"].make(5), vocab=list("abc"), max_seq_len=5)


@pytest.mark.parametrize("passes", ["all", "none"])
@pytest.mark.parametrize("name", STOCK)
def test_models_follow_as_the_interpreter_says(name: str, passes: str) -> None:
    stock = STOCK[name]
    length = min(stock.max_seq_len, 5)
    program = stock.make(length)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=length, passes=passes)
    assert wrong_patches(program, model, random_sequences(stock.vocab, 1, length, 6), seed=1) == []


@settings(max_examples=60, deadline=None)
@given(cases(8))
def test_models_of_random_programs_do_so_too(case: Case) -> None:
    program = case.build()
    try:
        model = compile_case(case, program)
    except (UnsupportedProgramError, BudgetError):
        return
    assert not wrong_patches(program, model, case.inputs(4), case.seed, case.options.causal)


def test_write_is_the_twin_of_read() -> None:
    model = reverse(passes="none")
    assert model.read("opposite", ["a", "b", "c"]) == [2, 1, 0]
    assert model.write("opposite", ["a", "b", "c"], [0, 0, 2]) == ["a", "a", "c"]
    patch = Patch.values("opposite", [0, 0, 2])
    assert model.read("opposite", ["a", "b", "c"], patch) == [0, 0, 2]
    assert model.read("tokens", ["a", "b", "c"], patch) == ["a", "b", "c"]


def test_what_is_fused_is_followed_to_what_is_computed_from_it() -> None:
    assert reverse().write("length", ["a", "b", "c"], [2, 2, 3]) == ["b", "a", "a"]
    program = rasp.Map(lambda n: n * n, rasp.Map(lambda n: n + 1, rasp.indices).named("next"))
    squares = shoal.compile(program, vocab=["a"], max_seq_len=4)
    assert squares.variables["next"].encoding in ("view", "fused")
    assert squares.write("next", ["a", "a"], [4, 1]) == [16, 1]


def test_positions_that_are_not_patched_stay() -> None:
    assert hist().patch(list("aab"), Patch.value("tokens", "b", positions=[0])) == [2, 1, 2]
    assert hist().patch(list("aab"), Patch.value("tokens", "b", positions=[])) == [2, 2, 1]


def test_another_input_a_mean_and_nothing() -> None:
    model = hist()
    assert model.patch(list("aab"), Patch.like("tokens", list("ccc"))) == [3, 3, 3]
    means = rasp.Aggregate(
        rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), rasp.indices
    )
    numbers = rasp.numerical(rasp.numerical(rasp.indices).named("place") * 1.0)
    model = shoal.compile(numbers, vocab=["a"], max_seq_len=3, passes="none")
    inputs = [["a"], ["a", "a", "a"]]
    assert model.patch(["a", "a"], Patch.mean("place", inputs)) == pytest.approx([0.75, 0.75])
    by_position = Patch.mean("place", inputs, by_position=True)
    assert model.patch(["a", "a"], by_position) == pytest.approx([0.0, 1.0])
    assert model.patch(["a", "a"], Patch.nothing("place")) == pytest.approx([0.0, 0.0])
    passes = [name for name in ALL if name != "positions"]
    model = shoal.compile(means.named("means"), vocab=["a"], max_seq_len=3, passes=passes)
    assert model.patch(["a", "a"], Patch.nothing("means")) == [0, 0]


def test_nothing_is_none_where_nothing_can_be_selected() -> None:
    before = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query - 1)
    model = shoal.compile(
        rasp.Aggregate(before, rasp.tokens).named("previous"), vocab=["a", "b"], max_seq_len=3
    )
    assert model.patch(["a", "b", "b"], Patch.nothing("previous", positions=[2])) == [
        None,
        "a",
        None,
    ]


def test_one_reader_sees_the_patch_and_the_others_do_not() -> None:
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    width = rasp.SelectorWidth(same).named("width")
    program = rasp.SequenceMap(lambda w, t: (w, t), width, rasp.tokens).named("pair")
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3, result="one-hot")
    inputs = ["a", "a", "b"]
    assert model.run(inputs) == [(2, "a"), (2, "a"), (1, "b")]
    for reader, wanted in (
        ("width", [(3, "a"), (3, "a"), (3, "b")]),
        ("pair", [(2, "b"), (2, "b"), (1, "b")]),
    ):
        assert model.patch(inputs, Patch.value("tokens", "b", readers=[reader])) == wanted
    both = Patch.value("tokens", "b", readers=["width", "pair"])
    assert model.patch(inputs, both) == model.patch(inputs, Patch.value("tokens", "b"))


def test_a_view_is_patched_for_those_who_read_it() -> None:
    is_a = (rasp.tokens == "a").named("is_a")
    count = rasp.SelectorWidth(rasp.Select(is_a, is_a, rasp.Comparison.EQ)).named("alike")
    program = rasp.SequenceMap(lambda n, t: (n, t), count, rasp.tokens)
    model = shoal.compile(program, vocab=["a", "b", "c"], max_seq_len=4)
    assert model.variables["is_a"].encoding == "view"
    values = model.write("is_a", ["a", "b", "c"], [True, True, True])
    assert values == [(3, "a"), (3, "b"), (3, "c")]


def test_each_input_of_a_batch_may_have_patches_of_its_own() -> None:
    model, inputs = hist(), [list("aab"), list("a"), list("bb")]
    patches = [[Patch.value("tokens", "c")], [], [Patch.value("tokens", "a", positions=[0])]]
    assert model.patch_batch(inputs, patches) == [[3, 3, 3], [1], [1, 1]]
    assert model.patch_batch(inputs, [Patch.value("tokens", "c")]) == [[3, 3, 3], [1], [2, 2]]
    assert model.patch_batch([], []) == []


def test_patches_come_one_after_the_other() -> None:
    model = reverse(passes="none")
    patches = (Patch.value("tokens", "d"), Patch.value("reverse", "b", positions=[1]))
    assert model.patch(["a", "b", "c"], *patches) == ["d", "b", "d"]


def test_numbers_beside_large_ones_are_not_lost() -> None:
    large = rasp.numerical(rasp.Map(lambda t: t + 1, rasp.tokens)).named("next")
    model = shoal.compile(large, vocab=[1e30, 2, -1e30], max_seq_len=1, passes=WIDE)
    assert model.write("next", [-1e30], [3]) == pytest.approx([3.0])


def test_values_that_never_meet_are_not_brought_together() -> None:
    number, token = rasp.numerical(rasp.indices), rasp.numerical(rasp.tokens)
    is_own = rasp.SequenceMap(lambda i, t: i == t, rasp.indices, token)
    program = rasp.SequenceMap(max, number, is_own).named("larger")
    options = {"vocab": [0, 1, 2, 3], "max_seq_len": 2, "result": "one-hot"}
    assert shoal.compile(program, **options).write("indices", [0], [1]) == [1]
    model = shoal.compile(program, passes=WIDE, **options)
    with pytest.raises(shoal.UnwritableError, match="were made only for those that they have"):
        model.write("indices", [0], [1])


def test_an_average_becomes_shares_that_are_not_negative() -> None:
    before = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    mean = rasp.Aggregate(before, rasp.tokens).named("mean")
    options = {"vocab": [0, 1, 2, 3], "max_seq_len": 2, "result": "one-hot"}
    model = shoal.compile(mean, passes=WIDE, **options)
    assert model.variables["mean"].encoding == "distribution"
    (edit,) = model.edits([[3, 3]], [Patch.values("mean", [0.5, 2])])
    assert edit.target.min() >= 0
    assert model.write("mean", [3, 3], [0.5, 2]) == [0.5, 2]


def test_a_loaded_model_is_patched_as_well(tmp_path: object) -> None:
    model = reverse()
    model.save(f"{tmp_path}/model.safetensors")
    loaded = shoal.load(f"{tmp_path}/model.safetensors")
    assert isinstance(loaded, shoal.Model)
    patch = Patch.like("tokens", ["d", "d", "d"], positions=[0])
    assert loaded.patch(["a", "b", "c"], patch) == model.patch(["a", "b", "c"], patch)
    assert loaded.patch(["a", "b", "c"], patch) == ["c", "b", "d"]


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        (Patch.value("hist_2", 1), "no s-op named 'hist_2'; the names are: .*hist"),
        (Patch.value("tokens", "z"), "'z' is no value of 'tokens'; its values are: 'a', 'b', 'c'"),
        (Patch.values("tokens", ["a"]), "1 values are given for 'tokens', and the input has 3"),
        (Patch.like("tokens", ["a"]), "the other input has 1 tokens, and this one 3"),
        (Patch.value("tokens", "a", positions=[3]), "no position 3 to patch: .* 3 tokens"),
        (
            Patch.value("tokens", "a", readers=["tokens"]),
            "'tokens' does not read 'tokens'; .*'hist'",
        ),
        ("tokens", "is no patch"),
    ],
)
def test_patches_that_make_no_sense_are_refused(patch: Patch, says: str) -> None:
    with pytest.raises(shoal.InvalidInputError, match=says):
        hist().patch(list("aab"), patch)


def test_patches_check_themselves() -> None:
    with pytest.raises(shoal.InvalidInputError, match="positions are counted from 0"):
        Patch.value("tokens", "a", positions=[-1])
    with pytest.raises(shoal.InvalidInputError, match="an input must be a list"):
        Patch.like("tokens", "abc")
    with pytest.raises(shoal.InvalidInputError, match="at least one input"):
        Patch.mean("tokens", [])


def test_other_backends_say_that_they_do_not_patch() -> None:
    with pytest.raises(shoal.InvalidInputError, match="'haiku' does not patch; these do: numpy"):
        hist().patch(list("aab"), Patch.value("tokens", "a"), backend="haiku")


def test_what_the_model_takes_for_granted_is_not_replaced() -> None:
    number = rasp.Map(lambda i: i * 10, rasp.indices).named("number")
    once = rasp.SelectorWidth(rasp.Select(number, number, rasp.Comparison.EQ))
    model = shoal.compile(
        rasp.SequenceMap(lambda n, t: (n, t), once, rasp.tokens), vocab=["a"], max_seq_len=3
    )
    with pytest.raises(shoal.UnwritableError, match="takes for granted what"):
        model.write("number", ["a", "a"], [10, 10])


def test_operands_that_never_meet_are_not_made_to() -> None:
    successor = rasp.Map(lambda t: t + 1, rasp.tokens).named("successor")
    program = rasp.SequenceMap(lambda a, b: a * b, rasp.tokens, successor)
    model = shoal.compile(program, vocab=[1, 2, 3], max_seq_len=3, passes="none")
    with pytest.raises(shoal.UnwritableError, match="values together that they have on no input"):
        model.write("successor", [1, 2], [4, 3])


def test_variables_say_what_writes_them() -> None:
    model = shoal.compile(STOCK["hist"].make(5), vocab=list("abc"), max_seq_len=5, passes="none")
    tokens, width = model.variables["tokens"], model.variables["hist"]
    assert (tokens.sublayer, tokens.layer, tokens.head) == ("embedding", None, None)
    assert (width.sublayer, width.layer) == ("mlp", 0)
    assert width.neurons is not None
    reciprocal = model.variables["hist.reciprocal"]
    assert (reciprocal.sublayer, reciprocal.layer, reciprocal.head) == ("attention", 0, 0)
    hook = width.hooks("transformer-lens")[-1]
    assert (hook.name, hook.columns) == ("blocks.0.hook_resid_post", width.columns)
    with pytest.raises(shoal.InvalidInputError, match="no hooks are known for 'tensorflow'"):
        width.hooks("tensorflow")


def test_edits_change_what_they_say_alone() -> None:
    model = hist()
    ids = model.ids([list("aab")])
    edits = model.edits([list("aab")], [Patch.value("tokens", "c", positions=[1])])
    clean, patched = model.run_ids(ids), model.run_ids(ids, edits=edits)
    off = np.abs(clean.input_embeddings - patched.input_embeddings)
    columns = list(model.variables["tokens"].columns)
    assert off[0, 2, columns].max() == 1.0
    off[0, 2, columns] = 0
    assert not off.any()


def test_other_inputs_run_once_for_a_batch() -> None:
    model, runs = hist(), []
    original = model.run_ids

    def counted(ids: np.ndarray, **more: object) -> object:
        runs.append(ids)
        return original(ids, **more)

    object.__setattr__(model, "run_ids", counted)
    inputs = [list("aab")] * 20
    model.patch_batch(inputs, [Patch.mean("tokens", [list("abc"), list("ccc")])])
    assert len(runs) == 2


def shifted_and_odd() -> tuple[rasp.SOp, rasp.SOp]:
    shifted = rasp.Map(lambda x: x + 1, rasp.tokens).named("shifted")
    return shifted, rasp.Map(lambda x: x % 2, shifted).named("odd")


@pytest.mark.parametrize("passes", ["all", "none"])
def test_several_patches_hold_together(passes: str) -> None:
    _, odd = shifted_and_odd()
    model = shoal.compile(odd, vocab=[0, 1, 2], max_seq_len=3, passes=passes)
    both = (Patch.value("odd", 0), Patch.value("shifted", 1))
    assert model.patch([0], *both) == model.patch([0], *both[::-1]) == [0]


def test_of_two_patches_of_one_value_the_later_wins() -> None:
    _, odd = shifted_and_odd()
    model = shoal.compile(odd, vocab=[0, 1, 2], max_seq_len=3, passes="none")
    some, everybody = Patch.value("shifted", 1, readers=["odd"]), Patch.value("shifted", 2)
    assert model.patch([0], some, everybody) == [0]
    assert model.patch([0], everybody, some) == [1]


def test_the_result_is_a_reader_through_what_is_fused() -> None:
    negative = rasp.Map(lambda x: -x, rasp.tokens).named("negative")
    again = rasp.Map(lambda x: -x, negative).named("again")
    model = shoal.compile(again, vocab=[0, 1, 2], max_seq_len=3)
    assert model.patch([2, 2], Patch.values("negative", [-1, -2], readers=[Patch.RESULT])) == [1, 2]


def test_readers_do_not_hide_that_operands_never_meet() -> None:
    place = rasp.Map(lambda x: x + 1, rasp.indices).named("place")
    total = rasp.SequenceMap(lambda x, y: x + y, place, rasp.indices).named("total")
    model = shoal.compile(total, vocab=[0, 1, 2], max_seq_len=3, passes="none")
    for readers in (None, ["total"]):
        with pytest.raises(shoal.UnwritableError, match="on no input"):
            model.patch([0], Patch.value("place", 3, readers=readers))


def test_what_stands_for_another_value_is_not_changed_for_it() -> None:
    """Found by fuzzing: what is copied was read from an equal value that the patch changes."""
    number = rasp.numerical(rasp.indices)
    same = rasp.Select(number, rasp.Map(lambda x: x * 1, number), rasp.Comparison.EQ)
    program = rasp.Aggregate(same, rasp.indices)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=2)
    assert wrong_patches(program, model, [["a"], ["a", "b"]], seed=1) == []


def test_values_and_positions_of_numpy_are_taken() -> None:
    _, odd = shifted_and_odd()
    model = shoal.compile(odd, vocab=[0, 1, 2], max_seq_len=3)
    patch = Patch.value("shifted", np.int64(2), positions=np.array([0]))
    assert model.patch([0, 0], patch) == [0, 1]


@pytest.mark.parametrize("patches", [None, [3], [None], 5])
def test_what_is_no_list_of_patches_is_refused(patches: object) -> None:
    with pytest.raises(shoal.InvalidInputError, match="patches are a list"):
        hist().patch_batch([list("aab")], patches)


def test_patches_are_not_made_of_anything() -> None:
    with pytest.raises(shoal.InvalidInputError, match="no source of values"):
        Patch("tokens", "foo", 1)
    with pytest.raises(shoal.InvalidInputError, match="readers are names"):
        Patch.value("tokens", "a", readers=[[1]])


@pytest.mark.parametrize("passes", ["all", "none"])
def test_a_selector_that_always_selects_is_not_made_to_select_nothing(passes: str) -> None:
    """Its aggregate has no default: the network would attend to whatever there is."""
    wanted = rasp.Map(lambda x: x, rasp.tokens).named("wanted")
    same = rasp.Select(rasp.tokens, wanted, rasp.Comparison.EQ)
    program = rasp.Aggregate(same, rasp.indices, default=7)
    model = shoal.compile(rasp.keep(program), vocab=[0, 1], max_seq_len=2, passes=passes)
    with pytest.raises(shoal.UnwritableError, match="select 0 keys"):
        model.write("wanted", [0, 0], [1, 0])


def test_a_selector_is_not_made_to_select_more_than_it_ever_does() -> None:
    where = rasp.Map(lambda i: i, rasp.indices).named("where")
    here = rasp.SelectorWidth(rasp.Select(where, rasp.indices, rasp.Comparison.EQ))
    model = shoal.compile(here, vocab=[0, 1], max_seq_len=3, passes="none")
    assert model.write("where", [0, 0, 0], [2, 0, 1]) == [1, 1, 1]
    with pytest.raises(shoal.UnwritableError, match=r"select [02] keys"):
        model.write("where", [0, 0, 0], [0, 0, 2])


def test_keys_and_queries_do_not_meet_that_raise() -> None:
    halves = rasp.Map(lambda x: x, rasp.tokens).named("halves")
    near = rasp.Select(halves, rasp.indices, lambda k, q: 1 / (k - q - 5) < 0)
    model = shoal.compile(rasp.SelectorWidth(near), vocab=[0, 5], max_seq_len=2, passes="none")
    assert model.write("halves", [0, 0], [0, 0]) == [2, 2]
    with pytest.raises(shoal.UnwritableError, match="meets a query"):
        model.write("halves", [0, 0], [5, 0])


def test_what_is_computed_from_farther_down_notices_a_width_that_is_the_index() -> None:
    """Found by reading: neurons read the index for its own sake, and for the width's as well."""
    width = rasp.SelectorWidth(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT))
    count = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.Full("a"), rasp.Comparison.EQ))
    kept = rasp.keep(rasp.SequenceMap(lambda a, b: a + b, width, count))
    odd = rasp.SequenceMap(lambda t, i: (t == "a") * (i % 2), rasp.tokens, rasp.indices)
    program = rasp.SequenceMap(lambda a, b: (a, b), kept, odd)
    for passes in ("all", "smallest"):
        model = shoal.compile(program, vocab=("a", "b", "c"), max_seq_len=4, passes=passes)
        assert wrong_patches(program, model, [tuple("acba"), tuple("ab")], seed=3) == []
