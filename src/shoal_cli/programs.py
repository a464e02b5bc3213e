"""Programs, vocabularies and tokens as they are written on the command line."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType

from shoal.errors import InvalidOptionError, UnknownProgramError
from shoal.limits import Limits
from shoal.rasp.expressions import IndicesType, LengthType, SOp, TokensType
from shoal.rasp.stock import STOCK, stock_program
from shoal.rasp.values import Value, show_error, show_value

_OF_MODELS = frozenset({".pt", ".pth", ".bin", ".onnx", ".pkl"})
"""Endings of files that are no names of programs."""


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
        InvalidOptionError: the vocab or the length is not known.
    """
    tokens = None if vocab is None else tuple(parse_token(word) for word in vocab)
    if ":" not in name and Path(name).suffix in _OF_MODELS:
        raise UnknownProgramError(
            f"{name} is a file of a model in another format, which holds no program; models that "
            "are read are .safetensors and .npz, written by shoal compile --save"
        )
    if ":" not in name and not name.endswith(".py"):
        stock = stock_program(name)
        length = stock.max_seq_len if max_seq_len is None else max_seq_len
        return NamedProgram(name, stock.make(length), tokens or stock.vocab, length)
    path, _, attribute = name.rpartition(":") if ":" in name else (name, "", "")
    module = _load(Path(path), name)
    program = _program_in(module, path, attribute)
    tokens = tokens or _vocab_in(module, path)
    greatest: int | None = max_seq_len
    if greatest is None:
        greatest = getattr(module, "max_seq_len", None)
    if tokens is None or greatest is None:
        missing = "--vocab and --max-seq-len" if tokens is None else "--max-seq-len"
        raise InvalidOptionError(
            f"{name} needs {missing}; or let {path} define vocab and max_seq_len"
        )
    return NamedProgram(name, program, tuple(tokens), greatest)


def _load(path: Path, name: str) -> ModuleType:
    if not path.is_file():
        raise UnknownProgramError(
            f"there is no file {path} for the program {name!r}. Stock programs: {', '.join(STOCK)}"
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
        raise UnknownProgramError(f"{where} raises {show_error(error)}") from error
    return module


def _line_in(path: Path, error: BaseException) -> str:
    """The file and the line of it in which an error arose."""
    if isinstance(error, SyntaxError) and error.filename == str(path) and error.lineno:
        return f"{path}, line {error.lineno},"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}, line {lines[-1]}," if lines else str(path)


def _vocab_in(module: ModuleType, path: str) -> tuple[Value, ...] | None:
    """The vocab that a file defines; of one that may be endless, more than can be used."""
    vocab = getattr(module, "vocab", None)
    if vocab is None:
        return None
    try:
        return tuple(islice(vocab, Limits().table_entries + 1))
    except TypeError:
        raise InvalidOptionError(
            f"vocab in {path} is {show_value(vocab)}; let it be a collection of tokens"
        ) from None


def _program_in(module: ModuleType, path: str, attribute: str) -> SOp:
    names = ", ".join(
        name
        for name, value in vars(module).items()
        if isinstance(value, SOp) and not isinstance(value, TokensType | IndicesType | LengthType)
    )
    names = names or "none"
    if not attribute:
        raise UnknownProgramError(f"which program of {path}? Write {path}:NAME; it has: {names}")
    program = getattr(module, attribute, None)
    if not isinstance(program, SOp):
        what = "nothing of that name" if program is None else f"a {type(program).__name__}"
        raise UnknownProgramError(
            f"{path}:{attribute} is no s-op ({what}); the s-ops there: {names}"
        )
    return program


def parse_token(word: str) -> Value:
    """A token: a Python literal if the word is one, else the word itself."""
    try:
        value = ast.literal_eval(word)
        hash(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return word
    result: Value = value
    return result


def match_tokens(words: Sequence[str], vocab: Sequence[Value]) -> list[Value]:
    """The tokens that words stand for: those of the vocab that read the same, if any."""
    by_text = {str(token): token for token in vocab}
    return [by_text.get(word, parse_token(word)) for word in words]
