"""Comparing an order at an OMS that takes orders only once with what it should hold. Pure.

Only what the store decides is compared. What an OMS changes itself is not a difference: text in
another case, with other spacing or punctuation, amounts within a minor unit of the currency, and
fields of its own. Nothing can be corrected from here, since the OMS takes no changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from domain.currencies import minor_unit
from domain.reconciliation import MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from domain.skus import sku_key

Json: TypeAlias = dict[str, object]
JsonView: TypeAlias = Mapping[str, object]
Path: TypeAlias = tuple[str, ...]

CUSTOMER, ADDRESS = "customer", "address"
PERSONAL = frozenset({CUSTOMER, ADDRESS})
LEAST_UNITS = Decimal("0.0001")
LONGEST_SHOWN = 80
MALFORMED = (AttributeError, KeyError, TypeError, ValueError, ArithmeticError)
"""What ``OrderForm.compare`` raises for an order of another shape."""
_ABSENT = object()


@dataclass(frozen=True)
class OrderForm:
    """The names in which an OMS has an order, and which of its fields the store decides.

    Lines have ``quantity``, orders ``currency_code``. A field's path leads through nested objects;
    its value is the name under which a difference is reported.
    """

    order_id: str
    lines: str
    line_id: str
    sku: str
    postcode: str
    order_fields: Callable[[JsonView], Mapping[Path, str]]
    """The fields of an order that was sent so."""
    line_fields: Mapping[Path, str]
    as_asked: frozenset[str]
    """Fields that reads may leave out: only another value is a difference."""
    numbers: frozenset[str]

    def change(self, known: JsonView, wanted: JsonView, *, whole: bool) -> Json | None:
        """Return what differs, with the order's id, or ``None``; all of ``wanted`` if ``whole``."""
        if whole:
            return dict(wanted)
        if known == wanted:
            return None
        change: Json = {
            name: wanted.get(name)
            for name in [*wanted, *(known.keys() - wanted.keys())]
            if name != self.lines and known.get(name) != wanted.get(name)
        }
        before = self._lines_of(known)
        lines: list[Json] = []
        for line_id, line in self._lines_of(wanted).items():
            old = before.pop(line_id, {})
            if fields := {name: value for name, value in line.items() if old.get(name) != value}:
                lines.append({self.line_id: line_id, **fields})
        lines += [{self.line_id: line_id, "quantity": 0} for line_id in before]
        if lines:
            change[self.lines] = lines
        return {self.order_id: wanted[self.order_id], **change}

    def units(self, content: JsonView) -> dict[str, Decimal]:
        """Return by SKU the units of an order in the form that it was sent in."""
        units: dict[str, Decimal] = {}
        for line in self._lines_of(content).values():
            sku, quantity = str(line.get(self.sku) or "").strip(), _number(line.get("quantity"))
            if quantity is not None:  # what the account has made of it may be no number
                units[sku] = units.get(sku, Decimal(0)) + quantity
        return units

    def compare(self, actual: JsonView, wanted: JsonView) -> tuple[Json, list[Difference]]:
        """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

        Raises one of ``MALFORMED`` for an order of another shape.
        """
        minor = minor_unit(str(wanted.get("currency_code")))
        found: list[Difference] = []
        state = self._fields(actual, wanted, self.order_fields(wanted), "", minor, found)
        at_oms, lines = self._lines_of(actual), []
        for line_id, line in self._lines_of(wanted).items():
            held = at_oms.pop(line_id, None)
            if held is None:
                text = f"{line['quantity']} x {line[self.sku]}"
                found.append(
                    Difference(
                        "", text, "no such line", line_id, MISSING_AT_TARGET, can_repair=False
                    )
                )
                continue
            lines.append(self._fields(held, line, self.line_fields, line_id, minor, found))
        for line_id, held in at_oms.items():
            text = f"{held.get('quantity')} x {held.get(self.sku)}"[:LONGEST_SHOWN]
            found.append(
                Difference("", "no such line", text, line_id, MISSING_AT_SOURCE, can_repair=False)
            )
        state[self.lines] = lines
        return state, _joined(found)

    def _fields(
        self,
        actual: JsonView,
        wanted: JsonView,
        fields: Mapping[Path, str],
        line_id: str,
        minor: Decimal,
        found: list[Difference],
    ) -> Json:
        """Return ``wanted`` with the values that ``actual`` has in its place."""
        state = dict(wanted)
        for path, field in fields.items():
            expected, value = _at(wanted, path), _at(actual, path)
            value = None if value is _ABSENT else value
            if expected is _ABSENT or self._is_same(path[-1], value, expected, minor):
                continue
            _set(state, path, value)
            # Of personal values only the field's name is reported.
            shown = (".".join(path), ".".join(path))
            if field not in PERSONAL:
                shown = (_shown(expected), _shown(value))
            found.append(Difference(field, *shown, line_id, can_repair=False))
        return state

    def _lines_of(self, order: JsonView) -> dict[str, JsonView]:
        """Return an order's lines by the store's line id, which each was sent with."""
        lines = order.get(self.lines) or []
        if not isinstance(lines, list):
            raise TypeError(f"{self.lines} is not a list")
        found: dict[str, JsonView] = {}
        for place, line in enumerate(lines):
            line_id = str(line.get(self.line_id) or f"#{place}")
            # A line that is there twice ships twice: it is another one, and shown as such.
            found[line_id if line_id not in found else f"{line_id}#{place}"] = line
        return found

    def _is_same(self, name: str, actual: object, wanted: object, minor: Decimal) -> bool:
        if actual is None and name in self.as_asked:
            return True
        if name in self.numbers:
            left, right = _number(actual), _number(wanted)
            if left is None or right is None:  # what is not a number is none of ours
                return left is right and actual == wanted
            return abs(left - right) < (LEAST_UNITS if name == "quantity" else minor)
        if name == self.sku:
            return sku_key(str(actual or "")) == sku_key(str(wanted))
        found, expected = _text(actual), _text(wanted)
        # The US post adds four digits to a postal code.
        return found == expected or (
            name == self.postcode and bool(expected) and found.startswith(expected)
        )


def _at(values: object, path: Path) -> object:
    for name in path:
        values = values.get(name, _ABSENT) if isinstance(values, Mapping) else _ABSENT
    return values


def _set(state: Json, path: Path, value: object) -> None:
    *outer, last = path
    for name in outer:
        part = state[name]
        copy: Json = dict(part) if isinstance(part, Mapping) else {}
        state[name] = copy
        state = copy
    state[last] = value


def _joined(found: list[Difference]) -> list[Difference]:
    """Return the differences, with one for all personal fields of a kind."""
    result = [one for one in found if one.field not in PERSONAL]
    for field in (CUSTOMER, ADDRESS):
        if names := sorted({one.found for one in found if one.field == field}):
            text = f"differs in {', '.join(names)}"
            result.append(Difference(field, "as in the store", text, can_repair=False))
    return result


def _number(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(char for char in text.casefold() if char.isalnum())


def _shown(value: object) -> str:
    return "none" if value is None else str(value)[:LONGEST_SHOWN]
