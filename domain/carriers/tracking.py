"""Tracking numbers: the carriers whose published format and check digit a number satisfies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import pycountry
from stdnum import ean, luhn
from stdnum.iso7064 import mod_37_36

from domain.carriers.carriers import CARRIER_ALIASES

Check = Callable[[str], bool]

_SEPARATORS = re.compile(r"[\s\-.]+")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)

_POSTS = {
    "AU": "australia_post",
    "CA": "canada_post",
    "CN": "china_post",
    "DE": "dhl",
    "FR": "la_poste",
    "GB": "royal_mail",
    "US": "usps",
}
"""The post of the country in an S10 number; another country's carrier may deliver the parcel."""


def _gs1(code: str) -> bool:
    return bool(ean.calc_check_digit(code[:-1]) == code[-1])


def _smartpost(code: str) -> bool:
    # Printed without the 92 that its check digit covers.
    return _gs1(f"92{code}")


def _legacy(code: str) -> bool:
    return _gs1(f"91{code}")


def _mod7(code: str) -> bool:
    return int(code[:-1]) % 7 == int(code[-1])


def _weighted(code: str) -> bool:
    # Mod 10 of UPS and OnTrac: weights 1 and 2 in turn, products not reduced to their digits.
    total = sum(_ups_value(ch) * (2 if i % 2 else 1) for i, ch in enumerate(code[:-1]))
    return (total + int(code[-1])) % 10 == 0


def _ups_value(ch: str) -> int:
    # Letters count as digits: A is 2, B is 3, and so on, modulo 10.
    return int(ch) if ch.isdigit() else (ord(ch) - ord("A") + 2) % 10


def _mod11(code: str) -> bool:
    # FedEx: from the check digit leftwards, weights 1, 3 and 7 in turn; mod 11, 10 is written 0.
    total = sum(int(ch) * (1, 3, 7)[i % 3] for i, ch in enumerate(reversed(code[:-1])))
    return total % 11 % 10 == int(code[-1])


def _s10(code: str) -> bool:
    # UPU S10: weights over the eight digits; the last two letters are a country.
    digits, country = code[2:11], code[11:]
    weighted = zip(digits[:8], _S10_WEIGHTS, strict=True)
    rest = 11 - sum(int(ch) * weight for ch, weight in weighted) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(digits[8]) and country in _countries()


@cache
def _countries() -> frozenset[str]:
    return frozenset({country.alpha_2 for country in pycountry.countries} | {"XK", "AN"})


