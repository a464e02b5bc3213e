"""The forms that can be named."""

from __future__ import annotations

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.binary import Binary
from shoal.forms.code import Code
from shoal.forms.form import Form
from shoal.forms.one_hot import OneHot
from shoal.forms.scalar import Scalar

FORMS: dict[str, Form] = {form.name: form for form in (OneHot(), Scalar(), Binary(), Code())}
"""By name; more may be added, each is one class. (Mixtures and reciprocals come about by
attention alone, so nobody can wish for them.)"""


def form_named(name: str, label: str) -> Form:
    """A form by name; the label of the s-op that is to be held in it is for messages.

    Raises:
        UnsupportedProgramError: there is none of that name.
    """
    if name not in FORMS:
        raise UnsupportedProgramError(
            Refusal.UNKNOWN_FORM,
            label,
            f"is to be held in the form {name!r}, which there is not",
            f"use one of {', '.join(FORMS)}, or leave the form open",
        )
    return FORMS[name]
