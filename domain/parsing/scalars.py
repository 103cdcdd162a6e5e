"""Values that vendors write in several forms, read in one place: amounts and times.

They keep their written form in a payload's struct, since a mapping reads only some of them (the
prices with tax, or those without): ``amount_of`` and ``moment_of`` read them. Both remember what
they have read, so that a common value costs a look-up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Annotated

from msgspec import Meta

from domain.memo import remembered
from domain.values import is_of_this_era

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LONGEST = 64
"""Characters of an amount or a time; longer texts are neither, and are not remembered."""
WHOLE_DIGITS = 18
"""Of a whole number that is read from a text: it fits into 64 bits."""
_AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,12})?", re.ASCII)
_RFC_2822 = 31
"""Characters of ``Thu, 20 Jun 2019 16:07:08 +0000``, the form that nearly all times have."""
_MONTHS = {
    "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
    "Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
}  # fmt: skip


class UnreadableValue(ValueError):
    """A value that is not an amount or time; ``PayloadDecoder.check`` reports which one."""


@remembered(65_536)
def amount_of(value: WrittenAmount) -> Decimal:
    """Return an amount, zero if none is given. Raises ``UnreadableValue``.

    It has at least two decimals and no needless zeros, so that equal amounts are written equally.
    """
    if value is None or value == "":
        return ZERO
    amount = to_amount(value)
    if amount is None:
        raise UnreadableValue
    return amount


def to_amount(value: str | float) -> Decimal | None:
    """Return the amount of a text or number, ``None`` if it is none; exponents are refused."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > LONGEST or not _AMOUNT.fullmatch(text := text.strip()):
        return None
    amount = Decimal(text)
    rounded = amount.quantize(CENT)
    return (rounded or ZERO) if amount == rounded else amount.normalize()


def to_whole(text: str) -> int | None:
    """Return the whole number of a text of up to 18 digits, ``None`` if it is none.

    ``int`` takes digits of any script, of which ``isdigit`` knows more, and refuses very long ones.
    """
    is_number = len(text) <= WHOLE_DIGITS and text.isascii() and text.isdigit()
    return int(text) if is_number else None


@remembered(8192)
def moment_of(value: WrittenTime) -> datetime | None:
    """Return a time in UTC, ``None`` if none is given. Raises ``UnreadableValue``."""
    if value is None or value == "":
        return None
    moment = to_moment(value)
    if moment is None:
        raise UnreadableValue
    return moment


def to_moment(value: str) -> datetime | None:
    """Return the UTC time of an RFC 2822 or ISO 8601 text, ``None`` if it is neither.

    Nor is a time that names no zone, or one of another century.
    """
    found = _parsed(value) if len(value) <= LONGEST else None
    return found if found is not None and is_of_this_era(found) else None


def _parsed(value: str) -> datetime | None:
    if len(value) == _RFC_2822 and value.endswith(" +0000"):
        month = _MONTHS.get(value[8:11])
        if month is None:
            return None
        try:
            # A tenth of the cost of the library's parser.
            return datetime.fromisoformat(
                f"{value[12:16]}-{month}-{value[5:7]}T{value[17:25]}+00:00"
            )
        except ValueError:
            pass  # padded with spaces, or none
    try:
        is_rfc = value[:1].isalpha()
        found = parsedate_to_datetime(value) if is_rfc else datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


WrittenAmount = Annotated[
    str | int | float | None,
    Meta(description="an amount such as 12.50", extra={"reader": to_amount}),
]
"""Money as a text, a number or an integer; ``""`` and ``null`` are none."""
WrittenTime = Annotated[
    str | None,
    Meta(
        description="a date",
        extra={"reader": to_moment, "unreadable": ("date_invalid", "this isn't a date")},
    ),
]
"""RFC 2822 or ISO 8601; ``""`` and ``null`` are none."""
