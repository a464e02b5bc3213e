"""Errors name what the user can write: options on the command line, arguments in Python."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pytest

from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.main import main
from shoal_cli.wording import OPTIONS, in_options


@pytest.mark.parametrize("argument", OPTIONS)
def test_every_option_that_can_be_named_is_there(argument: str) -> None:
    parser = argparse.ArgumentParser()
    add_program(parser)
    add_compile_options(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    assert OPTIONS[argument] in known


@pytest.mark.parametrize("argument", [name for name in OPTIONS if name not in ("causal", "reuse")])
def test_every_argument_is_named_as_its_option(argument: str) -> None:
    assert in_options(f"compile with {argument}=3, or not") == (
        f"compile with {OPTIONS[argument]} 3, or not"
    )
    assert in_options(f"limits=shoal.Limits({argument}=...)") == f"{OPTIONS[argument]} ..."


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('compile with passes="none"', "compile with --passes none"),
        ("compile with causal=True", "compile with --causal"),
        ("compile with causal=False, or", "compile with no --causal, or"),
        ("allow more by limits=shoal.Limits(work=1000)", "allow more by --work 1000"),
        ("a smaller vocab or max_seq_len", "a smaller vocab or --max-seq-len"),
        ("more than max_seq_len = 10", "more than --max-seq-len 10"),
        ("the budget max_width is 0", "the budget --max-width is 0"),
        ("the limit work is 0", "the limit --work is 0"),
        ("the token 'max_seq_len=3' is", "the token 'max_seq_len=3' is"),
        ("that is too much work, and averages 3", "that is too much work, and averages 3"),
        ("make it numerical by rasp.numerical", "make it numerical by rasp.numerical"),
    ],
)
def test_only_mentions_are_changed(message: str, expected: str) -> None:
    assert in_options(message) == expected


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--max-seq-len", "0"], "--max-seq-len is 0"),
        (["--bos", "a"], "choose another, --bos"),
        (["--pad", "a"], "choose another, --pad"),
        (["--time-limit", "0"], "--time-limit is 0"),
        (["--wall-clock-limit", "0"], "--wall-clock-limit is 0"),
        (["--workers", "0"], "workers is 0"),
        (["--max-width", "0"], "--max-width is 0"),
        (["--max-width", "3"], "--max-width 3 is in the way"),
        (["--max-layers", "1", "--allocator", "longest-path"], "--allocator cp-sat"),
        (["--table-entries", "5"], "smaller vocab or --max-seq-len"),
        (["--work", "10"], "by --work 100"),
        (["--mlp-weights", "3", "--passes", "none"], "by --mlp-weights"),
        *((["--" + name.replace("_", "-"), "0"], f"--{name.replace('_', '-')} is 0") for name in (
            "table_entries", "averages", "one_hot_values", "mlp_weights", "model_bytes",
            "fused_rows", "fused_neurons", "work", "max_layers", "max_neurons", "max_heads",
        )),
    ],
)  # fmt: skip
def test_commands_name_their_options(
    options: Sequence[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "reverse", *options]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert named in told
    assert not any(argument in told for argument in OPTIONS if "_" in argument)
