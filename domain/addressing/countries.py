"""Countries as ISO 3166-1 alpha-2 codes, by exact match of a code or a name; never guessed.

The names are those of ``pycountry`` in English and, loaded when they are first needed, in its
translations. Aliases that it lacks are listed here.
"""

from __future__ import annotations

import gettext
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import pycountry

from domain.errors import Problem
from domain.parsing.text import clean_text

_PLAIN = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
        "'": "", "\u2019": "", "\u2018": "", "&": " and ",
    }
)  # fmt: skip

_ALIASES = {
    "AE": "uae|emirates",
    "AT": "oesterreich",
    "BA": "bosnia",
    "BQ": "bonaire|caribbean netherlands",
    "CD": "democratic republic of the congo|dr congo|drc|congo kinshasa",
    "CG": "congo brazzaville",
    "CI": "ivory coast",
    "CN": "mainland china|prc",
    "CV": "cape verde",
    "FK": "falkland islands",
    "GB": "uk|united kingdom of great britain|great britain|britain|england|scotland|wales"
    "|northern ireland",
    "HK": "hong kong sar",
    "IE": "republic of ireland|eire",
    "IN": "bharat",
    "JP": "nippon",
    "KR": "korea",
    "MF": "saint martin|st martin",
    "MK": "macedonia|fyrom|f y r o m",
    "MX": "mejico",
    "PS": "palestine|فلسطين",
    "RU": "россия",
    "SA": "ksa",
    "SH": "saint helena",
    "ST": "sao tome",
    "SX": "sint maarten",
    "TL": "east timor",
    "TR": "turkey",
    "TW": "台灣",
    "US": "us of a|u s|u s a|america",
    "VA": "vatican city|holy see",
    "VI": "us virgin islands|united states virgin islands|virgin islands us",
    "XK": "kosovo|xkx",
    "ZA": "rsa",
}
"""Names that ``pycountry`` lacks; compared without case, accents and punctuation."""

_LANGUAGES = (
    "ar", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "is", "it", "ja", "ko", "lt", "lv", "mk", "ms", "nb_NO", "nl", "nn", "pl", "pt", "pt_BR",
    "ro", "ru", "sk", "sl", "sq", "sr", "sv", "th", "tr", "uk", "vi", "zh_CN", "zh_TW",
)  # fmt: skip
"""Translations that are read: 0.4 s of CPU and 5 MB for all names, once in a process."""

_OTHER_CODES = {"UK": "GB", "EL": "GR", "XK": "XK", "KOS": "XK"}
"""Codes in use that are not ISO 3166-1: two of the European Union's, and Kosovo's."""

_TERRITORIES = {
    "CN": "HK MO",
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MF MQ NC PF PM RE TF WF YT",
    "GB": "GG IM JE",
    "NL": "AW BQ CW SX",
    "NO": "SJ BV",
    "US": "AS GU MP PR UM VI",
}
"""Territories with a code of their own: code "RE" with the name "France" is not a conflict."""


@dataclass(frozen=True, slots=True)
class Country:
    """An ISO 3166-1 alpha-2 code, None if unknown; with a warning if code and name conflict."""

    code: str | None
    warnings: tuple[Problem, ...] = ()


def fold(text: str) -> str:
    """Return a name for comparison: no case, accents or punctuation, and ``&`` as "and"."""
    plain = unicodedata.normalize("NFKD", clean_text(text).casefold().translate(_PLAIN))
    kept = "".join(
        [
            ch if ch.isalnum() or unicodedata.category(ch) in ("Mc", "Mn") else " "
            for ch in plain
            if not unicodedata.combining(ch)
        ]
    )
    return " ".join(kept.split())


@lru_cache(maxsize=4096)
def resolve_country(code: str, name: str) -> Country:
    """Return the country of a code or, if it is unknown, a name; a conflict is a warning."""
    by_code = _codes().get(clean_text(code).upper()) or _by_name(code)
    by_name = _by_name(name)
    if by_code and by_name and by_code != by_name and not _is_territory(by_code, by_name):
        message = f"the country code means {by_code}, the name {by_name}; the code was used"
        return Country(by_code, (_conflict(message, code, name),))
    if by_name and not by_code and clean_text(code):
        message = f"the country code is unknown; {by_name} was taken from the name"
        return Country(by_name, (_conflict(message, code, name),))
    return Country(by_code or by_name)


def _conflict(message: str, code: str, name: str) -> Problem:
    value = clean_text(f"{code} / {name}", 80)
    advice = "correct the country in the store"
    return Problem("country_conflict", "country_iso2", message, advice, value)


def _is_territory(code: str, of: str) -> bool:
    return code in _TERRITORIES.get(of, "").split()


def _by_name(name: str) -> str | None:
    folded = fold(name)
    if not folded:
        return None
    short = folded.removeprefix("the ")
    names = _names()
    return names.get(folded) or names.get(short) or _translations().get(folded)


@cache
def _codes() -> dict[str, str]:
    codes = dict(_OTHER_CODES)
    for country in pycountry.countries:
        codes |= {country.alpha_2: country.alpha_2, country.alpha_3: country.alpha_2}
    return codes


@cache
def _names() -> dict[str, str]:
    names = {fold(name): code for code, listed in _ALIASES.items() for name in listed.split("|")}
    for country in pycountry.countries:
        for name in (country.alpha_2, country.alpha_3, *_names_of(country)):
            for spelling in _spellings(name):
                names.setdefault(spelling, country.alpha_2)
    return names


@cache
def _translations() -> dict[str, str]:
    """Return the names in other languages, without those that mean two countries."""
    found: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        catalogue = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language])
        for country in pycountry.countries:
            for name in _names_of(country):
                for spelling in _spellings(catalogue.gettext(name)):
                    found.setdefault(spelling, set()).add(country.alpha_2)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def _names_of(country: pycountry.db.Country) -> list[str]:
    fields = ("name", "official_name", "common_name")
    return [name for field in fields if (name := getattr(country, field, None))]


def _spellings(name: str) -> tuple[str, str]:
    """Return "Korea, Republic of" also as "Republic of Korea"."""
    return fold(name), fold(" ".join(reversed(name.split(", "))))
