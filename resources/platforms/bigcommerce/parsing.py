"""Reads single values out of BigCommerce's documents, and collects what is wrong with them.

V2 writes money as "float, float-as-string or integer", dates in RFC 2822 or as '' where unset: all forms are understood, and a value
that is none of them becomes a problem of its record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from domain.errors import Problem
from domain.text import mask_digits
from domain.values import is_of_this_era

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LONGEST_VALUE = 64
"""Of an amount or a time; longer texts are neither, and are not remembered."""
_AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,12})?")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")
_BRANDS = re.compile(
    r"4\d{12}(\d{3})?(\d{3})?|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(011|5\d\d)\d{12}|35\d{14}"
)


class Findings:
    """All problems and warnings of one order: the operator gets them at once, not one a retry."""

    __slots__ = ("problems", "warnings")

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def reject(self, code: str, field: str, message: str, advice: str, value: object = "") -> None:
        """Note a reason to keep the order out."""
        self.problems.append(Problem(code, field, message, advice, str(value)[:80]))

    def warn(self, code: str, field: str, message: str, advice: str, value: object = "") -> None:
        """Note something that deserves a look."""
        self.warnings.append(Problem(code, field, message, advice, str(value)[:80]))

    def malformed(self, field: str, expected: str, value: object) -> None:
        """Note a value of the wrong kind; it isn't shown, since nothing tells whether it is personal."""
        kind = _KINDS.get(type(value), "something else")
        shown = mask_digits(value[:40]) if isinstance(value, str) else kind
        self.reject(
            "malformed_value",
            field,
            f"this should be {expected}",
            "look at the order in the store; report it if it looks right there",
            shown,
        )


def mapping(value: object, field: str, findings: Findings) -> Mapping[str, Any]:
    """Return an object, or an empty one with a problem; null and absent are empty."""
    if isinstance(value, dict):
        return value
    if value is not None and value != []:
        findings.malformed(field, "an object", value)
    return {}


def sequence(value: object, field: str, findings: Findings) -> list[Any]:
    """Return a list; a single object counts as a list of one, as BigCommerce's own examples have it."""
    if type(value) is list:
        return value
    if isinstance(value, dict):
        return [value]
    if value is not None:
        findings.malformed(field, "a list", value)
    return []


def text(source: Mapping[str, Any], key: str, where: str, findings: Findings) -> str:
    """Return a text; numbers are taken as they stand, null and absent are empty."""
    value = source.get(key)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    findings.malformed(f"{where}{key}", "a text", value)
    return ""


def number_id(source: Mapping[str, Any], key: str, where: str, findings: Findings) -> int | None:
    """Return an id; 0, null and absent are none."""
    value = source.get(key)
    if type(value) is int and value >= 0:
        return value or None
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value) or None
    findings.malformed(f"{where}{key}", "an id", value)
    return None


def money(
    source: Mapping[str, Any], key: str, where: str, findings: Findings, *, required: bool = False
) -> Decimal:
    """Return an amount; absent and '' are zero unless required, and a negative one is as it stands."""
    value = source.get(key)
    if type(value) is str:
        if len(value) <= LONGEST_VALUE and (amount := to_amount(value)) is not None:
            return amount
    elif (type(value) is int or type(value) is float) and (
        amount := to_amount(repr(value))
    ) is not None:
        return amount
    if value is not None and value != "":
        findings.malformed(f"{where}{key}", "an amount such as 12.50", value)
    elif required:
        findings.reject(
            "amount_missing",
            f"{where}{key}",
            "the amount is missing",
            "look at the order in the store",
        )
    return ZERO


@lru_cache(maxsize=65_536)
def to_amount(value: str) -> Decimal | None:
    """Return the amount with at least two decimals and no needless zeros, so that equal amounts are written equally."""
    value = value.strip()
    if not _AMOUNT.fullmatch(value):
        return None
    amount = Decimal(value)
    if amount == amount.quantize(CENT):
        return amount.quantize(CENT) or ZERO
    return amount.normalize()


def moment(
    source: Mapping[str, Any], key: str, where: str, findings: Findings, *, required: bool = False
) -> datetime | None:
    """Return a time in UTC; '' and absent are none."""
    value = source.get(key)
    if type(value) is str and value:
        if (found := to_moment(value) if len(value) <= LONGEST_VALUE else None) is None:
            findings.reject(
                "date_invalid",
                f"{where}{key}",
                "this isn't a date",
                "look at the order in the store",
                mask_digits(value[:40]),
            )
        return found
    if value is not None and value != "":
        findings.malformed(f"{where}{key}", "a date", value)
    elif required:
        findings.reject(
            "date_missing", f"{where}{key}", "the date is missing", "look at the order in the store"
        )
    return None


@lru_cache(maxsize=8192)
def to_moment(value: str) -> datetime | None:
    """Return the time of an RFC 2822 or ISO 8601 text in UTC, ``None`` if it is neither, names no zone or is of another century."""
    found = _moment(value)
    return found if found is not None and is_of_this_era(found) else None


def _moment(value: str) -> datetime | None:
    try:
        # 'Thu, 20 Jun 2019 16:07:08 +0000', the form of nearly all: a fifth of the library's cost.
        if len(value) == 31 and value.endswith(" +0000"):
            hour, minute, second = int(value[17:19]), int(value[20:22]), int(value[23:25])
            return datetime(
                int(value[12:16]),
                _MONTHS[value[8:11]],
                int(value[5:7]),
                hour,
                minute,
                second,
                tzinfo=UTC,
            )
    except (ValueError, KeyError):
        return None
    try:
        found = (
            parsedate_to_datetime(value) if value[:1].isalpha() else datetime.fromisoformat(value)
        )
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def without_cards(value: str) -> tuple[str, int]:
    """Return the text with every payment card's number masked, and how many there were; one pass, however many."""
    masked = 0

    def mask(found: re.Match[str]) -> str:
        nonlocal masked
        if not _is_card(found.group()):
            return found.group()
        masked += 1
        return "****"

    return _CARD.sub(mask, value), masked


def card_number(value: str) -> str | None:
    """Return a payment card's number found in the text: a brand's prefix and length, and a valid check digit (ISO/IEC 7812-1)."""
    if len(value) < 13:
        return None
    return next((found.group() for found in _CARD.finditer(value) if _is_card(found.group())), None)


def _is_card(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return _BRANDS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    total = sum(int(ch) for ch in digits[-1::-2]) + sum(
        sum(divmod(2 * int(ch), 10)) for ch in digits[-2::-2]
    )
    return total % 10 == 0
