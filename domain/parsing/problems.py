"""All problems and warnings of one store's document, collected while it is mapped."""

from __future__ import annotations

from typing import Any

from domain.errors import Problem
from domain.parsing.cards import card_number

LOOK = "check the order in the store"
REPORT = f"{LOOK}; report it if it looks right there"


class DocumentProblems:
    """All problems and warnings of one document: an operator gets them at once, not one a retry.

    ``misfits`` are the values that the decoder has set aside.
    """

    __slots__ = ("_misfit_fields", "_misfits", "problems", "warnings")

    def __init__(self, misfits: tuple[Problem, ...] = ()) -> None:
        self.problems: list[Problem] = list(misfits)
        self.warnings: list[Problem] = []
        self._misfits = len(misfits)
        self._misfit_fields = {problem.field for problem in misfits} if misfits else ()

    def in_order(self) -> list[Problem]:
        """Return the problems; the mapping's, which are more specific, before the misfits."""
        return [*self.problems[self._misfits :], *self.problems[: self._misfits]]

    def reject(self, code: str, field: str, message: str, advice: str, value: Any = "") -> None:
        """Report a reason to keep the record out."""
        self.problems.append(Problem(code, field, message, advice, str(value)[:80]))

    def warn(self, code: str, field: str, message: str, advice: str) -> None:
        """Report something that an operator should look at."""
        self.warnings.append(Problem(code, field, message, advice))

    def missing(self, code: str, field: str, message: str) -> None:
        """Report a field without a value, unless its value did not fit."""
        if field not in self._misfit_fields:
            self.reject(code, field, message, LOOK)


def without_card(value: str | None, path: str, problems: DocumentProblems, name: str = "") -> str:
    """Return a payment field, unless it holds a card's number, which is shown nowhere.

    ``name`` follows ``path``; the two are put together for a report only.
    """
    if not value:
        return ""
    if card_number(value):
        message = "the field seems to contain a payment card number"
        advice = "remove the number in the store and inform the person who entered it"
        problems.reject("card_number_present", path + name, message, advice, "****")
        return ""
    return value.strip()
