from __future__ import annotations

import json
from pathlib import Path

import pytest

from shoal_cli.main import main
from shoal_cli.tokens import match_tokens, parse_token

PROGRAM = """
from shoal.rasp import *

double = SequenceMap(lambda token, index: token * 2, tokens, indices)
selector = Select(tokens, tokens, Comparison.EQ)
"""


@pytest.fixture
def program_file(tmp_path: Path) -> Path:
    path = tmp_path / "my_program.py"
    path.write_text(PROGRAM)
    return path


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """What a command printed, with line breaks taken out."""
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def test_explain_says_what_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "frac_prevs"]) == 0
    assert "tokens: holds a, b|c|d" in capsys.readouterr().out


def test_compile_reports_sizes_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "reverse", "--passes", "none", "--allocator", "longest-path"]) == 0
    output = shown(capsys)
    for part in ("reverse = Aggregate(", "layers 4", "heads x key size 1 x 11", "parameters"):
        assert part in output
    assert "infer values" in output


def test_run_prints_input_and_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sort", "3", "1", "2"]) == 0
    assert "output 1 2 3" in shown(capsys)


def test_a_saved_transformer_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "reverse.npz"
    assert main(["compile", "reverse", "--save", str(path)]) == 0
    assert main(["run", str(path), "a", "b", "c"]) == 0
    assert "output c b a" in shown(capsys)


def test_a_program_in_a_file(program_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{program_file}:double"
    assert main(["run", name, "1", "2", "--vocab", "1", "2", "--max-seq-len", "3"]) == 0
    assert "output 2 4" in shown(capsys)


def test_explain_lists_half_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "reverse", "--passes", "none"]) == 0
    output = shown(capsys)
    assert "0 attention" in output
    assert "1 MLP" in output
    assert "embedding" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nope", "a"], "there is no stock program 'nope'; known: length, reverse"),
        (["run", "reverse", "z"], "the token 'z' at position 0 is not in the vocab: 'a', 'b'"),
        (["run", "reverse", *"abcdabcdabc"], "more than --max-seq-len 10"),
        (["compile", "nowhere.py:f"], "there is no file nowhere.py"),
        (["compile", "reverse", "--allocator", "magic"], "there is no allocator 'magic'; known:"),
        (["compile", "reverse", "--passes", "magic"], "there is no pass magic; known:"),
        (["compile", "reverse", "--max-seq-len", "0"], "--max-seq-len is 0"),
        (["compile", "reverse", "--vocab", "BOS"], "the bos token 'BOS' is in the vocab"),
        (["compile", "reverse", "--save", "reverse.txt"], "ends with .safetensors or .npz"),
        (["compile", "reverse", "--save", "no/such/folder/r.npz"], "there is no folder"),
        (["run", "missing.npz", "a"], "there is no file missing.npz"),
    ],
)
def test_bad_input_is_told_clearly(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in shown(capsys)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("", "which program of"),
        (":nothing", "is no s-op (nothing of that name); the s-ops there: double"),
        (":selector", "is no s-op (a Select)"),
        (":double", "needs --vocab and --max-seq-len"),
    ],
)
def test_bad_programs_in_files_are_told_clearly(
    program_file: Path, attribute: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", f"{program_file}{attribute}"]) == 2
    assert message in shown(capsys)


def test_a_file_that_raises_is_told_clearly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0")
    assert main(["compile", f"{path}:f"]) == 2
    assert "raises ZeroDivisionError" in shown(capsys)


def test_a_file_that_is_no_transformer_is_told_clearly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.npz"
    path.write_text("hello")
    assert main(["run", str(path), "a"]) == 2
    assert "is no saved" in shown(capsys)


@pytest.mark.parametrize("command", [[], ["compile"], ["run"], ["explain"]])
def test_help_teaches_by_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_words_stand_for_tokens_of_the_vocab_first() -> None:
    assert match_tokens(["1", "a"], ["1", "a"]) == ["1", "a"]
    assert match_tokens(["1", "a"], [1, "a"]) == [1, "a"]
    assert parse_token("(1, 2)") == (1, 2)
    assert parse_token("[1]") == "[1]"


def test_alone_it_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "shoal compile reverse" in capsys.readouterr().out


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    import shoal

    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"shoal {shoal.__version__}\n"
    assert shoal.__version__[0].isdigit()


def test_a_name_that_is_nearly_one_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "revers", "a"]) == 2
    assert "did you mean reverse?" in shown(capsys)
    assert main(["run", "model.pt", "a"]) == 2
    assert "model.pt is a file of a model in another format" in shown(capsys)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\ny = 1 / 0\n", "line 2, raises ZeroDivisionError"),
        ("def f():\n    return [][0]\nf()\n", "line 2, raises IndexError"),
        ("x = (\n", "line 1, raises SyntaxError"),
    ],
)
def test_errors_in_files_name_the_line(
    source: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.py").write_text(source)
    assert main(["compile", f"{tmp_path / 'bad.py'}:x"]) == 2
    assert f"bad.py, {says}" in shown(capsys)


def test_numbers_are_shown_as_fine_as_they_are_promised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "frac_prevs", "b", "a", "b"]) == 0
    assert shown(capsys) == "input b a b output 0 0.5 0.3333"
    (tmp_path / "tiny.py").write_text("from shoal.rasp import *\ntiny = Map(lambda t: t, tokens)\n")
    command = ["run", f"{tmp_path}/tiny.py:tiny", "1e-30", "--vocab", "1e-30", "--max-seq-len", "2"]
    assert main(command) == 0
    assert shown(capsys) == "input 1e-30 output 1e-30"


def test_results_can_be_had_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "reverse", "a", "b", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"input": ["a", "b"], "output": ["b", "a"]}
    assert main(["compile", "hist", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sizes"]["num_layers"] == 1
    assert {proof["objective"] for proof in found["proofs"]} >= {"layers", "width"}
    path = tmp_path / "steps.json"
    assert main(["explain", "hist", "--json", str(path)]) == 0
    found = json.loads(path.read_text())
    assert [step["component"] for step in found["steps"]][:2] == ["tokens", "token"]
    assert {value["name"] for value in found["values"]} >= {"tokens", "hist"}
    assert main(["run", "reverse", "a", "--json", f"{tmp_path}/no/where.json"]) == 2


def test_what_is_piped_is_not_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["compare", "hist", "--allocators", "longest-path", "--passes", "none"]) == 0
    header = capsys.readouterr().out.splitlines()[0].split()
    assert header[-1] == "proven"
    assert main(["explain", "dyck2_ptf", "--passes", "none"]) == 0
    assert "opened_before_at_depth.reciprocal" in capsys.readouterr().out
