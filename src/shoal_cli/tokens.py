"""Tokens as they are written on the command line: words, or Python literals.

A word is a number if it reads like one, and else a string. Whoever needs more says so: ``py:`` and
a Python list, which holds the tokens exactly as Python reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from shoal.rasp.values import Value, show_value, why_unusable
from shoal_cli.wording import CommandLineError

LITERALS = "py:"
"""What a word begins with that is a Python list of tokens."""

HELP = f"or \"{LITERALS}[1, 2.5, (1, 2), True, '1']\", a Python list"
"""How the help of an option tells of it."""


def parse_tokens(option: str, words: Sequence[str]) -> list[Value]:
    """The tokens that words stand for.

    Args:
        option: where they are given, for messages.
        words: each a token, or ``py:[...]`` for several.

    Raises:
        CommandLineError: a Python list is none, or an item of it cannot be a token.
    """
    tokens: list[Value] = []
    for word in words:
        tokens += literals(option, word) if word.startswith(LITERALS) else [parse_token(word)]
    return tokens


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
    """The tokens that words stand for: those of the vocab that read the same, if any.

    Raises:
        CommandLineError: as ``parse_tokens``.
    """
    by_text = {str(token): token for token in vocab}
    tokens: list[Value] = []
    for word in words:
        if word in by_text:
            tokens.append(by_text[word])
        else:
            tokens += parse_tokens("the input", [word])
    return tokens


def literals(option: str, word: str) -> list[Value]:
    """The tokens in ``py:[...]``.

    Raises:
        CommandLineError: it is no list, or says which item cannot be a token, and why.
    """
    text = word.removeprefix(LITERALS).strip()
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise CommandLineError(f"{option} {_short(word)}: this is no Python ({reason})") from None
    if not isinstance(tree, ast.List):
        raise CommandLineError(
            f"{option} {_short(word)}: after {LITERALS} comes a list, such as "
            f"{LITERALS}[1, 2.5, (1, 2), 'a']"
        )
    return [_item(option, text, number, item) for number, item in enumerate(tree.elts, 1)]


def _item(option: str, text: str, number: int, item: ast.expr) -> Value:
    written = _short(ast.get_source_segment(text, item) or "")
    try:
        value: Value = ast.literal_eval(item)
    except (ValueError, TypeError, RecursionError, MemoryError):
        hint = f"; write {written!r} for the string" if isinstance(item, ast.Name) else ""
        raise CommandLineError(f"{option}: item {number}, {written}, is no literal{hint}") from None
    reason = "means that nothing was selected" if value is None else why_unusable(value)
    if reason is not None:
        raise CommandLineError(f"{option}: item {number}, {show_value(value)}, {reason}")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
