"""Phone numbers in E.164, judged by libphonenumber's metadata for the country of the address.

``phonenumbers`` takes 50 to 100 us a number, which is too much for every order. Numbers of plain digits therefore take a short
way through the same metadata: the same steps in the same order, with the patterns compiled once. Whatever that way doesn't
cover (extensions, letters, international prefixes, prefixes that a country rewrites) goes to the library itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

from domain.errors import Problem
from domain.text import clean_text, mask_digits

_PUNCTUATION = str.maketrans("", "", " -.()")
_MIN_DIGITS, _MAX_DIGITS = 2, 17
_LONGEST_CALLING_CODE = 3
_LONGEST_INPUT = 250


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number: ``e164`` without extension, or the problem why there is none (its value masked); neither for no number."""

    e164: str | None
    extension: str = ""
    problem: Problem | None = None


NO_PHONE = Phone(None)


@lru_cache(maxsize=65_536)
def normalise_phone(text: str, country: str | None) -> Phone:
    """Return the number in E.164 as dialled from a country (ISO 3166-1 alpha-2); extensions are kept apart.

    The verdict is libphonenumber's ``is_valid_number``: the number may belong to another country than the address.
    """
    text = clean_text(text)
    if not text:
        return NO_PHONE
    e164, extension = _fast(text, country) or _by_library(text, country)
    if e164 is None:
        return Phone(None, problem=_invalid(text, country))
    return Phone(e164, extension)


def _invalid(text: str, country: str | None) -> Problem:
    where = (
        f"for country {country}" if country else "and no country is known that would complete it"
    )
    return Problem(
        code="phone_invalid",
        field="phone",
        message=f"the phone number isn't valid {where}",
        advice="correct the number in the store, with its country code where it isn't of the address's country",
        value=mask_digits(text[:40]),
    )


def _by_library(text: str, country: str | None) -> tuple[str | None, str]:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None, ""
    if not phonenumbers.is_valid_number(number):
        return None, ""
    return phonenumbers.format_number(
        number, phonenumbers.PhoneNumberFormat.E164
    ), number.extension or ""


class _Plan:
    """One region's numbering plan with its patterns compiled."""

    __slots__ = (
        "calling_code",
        "general",
        "idd",
        "kinds",
        "leading",
        "lengths",
        "local",
        "longest",
        "prefix",
        "rewrites",
    )

    def __init__(self, meta: PhoneMetadata, general: PhoneNumberDesc) -> None:
        self.calling_code = str(meta.country_code)
        self.general = re.compile(general.national_number_pattern or r"(?!)")
        self.lengths = frozenset(general.possible_length)
        self.longest = general.possible_length[-1]
        self.local = frozenset(general.possible_length_local_only)
        self.leading = re.compile(meta.leading_digits) if meta.leading_digits is not None else None
        self.idd = re.compile(meta.international_prefix or "NonMatch")
        self.prefix = (
            re.compile(meta.national_prefix_for_parsing)
            if meta.national_prefix_for_parsing
            else None
        )
        self.rewrites = bool(meta.national_prefix_transform_rule)
        kinds = (
            meta.mobile,
            meta.fixed_line,
            meta.toll_free,
            meta.premium_rate,
            meta.shared_cost,
            meta.voip,
            meta.personal_number,
        )
        self.kinds = [
            (frozenset(kind.possible_length), re.compile(kind.national_number_pattern))
            for kind in (*kinds, meta.pager, meta.uan, meta.voicemail)
            if kind is not None and kind.national_number_pattern and -1 not in kind.possible_length
        ]

    def knows(self, number: str) -> bool:
        """Return whether the number is of a kind that the region has."""
        size = len(number)
        if (self.lengths and size not in self.lengths) or not self.general.fullmatch(number):
            return False
        return any(
            (not lengths or size in lengths) and pattern.fullmatch(number)
            for lengths, pattern in self.kinds
        )

    def without_prefix(self, number: str) -> str | None:
        """Return the number without its trunk prefix; None where the plan would rewrite it, which is left to the library."""
        found = self.prefix.match(number) if self.prefix else None
        if found is None:
            return number
        if self.rewrites and (not found.groups() or found.groups()[-1] is not None):
            return None
        rest = number[found.end() :]
        if self.general.fullmatch(number) and not self.general.fullmatch(rest):
            return number
        return rest


@cache
def _plan(region: str) -> _Plan | None:
    meta = PhoneMetadata.metadata_for_region(region, None)
    return (
        _Plan(meta, meta.general_desc)
        if meta is not None and meta.general_desc is not None
        else None
    )


@cache
def _plans(calling_code: str) -> tuple[_Plan, ...]:
    """Return the plans that share a calling code, main region first; none for codes that no country has (+800)."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code), ())
    plans = [_plan(region) for region in regions if region != "001"]
    return tuple(plan for plan in plans if plan is not None)


def _fast(text: str, country: str | None) -> tuple[str | None, str] | None:
    """Return the verdict on a number of plain digits, or None where only the library can tell."""
    international = text[0] == "+"
    digits = (text[1:] if international else text).translate(_PUNCTUATION)
    if (
        not (digits.isascii() and digits.isdigit() and len(digits) > _MIN_DIGITS)
        or len(text) > _LONGEST_INPUT
    ):
        return None
    split = _split_international(digits) if international else _split_national(digits, country)
    if split is None:
        return None
    calling_code, number, plan = split
    stripped = plan.without_prefix(number)
    if stripped is None or len(number) < _MIN_DIGITS:
        return None
    size = len(stripped)
    if size not in plan.local and (size in plan.lengths or size > plan.longest):
        number = stripped
    if not _MIN_DIGITS <= len(number) <= _MAX_DIGITS or not _is_valid(_plans(calling_code), number):
        return None, ""
    return f"+{calling_code}{number}", ""


def _split_international(digits: str) -> tuple[str, str, _Plan] | None:
    for size in range(1, _LONGEST_CALLING_CODE + 1):
        if digits[0] != "0" and int(digits[:size]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            plans = _plans(digits[:size])
            return (digits[:size], digits[size:], plans[0]) if plans else None
    return None


def _split_national(digits: str, country: str | None) -> tuple[str, str, _Plan] | None:
    plan = _plan(country) if country else None
    if plan is None or plan.idd.match(digits):
        return None
    code = plan.calling_code
    if digits.startswith(code):
        rest = plan.without_prefix(digits[len(code) :])
        if rest is None:
            return None
        if (not plan.general.fullmatch(digits) and plan.general.fullmatch(rest)) or _too_long(
            digits, plan
        ):
            return code, rest, _plans(code)[0]
    return code, digits, plan


def _too_long(digits: str, plan: _Plan) -> bool:
    return len(digits) > plan.longest and len(digits) not in plan.local


def _is_valid(plans: tuple[_Plan, ...], number: str) -> bool:
    # A region that claims the leading digits decides alone; among the others, the first that knows the number.
    if len(plans) == 1:
        return plans[0].knows(number)
    for plan in plans:
        if plan.leading is None:
            if plan.knows(number):
                return True
        elif plan.leading.match(number):
            return plan.knows(number)
    return False
