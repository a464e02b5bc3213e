from __future__ import annotations

import json
from pathlib import Path

import pytest

from shoal_cli.main import main
from shoal_cli.tokens import match_tokens, parse_tokens
from shoal_cli.wording import CommandLineError


def test_a_python_list_is_taken_exactly() -> None:
    words = ["py:[1, 2.5, (1, 2), True, '1', -3]", "a"]
    assert repr(parse_tokens("--vocab", words)) == "[1, 2.5, (1, 2), True, '1', -3, 'a']"


def test_words_are_matched_with_the_vocab_and_literals_are_not() -> None:
    assert [type(t) for t in match_tokens(["1", "py:[1]"], ["1"])] == [str, int]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("py:[1, foo]", "--vocab: item 2, foo, is no literal; write 'foo' for the string"),
        ("py:[1, f(2)]", "--vocab: item 2, f(2), is no literal"),
        ("py:[[1]]", "--vocab: item 1, [1], is not hashable; use a tuple"),
        ("py:['a', None]", "--vocab: item 2, None, means that nothing was selected"),
        ("py:(1, 2)", "after py: comes a list, such as py:["),
        ("py:[1,", "this is no Python"),
        ("py:", "this is no Python"),
    ],
)
def test_errors_say_which_item_is_wrong(word: str, message: str) -> None:
    with pytest.raises(CommandLineError) as caught:
        parse_tokens("--vocab", [word])
    assert message in str(caught.value)


def test_vocab_and_inputs_are_written_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "first.py"
    path.write_text("from shoal.rasp import *\nfirst = Map(lambda t: t[0], tokens)\n")
    vocab = ["--vocab", "py:[(1, 'x'), (2.5, 'y')]", "--max-seq-len", "3"]
    command = ["run", f"{path}:first", "py:[(2.5, 'y'), (1, 'x')]", *vocab, "--json", "-"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["output"] == [2.5, 1]


def test_an_empty_vocab_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "reverse", "--vocab", "py:[]"]) == 2
    assert "the vocab is empty" in capsys.readouterr().err
