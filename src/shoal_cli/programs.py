"""Programs as they are named on the command line, and what they are compiled for."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from types import ModuleType

from shoal.errors import UnknownProgramError, did_you_mean
from shoal.limits import Limits
from shoal.rasp.expressions import IndicesType, LengthType, SOp, TokensType
from shoal.rasp.stock import STOCK, stock_program
from shoal.rasp.values import Value, show_error, show_value
from shoal_cli.tokens import parse_tokens
from shoal_cli.wording import CommandLineError

_OF_MODELS = frozenset({".pt", ".pth", ".bin", ".onnx", ".pkl"})
"""Endings of files that are no names of programs."""

MODEL_FILES = (".safetensors", ".npz")
"""What the names of model files end with; the second one holds weights and encoders alone."""


@dataclass(frozen=True)
class NamedProgram:
    """A program with what it is compiled for.

    Attributes:
        name: as it was written.
        program: the s-op.
        vocab: the tokens.
        max_seq_len: the greatest number of tokens.
    """

    name: str
    program: SOp
    vocab: tuple[Value, ...]
    max_seq_len: int


def find_program(name: str, vocab: Sequence[str] | None, max_seq_len: int | None) -> NamedProgram:
    """A stock program, or ``path/to/file.py:name``, for which the file is run.

    A file may define ``vocab`` and ``max_seq_len`` beside its programs.

    Raises:
        UnknownProgramError: there is no such program.
        CommandLineError: the vocab or the length is not known.
    """
    tokens = None if vocab is None else tuple(parse_tokens("--vocab", vocab))
    if not is_in_file(name):
        _refuse_files(name)
        stock = stock_program(name)
        length = stock.max_seq_len if max_seq_len is None else max_seq_len
        made = stock.make(max(length, 1))  # a length that makes no sense is refused later
        return NamedProgram(name, made, stock.vocab if tokens is None else tokens, length)
    path, _, attribute = name.rpartition(":") if ":" in name else (name, "", "")
    module = _load(Path(path), name)
    program = _program_in(module, path, attribute)
    tokens = _vocab_in(module, path) if tokens is None else tokens
    greatest = _length_in(module, path) if max_seq_len is None else max_seq_len
    if tokens is None or greatest is None:
        missing = "--vocab and --max-seq-len" if tokens is None else "--max-seq-len"
        raise CommandLineError(
            f"{name} needs {missing}; or let {path} define vocab and max_seq_len"
        )
    return NamedProgram(name, program, tokens, greatest)


def find_inputs(name: str) -> object:
    """What ``path/to/file.py:name`` says of inputs, for which the file is run.

    Raises:
        UnknownProgramError: there is no such file, or it raises an error.
        CommandLineError: it has nothing of that name.
    """
    path, _, attribute = name.rpartition(":")
    if not path.endswith(".py") or not attribute:
        raise CommandLineError(
            f"--inputs {name}: give path/to/file.py:NAME, a function of lists of tokens or a "
            "collection of inputs"
        )
    module = _load(Path(path), name)
    if not hasattr(module, attribute):
        there = [known for known in vars(module) if not known.startswith("_")]
        raise CommandLineError(
            f"--inputs {name}: {path} has nothing of that name;{did_you_mean(attribute, there)} "
            f"it has: {', '.join(there) or 'nothing'}"
        )
    found: object = getattr(module, attribute)
    return found


def is_in_file(name: str) -> bool:
    """Whether a name is that of a program in a file."""
    return ":" in name or name.endswith(".py")


def short_name(name: str) -> str:
    """The name of a program without the folders that its file is in, for a line of progress."""
    return Path(name).name if is_in_file(name) else name


def names_in(path: str) -> list[str]:
    """The names of all programs of a file, which is run for it.

    Raises:
        UnknownProgramError: there is no such file, it raises an error, or has no programs.
    """
    names = _sops_in(_load(Path(path), path))
    if not names:
        raise UnknownProgramError(f"{path} has no s-ops that are given a name at its top level")
    return [f"{path}:{name}" for name in names]


def _refuse_files(name: str) -> None:
    """Refuse names of files that hold no program.

    Raises:
        UnknownProgramError: the name is one of a file.
    """
    path = Path(name)
    if path.suffix in _OF_MODELS:
        raise UnknownProgramError(
            f"{name} is a file of a model in another format, which holds no program; models that "
            "are read are .safetensors and .npz, written by shoal compile --save"
        )
    if path.suffix in MODEL_FILES:
        raise UnknownProgramError(
            f"{name} is a file of a compiled model, which holds no program; shoal run, explain, "
            "view and export read such files"
        )
    if name and name not in STOCK and path.exists():
        what = "a folder" if path.is_dir() else "a file, but no Python file"
        raise UnknownProgramError(
            f"{name} is {what}; a program of your own is named path/to/file.py:name"
        )
    if path.suffix and path.parent.is_dir():
        beside = [f.name for f in path.parent.iterdir() if f.suffix in MODEL_FILES]
        for near in get_close_matches(path.name, beside, n=1):
            raise UnknownProgramError(
                f"there is no file {path}; did you mean {path.with_name(near)}?"
            )


def _load(path: Path, name: str) -> ModuleType:
    if path.is_dir():
        raise UnknownProgramError(f"there is no file {path}: this is a folder")
    if not path.is_file():
        beside = [f.name for f in path.parent.glob("*.py")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, beside, n=1)
        hint = f"; did you mean {path.with_name(near[0])}?" if near else "."
        raise UnknownProgramError(
            f"there is no file {path} for {name!r}{hint} Stock programs: {', '.join(STOCK)}"
        )
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise UnknownProgramError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem + " (program)"] = module
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        where = _line_in(path, error)
        raise UnknownProgramError(f"{where.rstrip(':')} raises {show_error(error)}") from error
    return module


@contextmanager
def functions_of_users(name: str) -> Iterator[None]:
    """What a user's function raises for reasons of its own is told as such.

    Args:
        name: of the program.

    Raises:
        UnknownProgramError: with the error that the function raised, and where.
    """
    try:
        yield
    except (OSError, RecursionError) as error:
        path = name.rpartition(":")[0] if is_in_file(name) else ""
        where = f"{_line_in(Path(path), error)} a" if path else "a"
        raise UnknownProgramError(
            f"{where} function of the program raises {show_error(error)}"
        ) from error


def _line_in(path: Path, error: BaseException) -> str:
    """The file and the line of it in which an error arose."""
    if isinstance(error, SyntaxError) and error.lineno and _is(path, error.filename):
        return f"{path}, line {error.lineno},"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if _is(path, f.filename)]
    return f"{path}, line {lines[-1]}," if lines else f"{path}:"


def _is(path: Path, filename: str | None) -> bool:
    """Whether Python means this file; it knows files by their absolute paths."""
    return filename is not None and Path(filename).absolute() == path.absolute()


def _vocab_in(module: ModuleType, path: str) -> tuple[Value, ...] | None:
    """The vocab that a file defines; of one that may be endless, more than can be used."""
    vocab = getattr(module, "vocab", None)
    if vocab is None:
        return None
    try:
        return tuple(islice(vocab, Limits().table_entries + 1))
    except TypeError:
        raise CommandLineError(
            f"vocab in {path} is {show_value(vocab)}; let it be a collection of tokens"
        ) from None


def _length_in(module: ModuleType, path: str) -> int | None:
    """The greatest length that a file defines."""
    length = getattr(module, "max_seq_len", None)
    if length is None:
        return None
    if not isinstance(length, int) or length < 1:
        raise CommandLineError(
            f"max_seq_len in {path} is {show_value(length)}; let it be the greatest number of "
            "tokens, 1 or more"
        )
    return length


def _program_in(module: ModuleType, path: str, attribute: str) -> SOp:
    there = _sops_in(module)
    names = ", ".join(there) or "none"
    if not attribute:
        raise UnknownProgramError(f"which program of {path}? Write {path}:NAME; it has: {names}")
    program = getattr(module, attribute, None)
    if not isinstance(program, SOp):
        what = "nothing of that name" if program is None else f"a {type(program).__name__}"
        raise UnknownProgramError(
            f"{path}:{attribute} is no s-op ({what});{did_you_mean(attribute, there)} the s-ops "
            f"there: {names}"
        )
    return program


def _sops_in(module: ModuleType) -> list[str]:
    inputs = TokensType | IndicesType | LengthType
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, SOp) and not isinstance(value, inputs)
    ]
