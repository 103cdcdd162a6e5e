"""Countries as ISO 3166-1 alpha-2 codes, from codes and from names; exact matches only, a country is never guessed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import pycountry

from domain.errors import Problem
from domain.text import clean_text

_PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "'": "",
        "\u2019": "",
        "\u2018": "",
        "&": " and ",
    }
)

_NAMES = {
    "AE": "uae|emirates|الإمارات العربية المتحدة",
    "AT": "osterreich|oesterreich",
    "BA": "bosnia",
    "BE": "belgie|belgique|belgien",
    "BN": "brunei",
    "BO": "bolivia",
    "BQ": "bonaire|caribbean netherlands",
    "BR": "brasil",
    "BY": "беларусь",
    "CD": "democratic republic of the congo|dr congo|drc|congo kinshasa",
    "CG": "republic of the congo|congo brazzaville",
    "CH": "schweiz|suisse|svizzera",
    "CI": "ivory coast",
    "CN": "中国|mainland china|prc",
    "CV": "cape verde",
    "CZ": "czech republic|ceska republika|cesko",
    "DE": "deutschland|allemagne|bundesrepublik deutschland",
    "DK": "danmark",
    "EE": "eesti",
    "EG": "مصر",
    "ES": "espana|spanien|espagne",
    "FI": "suomi",
    "FK": "falkland islands",
    "FM": "micronesia|federated states of micronesia",
    "GB": "uk|great britain|britain|england|scotland|wales|northern ireland|united kingdom of great britain",
    "GR": "hellas|ελλαδα",
    "HK": "hong kong sar|香港",
    "HR": "hrvatska",
    "HU": "magyarorszag",
    "IE": "republic of ireland|eire",
    "IL": "ישראל",
    "IN": "bharat",
    "IQ": "العراق",
    "IR": "iran",
    "IS": "island",
    "IT": "italia|italien|italie",
    "JO": "الأردن",
    "JP": "日本|nippon",
    "KP": "north korea",
    "KR": "korea|south korea|republic of korea|대한민국",
    "KW": "الكويت",
    "LA": "laos",
    "LB": "الجمهورية اللبنانية",
    "LT": "lietuva",
    "LV": "latvija",
    "LY": "libya|ليبيا",
    "MD": "moldova",
    "MF": "saint martin|st martin",
    "MK": "macedonia|fyrom|f y r o m",
    "MM": "burma",
    "MO": "macau",
    "MR": "موريتانيا",
    "MX": "mejico",
    "NL": "holland|the netherlands|nederland|niederlande|koninkrijk der nederlanden",
    "NO": "norge|noreg|norwegen",
    "PL": "polska|polen",
    "PS": "palestine|فلسطين",
    "PT": "portuguese republic",
    "RO": "romania",
    "RS": "srbija|србија",
    "RU": "russia|россия",
    "SA": "ksa|kingdom of saudi arabia|السعودية",
    "SE": "sverige|schweden",
    "SH": "saint helena",
    "SI": "slovenija",
    "SK": "slovak republic|slovensko",
    "ST": "sao tome",
    "SX": "sint maarten",
    "SY": "syria|الجمهورية العربية السورية",
    "SZ": "swaziland",
    "TL": "east timor",
    "TR": "turkey",
    "TW": "taiwan|臺灣|台灣|中華民國",
    "TZ": "tanzania",
    "UA": "україна",
    "US": "us of a|u s|u s a|america|estados unidos|united states of america",
    "VA": "vatican|vatican city|holy see",
    "VE": "venezuela",
    "VG": "british virgin islands",
    "VI": "us virgin islands|united states virgin islands|virgin islands us",
    "VN": "vietnam|viet nam",
    "XK": "kosovo|xkx",
    "ZA": "rsa",
}
"""Local names, short names and aliases that ISO 3166 doesn't list, by code; compared without case, accents and punctuation."""

_COUNTRY_CODES = {"UK": "GB", "EL": "GR", "XK": "XK", "KOS": "XK"}
"""Codes in use that aren't ISO 3166-1: the European Union's two, and Kosovo's."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country's ISO 3166-1 alpha-2 code, None where neither code nor name is known; warnings where the two contradict."""

    code: str | None
    warnings: tuple[Problem, ...] = ()


def fold(text: str) -> str:
    """Return the text as names are compared: without case, accents and punctuation, ``&`` read as "and"."""
    plain = unicodedata.normalize("NFKD", clean_text(text).casefold().translate(_PLAIN))
    kept = "".join(
        [
            ch if ch.isalnum() or unicodedata.category(ch) in ("Mc", "Mn") else " "
            for ch in plain
            if not unicodedata.combining(ch)
        ]
    )
    return " ".join(kept.split())


@cache
def _names() -> dict[str, str]:
    names = {fold(alias): code for code, aliases in _NAMES.items() for alias in aliases.split("|")}
    for country in pycountry.countries:
        for field in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            name = getattr(country, field, None)
            if name:
                names.setdefault(fold(name), country.alpha_2)
                names.setdefault(fold(" ".join(reversed(name.split(", ")))), country.alpha_2)
    return names


@cache
def _codes() -> dict[str, str]:
    codes = dict(_COUNTRY_CODES)
    for country in pycountry.countries:
        codes |= {country.alpha_2: country.alpha_2, country.alpha_3: country.alpha_2}
    return codes


@lru_cache(maxsize=4096)
def resolve_country(code: str, name: str) -> Country:
    """Return the country that a code (preferred) or a name means, with the warning ``country_conflict`` where they contradict."""
    by_code = _codes().get(clean_text(code).upper()) or _by_name(code)
    by_name = _by_name(name)
    if by_code and by_name and by_code != by_name and not _is_part(by_code, by_name):
        message = (
            f"the country code says {by_code}, the country's name {by_name}; the code was taken"
        )
        return Country(by_code, (_conflict(message, code, name),))
    if by_name and not by_code and clean_text(code):
        return Country(
            by_name,
            (
                _conflict(
                    f"no country has this code; {by_name} was taken from the country's name",
                    code,
                    name,
                ),
            ),
        )
    return Country(by_code or by_name)


def _conflict(message: str, code: str, name: str) -> Problem:
    return Problem(
        "country_conflict",
        "country_iso2",
        message,
        "correct the country in the store",
        clean_text(f"{code} / {name}", 80),
    )


def _by_name(name: str) -> str | None:
    folded = fold(name)
    if not folded:
        return None
    names = _names()
    return names.get(folded) or (
        names.get(folded.removeprefix("the ")) if folded.startswith("the ") else None
    )


_PARTS = {
    "CN": "HK MO",
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MF MQ NC PF PM RE TF WF YT",
    "GB": "GG IM JE",
    "NL": "AW BQ CW SX",
    "NO": "SJ BV",
    "US": "AS GU MP PR UM VI",
}
"""Territories with a code of their own that also belong to a country: "RE" with the name "France" is no contradiction."""


def _is_part(code: str, of: str) -> bool:
    return code in _PARTS.get(of, "").split()
