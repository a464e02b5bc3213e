"""What rules may look at: the facts, and what is held so far. They change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.code import Code
from shoal.forms.digit_code import DigitCode
from shoal.forms.form import Form
from shoal.forms.registry import form_named
from shoal.lowering.held import Held, StreamVariable
from shoal.lowering.offers import InputTable
from shoal.program.facts.domains import Domain
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node, Op
from shoal.rasp.values import Value

RESULT_CODES = "result-codes"
"""The name of the rule by which a result is held as one number for each value."""

MARK_OF_TOKENS = "mark of tokens"
"""What a helper is for that is 1 at every token, and 0 at the BOS position."""

PLACE_OF_TOKENS = "place of tokens"
"""What a helper is for that is 1 at the first token, 2 at the next, and 0 at the BOS position."""


@dataclass(frozen=True, eq=False)
class Context:
    """The state of one lowering, to be read.

    Attributes:
        inferred: the program with its facts.
        passes: names of the rules that are switched on, besides the essential ones.
        variables: all so far, by name.
        held: by node id, every way in which an s-op is held so far; the first as the user wishes.
        raw: by node id, what an s-op is decoded from.
        helpers: values that belong to no s-op, by what they are for.
        made_by: by node id, the rule by which an s-op is held first.
        inputs: what the embedding provides.
        refused: by node id, why an s-op is held in no way, or not in all that were tried.
    """

    inferred: Inferred
    passes: frozenset[str] = frozenset()
    variables: Mapping[str, StreamVariable] = field(default_factory=dict)
    held: Mapping[int, Sequence[Held]] = field(default_factory=dict)
    raw: Mapping[int, Held] = field(default_factory=dict)
    helpers: Mapping[str, Held] = field(default_factory=dict)
    made_by: Mapping[int, str] = field(default_factory=dict)
    inputs: Sequence[InputTable] = ()
    refused: Mapping[int, UnsupportedProgramError] = field(default_factory=dict)

    def node(self, number: int) -> Node:
        """A node of the program."""
        return self.inferred.program.node(number)

    def domain(self, number: int) -> Domain:
        """What a node's value can be."""
        return self.inferred.domain(number)

    def ways(self, number: int) -> Sequence[Held]:
        """Every way in which an s-op is held so far, the first as the user wishes.

        Raises:
            UnsupportedProgramError: there is none; says why.
        """
        if number not in self.held and number in self.refused:
            raise self.refused[number].with_traceback(None)
        return self.held[number]

    def first(self, number: int) -> Held:
        """An s-op as the user wishes it to be held.

        Raises:
            UnsupportedProgramError: it is held in no way; says why.
        """
        return self.ways(number)[0]

    def default_of(self, node: Node) -> Value:
        """The default of an aggregate, or None where it is never used."""
        return node.value if self.inferred.widths[node.inputs[0]].low == 0 else None

    def upstream(self, node: Node, is_end: Callable[[Node], bool]) -> list[Node]:
        """What a node is computed from, up to ends and these included, operands first."""
        found: dict[int, Node] = {}
        agenda = [(node, False)]
        while agenda:
            part, operands_are_there = agenda.pop()
            if operands_are_there:
                found.setdefault(part.id, part)
            elif part.id not in found:
                agenda.append((part, True))
                operands = () if is_end(part) else part.inputs
                agenda += [(self.node(number), False) for number in reversed(operands)]
        return list(found.values())

    def wish_of(self, node: Node) -> Form:
        """The form that the user wishes for an s-op, whether it fits its values or not.

        Raises:
            UnsupportedProgramError: it holds numbers where classes are promised, or the other way.
        """
        code = self.code_of(node)
        if code is not None:
            return code
        form = form_named(node.form or ("scalar" if node.is_numerical else "one-hot"), node.label)
        if form.is_number == node.is_numerical:
            return form
        what = ("classes", "numbers up to a tolerance")
        raise UnsupportedProgramError(
            Refusal.WRONG_FORM,
            node.label,
            f"is to be held in the form {form.name!r}, which gives {what[form.is_number]}, and its "
            f"values are {what[node.is_numerical]}",
            "drop rasp.numerical, or the form"
            if node.is_numerical
            else "annotate it with rasp.numerical, or use another form",
        )

    def is_for_decoder_alone(self, node: Node) -> bool:
        """Whether an s-op is a result of classes that nothing reads, of which a code will do."""
        return self.code_of(node) is not None

    def code_of(self, node: Node) -> Form | None:
        """The code of an s-op that is a result of classes which nothing reads; None if it is not.

        None as well if there are too many classes.
        """
        if RESULT_CODES not in self.passes or not self.is_only_decoded(node):
            return None
        domain, limits = self.domain(node.id), self.inferred.limits
        codes: tuple[Form, ...] = (Code(), DigitCode())
        return next((code for code in codes if code.misfit(domain, limits) is None), None)

    @property
    def only_tokens(self) -> Node | None:
        """The tokens as they are, if they are held already and nothing reads them otherwise."""
        inputs = [node for node in self.inferred.program if node.op is Op.TOKENS]
        is_one = len(inputs) == 1 and inputs[0].is_plain_token and inputs[0].id in self.held
        return inputs[0] if is_one else None

    def is_only_decoded(self, node: Node) -> bool:
        """Whether an s-op is a result of classes that nothing reads, in whatever form."""
        is_free = not node.is_numerical and node.form is None and not node.is_kept
        is_result = node.id == self.inferred.program.root
        return is_result and is_free and not self.inferred.program.graph.out_degree(node.id)

    def borne(self, node: Node, form: Form) -> float:
        """How far off an s-op may be in a form: half of the room of the decoder, if that reads it.

        Others may tell apart what is closer to each other than that, so they bear nothing.
        """
        if form.is_number or not self.is_only_decoded(node):
            return 0.0
        return form.room(self.domain(node.id)) / 2

    def form_of(self, node: Node) -> Form:
        """The form that the user wishes for an s-op.

        Raises:
            UnsupportedProgramError: it cannot hold the s-op's values.
        """
        form = self.wish_of(node)
        if not form.is_number:
            self.inferred.listed(node, node.label)
        self.require_fit(form, self.inferred.domain(node.id), node.label)
        return form

    def require_fit(self, form: Form, domain: Domain, label: str) -> None:
        """Refuse a form that cannot hold a domain.

        Raises:
            UnsupportedProgramError: says why.
        """
        misfit = form.misfit(domain, self.inferred.limits)
        if misfit is not None:
            raise UnsupportedProgramError(Refusal.TOO_MANY_VALUES, label, *misfit)

    def fresh_name(self, wanted: str) -> str:
        """A name for a helper variable that no s-op and no other variable has."""
        names = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        return next(n for n in names if n not in self.variables and n not in self._labels)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(node.label for node in self.inferred.program)