def _any(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Format:
    """One format of a carrier; ``check`` gets the groups of ``pattern``, joined, if it has any."""

    carrier: str
    name: str
    pattern: re.Pattern[str]
    check: Check

    @property
    def has_check(self) -> bool:
        """Return whether a wrong number would be noticed, by a check digit."""
        return self.check is not _any

    def accepts(self, number: str) -> bool:
        """Return whether a number without separators has this format and a right check digit."""
        found = self.pattern.fullmatch(number)
        return found is not None and self.check("".join(filter(None, found.groups())) or number)


_FORMATS: tuple[tuple[str, str, str, Check], ...] = (
    ("ups", "1Z", r"1Z([0-9A-Z]{15}[0-9])", _weighted),
    ("ups", "waybill", r"[AHJKTV]([0-9]{10})", _weighted),
    ("fedex", "express", r"[0-9]{12}", _mod11),
    ("fedex", "express barcode", r"1[0-9]{19}([0-9]{14})", _mod11),
    ("fedex", "ground GSN", r"96[0-9]{18}([0-9]{14})", _mod11),
    ("fedex", "ASTRA", r"[0-9]{16}([0-9]{12})[0-9]{4}", _mod11),
    ("fedex", "ground", r"[0-9]{15}", _gs1),
    ("fedex", "ground 96", r"96[0-9]{5}([0-9]{15})", _gs1),
    ("fedex", "ground SSCC-18", r"(?:00)?([0-9]{18})", _gs1),
    ("fedex", "SmartPost", r"(?:61|02)[0-9]{18}", _smartpost),
    ("usps", "IMpb", r"(?:420[0-9]{5})?(9[1-5][0-9]{20})", _gs1),
    ("usps", "IMpb with ZIP+4", r"420[0-9]{9}(9[1-5][0-9]{20})", _gs1),
    ("usps", "IMpb 26", r"(?:420[0-9]{5}(?:[0-9]{4})?)?(9[1-5][0-9]{24})", _gs1),
    ("fedex", "SmartPost prefixed", r"(?:420[0-9]{5}(?:[0-9]{4})?)?(92(?:61|02)[0-9]{18})", _gs1),
    ("usps", "20 digits", r"(?!00)[0-9]{20}", _gs1),
    ("usps", "20 digits, 91 left out", r"7[0-9]{19}", _legacy),
    ("canada_post", "16 digits", r"[0-9]{16}", _gs1),
    ("dhl", "express", r"[0-9]{10,11}", _mod7),
    ("dhl", "express piece", r"J(?:JD|VGL)[0-9]{10,20}", _any),
    ("dhl", "eCommerce", r"GM[0-9]{16,20}", _any),
    ("dhl", "eCommerce 14", r"[0-9]{14}", _any),
    ("dpd", "28", r"[0-9A-Z]{27}[0-9A-Z]", mod_37_36.is_valid),
    ("dpd", "14", r"[0-9]{14}[0-9A-Z]", mod_37_36.is_valid),
    ("purolator", "12 digits", r"[0-9]{12}", luhn.is_valid),
    ("purolator", "letters", r"[A-Z]{3}[0-9]{9}", _any),
    ("old_dominion", "PRO", r"[0-9]{11}", luhn.is_valid),
    ("ontrac", "15", r"[CD][0-9]{14}", _weighted),
    ("amazon", "logistics", r"TB[ACM][0-9]{12}", _any),
    ("amazon", "international", r"C1[0-9]{9}", _any),
    ("canpar", "22", r"[A-Z][0-9]{21}", _any),
    ("landmark", "LTN", r"LTN[0-9]{8,9}N[0-9]", _any),
    ("lasership", "LX", r"L[A-Z][0-9]{8}", _any),
    ("lasership", "1LS", r"1LS[0-9]{12}", _any),
    ("lasership", "1LSCX", r"1LSCX[0-9A-Z]{10}", _any),
    ("speedee", "20", r"SP[0-9]{18}", _any),
    ("yodel", "JD", r"JD[0-9]{16}", _any),
    ("yunexpress", "YT", r"YT[0-9]{16}", _any),
    ("s10", "S10", r"[A-Z]{2}[0-9]{9}[A-Z]{2}", _s10),
)  # fmt: skip
"""Carrier, format, pattern and check, in the order of the results: check digits first."""


@cache
def _formats() -> tuple[Format, ...]:
    return tuple(
        Format(carrier, name, re.compile(pattern), check)
        for carrier, name, pattern, check in _FORMATS
    )


@lru_cache(maxsize=16_384)
def carrier_from_tracking(number: str) -> tuple[str, ...]:
    """Return the codes of the carriers that could have issued the number, the likeliest first.

    Spaces, hyphens, dots and case are ignored. Formats without check digits match many numbers, and
    prove nothing (``proven_carrier``).
    """
    compact = _compact(number)
    found = [form.carrier for form in _formats() if form.accepts(compact)]
    if "s10" in found and compact[-2:] in _POSTS:
        found.insert(0, _POSTS[compact[-2:]])
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=16_384)
def proven_carrier(number: str) -> str | None:
    """Return the carrier that a number proves: the only one that it fits, by its check digit."""
    fitting = carrier_from_tracking(number)
    if len(fitting) != 1 or fitting[0] not in CARRIER_ALIASES:
        return None
    compact = _compact(number)
    checked = any(form.has_check and form.accepts(compact) for form in _formats())
    return fitting[0] if checked else None


def _compact(number: str) -> str:
    return _SEPARATORS.sub("", number).upper()
