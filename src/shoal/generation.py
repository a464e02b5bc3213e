"""Generation: a causal program whose results are tokens gives the next one, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from shoal.errors import InvalidInputError
from shoal.rasp.values import Value, canonical_key, show_value
from shoal.transformer.encoders import InputEncoder


def generate(
    next_value: Callable[[list[Value]], Value],
    encoder: InputEncoder,
    prompt: Sequence[Value],
    max_new_tokens: int,
    stop: Iterable[Value] = (),
) -> list[Value]:
    """A prompt, and the tokens that follow.

    Args:
        next_value: from a sequence to the program's result at its last position.
        encoder: knows the vocab, and how long sequences may be.
        prompt: at least one token, without BOS.
        max_new_tokens: how many follow at most.
        stop: tokens after which nothing follows.

    Returns:
        It ends after ``max_new_tokens``, after a token of ``stop``, where the result is None, and
        where the sequence is as long as the model can read.

    Raises:
        InvalidInputError: the prompt does not fit the model, or a result is no token.
    """
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int):
        raise InvalidInputError(f"max_new_tokens is {show_value(max_new_tokens)}; give an int")
    encoder.encode_tokens(prompt)
    sequence = list(prompt)
    known = {canonical_key(token) for token in encoder.vocab}
    last = {canonical_key(token) for token in stop}
    for _ in range(min(max_new_tokens, encoder.max_seq_len - len(sequence))):
        value = next_value(sequence)
        if value is None:
            break
        if canonical_key(value) not in known:
            raise InvalidInputError(
                f"the result {show_value(value)} is no token, so that nothing can follow it; map "
                "it to a token of the vocab"
            )
        sequence.append(value)
        if canonical_key(value) in last:
            break
    return sequence
