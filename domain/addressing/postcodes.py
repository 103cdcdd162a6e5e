"""Postal codes in the country's canonical spelling; dropped leading zeros are restored if safe."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from domain.addressing.postcode_formats import (
    LEADING_ZERO,
    LETTER_PREFIXES,
    LETTERS,
    REQUIRED,
    ZERO_SUBDIVISIONS,
    masks_of,
)
from domain.addressing.subdivisions import normalise_subdivision
from domain.errors import Problem
from domain.parsing.text import clean_text

_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u2212_/\u3012]+")
_CLASSES = {"#": "[0-9]", "@": "[A-Z]", "*": "[0-9A-Z]"}


@dataclass(frozen=True, slots=True)
class Postcode:
    """A postal code in canonical spelling with warnings, or the unchanged text with a problem."""

    value: str
    warnings: tuple[Problem, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Mask:
    """One spelling: ``pattern`` matches a code without separators, ``layout`` has them."""

    pattern: re.Pattern[str]
    prefix: str
    layout: str
    partial: bool

    def render(self, compact: str) -> str:
        body = iter(compact)
        return self.prefix + "".join([ch if ch in " -" else next(body) for ch in self.layout])

    @property
    def digits(self) -> int:
        """Return the width of a spelling of digits only, else 0."""
        return self.layout.count("#") if not re.search(r"[A-Z@*]", self.layout) else 0


def _mask(text: str) -> _Mask:
    optional, partial = text.startswith("!"), text.startswith("~")
    text = text.lstrip("!~")
    prefix = re.match(r"[A-Z]+[ -]?", text) if optional else None
    layout = text[prefix.end() :] if prefix else text
    head = re.sub("[ -]", "", prefix.group()) if prefix else ""
    body = "".join(_CLASSES.get(ch, ch) for ch in layout if ch not in " -")
    return _Mask(
        re.compile(f"(?:{head})?({body})"), prefix.group() if prefix else "", layout, partial
    )


@cache
def _masks(country: str) -> tuple[_Mask, ...]:
    return tuple(_mask(text) for text in masks_of(country))


def has_postcodes(country: str) -> bool:
    """Return whether a country (ISO 3166-1 alpha-2) has postal codes."""
    return bool(_masks(country))


@cache
def _letters(country: str) -> re.Pattern[str] | None:
    return re.compile(LETTERS[country]) if country in LETTERS else None


def _compact(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join([str(unicodedata.decimal(ch)) if ch.isdecimal() else ch for ch in text])
    return _SEPARATORS.sub("", text).upper()


@lru_cache(maxsize=65_536)
def normalise_postcode(country: str, text: str, subdivision: str = "") -> Postcode:
    """Return the code as its country (ISO 3166-1 alpha-2) spells it.

    Other texts are returned as they are, with the problem ``postcode_invalid`` or
    ``postcode_missing``. Countries without codes, and unknown countries, accept any text.
    ``subdivision`` limits the restoring of zeros. Warnings: ``postcode_leading_zero``,
    ``postcode_incomplete``.
    """
    text = clean_text(text)
    if not text:
        return Postcode("", problem=_missing(country) if country in REQUIRED else None)
    if not _masks(country):
        return Postcode(text)
    compact = _compact(text)
    return (
        _read(country, compact)
        or _without_country(country, compact)
        or _with_zero(country, compact, text, subdivision)
        or Postcode(text, problem=_invalid(country, text))
    )


def _read(country: str, compact: str) -> Postcode | None:
    letters = _letters(country)
    if letters and not letters.fullmatch(compact):
        return None
    for mask in _masks(country):
        found = mask.pattern.fullmatch(compact)
        if found:
            value = mask.render(found.group(1))
            return Postcode(value, (_incomplete(country, value),) if mask.partial else ())
    return None


def _without_country(country: str, compact: str) -> Postcode | None:
    for prefix in (country, LETTER_PREFIXES.get(country, country)):
        if compact.startswith(prefix):
            found = _read(country, compact[len(prefix) :])
            if found:
                return found
    return None


def _with_zero(country: str, compact: str, text: str, subdivision: str) -> Postcode | None:
    if country not in LEADING_ZERO or not (compact.isascii() and compact.isdigit()):
        return None
    widths = {mask.digits for mask in _masks(country)}
    if len(compact) + 1 not in widths or not _zero_fits(country, subdivision):
        return None
    found = _read(country, f"0{compact}")
    return found and Postcode(found.value, (_zero_restored(text, found.value), *found.warnings))


def _zero_fits(country: str, subdivision: str) -> bool:
    fitting = ZERO_SUBDIVISIONS.get(country)
    code = normalise_subdivision(country, subdivision) if fitting and subdivision else None
    return fitting is None or code is None or code.partition("-")[2] in fitting


def _missing(country: str) -> Problem:
    message = f"an address in {country} needs a postal code"
    return Problem("postcode_missing", "zip", message, "enter the postal code in the store")


def _invalid(country: str, text: str) -> Problem:
    message = f"not a postal code of {country}"
    advice = "correct the postal code or the country in the store"
    return Problem("postcode_invalid", "zip", message, advice, text[:40])


def _incomplete(country: str, value: str) -> Problem:
    message = f"only the first part of a postal code of {country}"
    return Problem("postcode_incomplete", "zip", message, "enter the whole code", value)


def _zero_restored(text: str, value: str) -> Problem:
    message = f"the leading zero was missing and was restored: {value}"
    advice = "treat postal codes as text when they are exported or imported"
    return Problem("postcode_leading_zero", "zip", message, advice, text[:40])
