"""What rules may look at: the facts, and what is held so far. They change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.form import Form
from shoal.forms.registry import FORMS, form_named
from shoal.lowering.held import Held, StreamVariable
from shoal.program.facts.domains import Domain
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node


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
        labels: of all nodes.
    """

    inferred: Inferred
    passes: frozenset[str]
    variables: Mapping[str, StreamVariable]
    held: Mapping[int, Sequence[Held]]
    raw: Mapping[int, Held]
    helpers: Mapping[str, Held]
    made_by: Mapping[int, str]
    labels: frozenset[str]

    def node(self, number: int) -> Node:
        """A node of the program."""
        return self.inferred.program.node(number)

    def domain(self, number: int) -> Domain:
        """What a node's value can be."""
        return self.inferred.domain(number)

    def first(self, number: int) -> Held:
        """An s-op as the user wishes it to be held."""
        return self.held[number][0]

    def wish_of(self, node: Node) -> Form:
        """The form that the user wishes for an s-op, whether it fits its values or not.

        Raises:
            UnsupportedProgramError: it holds numbers where classes are promised, or the other way.
        """
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

    def further_forms(self, node: Node) -> list[Form]:
        """Forms that are switched on besides, where they fit and are narrower."""
        first = self.first(node.id)
        limits = self.inferred.limits
        return [
            form
            for name, form in FORMS.items()
            if name in self.passes
            and form != first.form
            and not first.form.is_number
            and form.misfit(first.domain, limits) is None
            and len(form.parts(first.domain)) < first.width
        ]

    def require_fit(self, form: Form, domain: Domain, label: str) -> None:
        """Refuse a form that cannot hold a domain.

        Raises:
            UnsupportedProgramError: says why.
        """
        misfit = form.misfit(domain, self.inferred.limits)
        if misfit is not None:
            raise UnsupportedProgramError(
                Refusal.TOO_MANY_VALUES, label, misfit.reason, misfit.advice
            )

    def fresh_name(self, wanted: str) -> str:
        """A name for a helper variable that no s-op and no other variable has."""
        name, number = wanted, 1
        while name in self.variables or name in self.labels:
            number += 1
            name = f"{wanted}_{number}"
        return name
