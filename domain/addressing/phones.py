"""Phone numbers in E.164, validated by libphonenumber for the country of the address.

The Rust port (``rphonenumbers``) takes about 7 us for a number where ``phonenumbers``, the Python
port, takes 115 (measured). It is young, so a test compares it with the Python port.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import rphonenumbers

from domain.errors import Problem
from domain.parsing.text import clean_text, mask_digits


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number in E.164 without its extension, or the problem with it; neither if empty."""

    e164: str | None
    extension: str = ""
    problem: Problem | None = None


NO_PHONE = Phone(None)


@lru_cache(maxsize=65_536)
def normalise_phone(text: str, country: str | None) -> Phone:
    """Return the number in E.164 as dialled from a country (ISO 3166-1 alpha-2).

    A number is valid if ``is_valid_number`` accepts it, so it may belong to another country than
    the address.
    """
    text = clean_text(text)
    if not text:
        return NO_PHONE
    try:
        number = rphonenumbers.parse(text, country)
    except rphonenumbers.NumberParseException:
        return Phone(None, problem=_invalid(text, country))
    if not rphonenumbers.is_valid_number(number):
        return Phone(None, problem=_invalid(text, country))
    e164: str = rphonenumbers.format_number(number, rphonenumbers.PhoneNumberFormat.E164)
    extension: str = number.extension or ""
    return Phone(e164, extension)


def _invalid(text: str, country: str | None) -> Problem:
    where = f"in {country}" if country else "without a country code"
    return Problem(
        "phone_invalid",
        "phone",
        f"the phone number is not valid {where}",
        "correct the number in the store; add the country code if it is a foreign number",
        mask_digits(text[:40]),
    )
