"""The search query: ``A = 'x'``, ``!=``, ``>=``, ``<=``, ``>``, ``<``, ``in ('a','b')``, ``and``.

Beyond ``=`` and ``and`` the vendor's grammar is unverified (oms.md 1.7); timestamps have no zone,
as in bodies.
"""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.oms.manhattan.clock import to_ms
from sandbox.oms.manhattan.envelope import Refused, error

_CONDITION = re.compile(
    r"\s*'?(?P<attribute>[A-Za-z][A-Za-z0-9_.]*)'?\s*(?P<operator>>=|<=|!=|=|>|<|\bin\b)\s*"
    r"(?P<value>\((?:\s*(?:'(?:[^']|'')*'|[^',()\s]+)\s*,?)*\)|'(?:[^']|'')*'|[^'()\s]+)\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|([^',()\s]+)")

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {">=": op.ge, "<=": op.le, ">": op.gt, "<": op.lt}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of an attribute with one or more literals."""

    attribute: str
    operator: str
    values: tuple[str, ...]
    typed: tuple[Any, ...]
    """The literals in comparable form: milliseconds, numbers where possible, else text."""

    def holds(self, actual: Any) -> bool:
        """Return whether a record's value meets the condition; a missing one meets only ``!=``."""
        if self.operator in ("=", "in", "!="):
            return (actual is not None and self._equals(actual)) != (self.operator == "!=")
        if actual is None:
            return False
        left, right = self._comparable(actual, 0)
        return _COMPARE[self.operator](left, right)

    def _equals(self, actual: Any) -> bool:
        for place in range(len(self.values)):
            left, right = self._comparable(actual, place)
            if left == right:
                return True
        return False

    def _comparable(self, actual: Any, place: int) -> tuple[Any, Any]:
        """Convert both sides to one type: moments, numbers (3000 = 3000.000), else text."""
        typed = self.typed[place]
        if self.attribute.endswith("Timestamp"):
            return (actual if isinstance(actual, int) else _moment(str(actual))), typed
        if isinstance(actual, bool):
            return str(actual).lower(), self.values[place].lower()
        if isinstance(typed, float):
            if isinstance(actual, int | float):
                return actual, typed
            number = _number(actual) if self.attribute.endswith("StatusId") else None
            if number is not None:
                return number, typed
        return str(actual), self.values[place]


def parse_query(text: Any) -> list[Condition]:
    """Parse a query, an absent one to no conditions; raises Refused outside the grammar."""
    if text is None or text == "":
        return []
    if not isinstance(text, str):
        raise _invalid(text)
    conditions: list[Condition] = []
    position = 0
    while True:
        match = _CONDITION.match(text, position)
        if match is None:
            raise _invalid(text)
        conditions.append(_condition(match, text))
        position = match.end()
        if position == len(text):
            return conditions
        joint = _AND.match(text, position)
        if joint is None:
            raise _invalid(text)
        position = joint.end()


def _condition(match: re.Match[str], text: str) -> Condition:
    literal, operator = match["value"], match["operator"].lower()
    if (operator == "in") != literal.startswith("("):
        raise _invalid(text)
    values = tuple(
        quoted.replace("''", "'") if quoted or not bare else bare
        for quoted, bare in _LITERAL.findall(literal)
    )
    if not values:
        raise _invalid(text)
    attribute = match["attribute"]
    if attribute.endswith("Timestamp"):
        return Condition(attribute, operator, values, tuple(_moment(value) for value in values))
    numbers = (_number(value) for value in values)
    return Condition(
        attribute,
        operator,
        values,
        tuple(values[i] if n is None else n for i, n in enumerate(numbers)),
    )


def _moment(text: str) -> int:
    try:
        return to_ms(text)
    except ValueError as problem:
        raise Refused(
            error("INVALID_QUERY", f"{text!r} is not a timestamp", field="Query")
        ) from problem


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _invalid(text: Any) -> Refused:
    return Refused(error("INVALID_QUERY", f"The query can't be parsed: {text!r}", field="Query"))
