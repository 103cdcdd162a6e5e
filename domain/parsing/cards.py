"""Payment card numbers in texts: found to be refused, or masked. They are never stored or shown."""

from __future__ import annotations

import re

from stdnum import luhn

_DIGITS = r"\d(?:[ -]?\d){11,18}"
_CARD = re.compile(rf"(?<!\d){_DIGITS}(?!\d)")
_CARD_APART = re.compile(rf"(?<!\w){_DIGITS}(?!\w)")
"""Digits next to a letter or an underscore are a part of an id, such as a gateway's."""
_BRANDS = re.compile(
    r"4\d{12}(\d{3})?(\d{3})?|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|6(011|5\d\d)\d{12}|35\d{14}"
)
SHORTEST = 13


def without_cards(value: str) -> tuple[str, int]:
    """Return the text with all card numbers masked, and how many there were; one pass."""
    masked = 0

    def mask(found: re.Match[str]) -> str:
        nonlocal masked
        if not _is_card(found.group()):
            return found.group()
        masked += 1
        return "****"

    return _CARD.sub(mask, value), masked


def card_number(value: str) -> str | None:
    """Return a card number in a field of ids: a brand's prefix and length, and a check digit.

    ISO/IEC 7812-1. Digits within an id of letters and digits are none: one in some thousand
    random ids has them.
    """
    if len(value) < SHORTEST:
        return None
    for found in _CARD_APART.finditer(value):
        if _is_card(found.group()):
            return found.group()
    return None


def _is_card(text: str) -> bool:
    digits = "".join([str(int(ch)) for ch in text if ch.isdecimal()])
    return _BRANDS.fullmatch(digits) is not None and luhn.is_valid(digits)
