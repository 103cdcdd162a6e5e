"""Addresses as an OMS needs them: ISO codes, canonical postal codes, E.164 phones, clean text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec.structs import astuple, replace
from pydantic import BaseModel, ConfigDict

from domain.addressing.cities import needs_city
from domain.addressing.countries import resolve_country
from domain.addressing.phones import Phone, normalise_phone
from domain.addressing.postcodes import normalise_postcode
from domain.addressing.subdivisions import REQUIRED, USED, normalise_subdivision, postal_state
from domain.errors import Problem
from domain.parsing.payload import malformed
from domain.parsing.problems import REPORT
from domain.parsing.text import clean_parts, clean_text, mask_email

LONGEST_PART, LONGEST_BILLING_PART = 1_000, 255
"""Characters of a part of an address that something is shipped to, and of a billing address.

No parcel's label holds more than the first. No OMS states what it takes; the second is what a
column for such a text usually holds.
"""
Severity = Literal["reject", "warn"]
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class RawAddress(msgspec.Struct, frozen=True):
    """An address as the source sent it; a field that the source lacks is empty."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street_1: str = ""
    street_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country_code: str = ""
    country_name: str = ""
    phone: str = ""
    email: str = ""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A canonical address.

    ``subdivision`` is ISO 3166-2 if that is known, else the source's text, which
    ``subdivision_name_raw`` has in any case. ``country`` is ISO 3166-1 alpha-2, or empty if it is
    unknown; ``phone_e164`` is None without a valid number.
    """

    first_name: str
    last_name: str
    company: str
    line_1: str
    line_2: str
    city: str
    subdivision: str
    subdivision_name_raw: str
    postcode: str
    country: str
    phone_e164: str | None
    phone_extension: str
    phone_raw: str
    email: str


class AddressRules(BaseModel):
    """What a connection does about a faulty address that something is shipped to.

    Reject the order, or only warn. A billing address never rejects an order. A part that no label
    holds does, whatever the rules are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: Severity = "reject"
    subdivision: Severity = "warn"
    postcode: Severity = "warn"
    phone: Severity = "warn"
    require_street: bool = True
    require_city: bool = True
    """Where the country's addresses have one."""


class AddressResult(msgspec.Struct, frozen=True, gc=False):
    """A canonical address with the problems that reject its order, and the warnings."""

    address: Address
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


class _Place(msgspec.Struct, frozen=True, gc=False):
    """What many addresses share; a finding is a problem with the rule that sets its severity."""

    country: str
    subdivision: str
    postcode: str
    findings: tuple[tuple[str, Problem], ...]


def fitted(raw: RawAddress, *, is_billing: bool) -> tuple[RawAddress, list[Problem]]:
    """Return an address whose parts are not too long, and a problem for each that was.

    Nothing goes to a billing address: a part of it is cut, and the problem is a warning. Its e-mail
    address is left out instead, since a part of one is another one. What is shipped to a part of an
    address would be lost, so the problem rejects the order; a cut part has no further problems.
    """
    most = LONGEST_BILLING_PART if is_billing else LONGEST_PART
    if sum(map(len, astuple(raw))) <= most:  # each part is shorter
        return raw, []
    long = [name for name in raw.__struct_fields__ if len(getattr(raw, name)) > most]
    cut = {name: getattr(raw, name)[:most] for name in long}
    if not is_billing:
        expected = f"a text of at most {most} characters"
        return replace(raw, **cut), [malformed(name, expected, "", REPORT) for name in long]
    if "email" in cut:
        cut["email"] = ""
    return replace(raw, **cut), [_billing_part_cut(name, len(getattr(raw, name))) for name in long]


def normalise_address(raw: RawAddress, rules: AddressRules) -> AddressResult:
    """Return the address in canonical form with its problems; never raises.

    Fields in problems are relative to the address and in the store's names (``state``, ``zip``,
    ``phone``, ``country_iso2``); personal values are masked. A value that can't be normalised is
    kept as it is.
    """
    first, last, company, street, street_2, city, state, number, email = clean_parts(
        (
            raw.first_name,
            raw.last_name,
            raw.company,
            raw.street_1,
            raw.street_2,
            raw.city,
            raw.state,
            raw.phone,
            raw.email,
        )
    )
    place = _place(raw.country_code, raw.country_name, state, raw.postcode)
    phone = normalise_phone(raw.phone, place.country or None) if raw.phone else Phone(None)
    address = Address(
        first,
        last,
        company,
        street,
        street_2,
        city,
        place.subdivision,
        state,
        place.postcode,
        place.country,
        phone.e164,
        phone.extension,
        number,
        email,
    )
    complete = (street or not rules.require_street) and (city or not _lacks_city(address, rules))
    valid_email = not email or is_email(email)
    if complete and valid_email and not place.findings and phone.problem is None:
        return AddressResult(address)
    return _with_problems(address, place, phone, rules)


def _with_problems(
    address: Address, place: _Place, phone: Phone, rules: AddressRules
) -> AddressResult:
    problems: list[Problem] = []
    warnings: list[Problem] = []
    if rules.require_street and not address.line_1:
        problems.append(_field_missing("street_missing", "street_1", "street"))
    if _lacks_city(address, rules):
        problems.append(_field_missing("city_missing", "city", "city"))
    severities: dict[str, Severity] = {
        "country": rules.country,
        "subdivision": rules.subdivision,
        "postcode": rules.postcode,
    }
    for rule, problem in place.findings:
        (problems if severities.get(rule) == "reject" else warnings).append(problem)
    if phone.problem:
        (problems if rules.phone == "reject" else warnings).append(phone.problem)
    if address.email and not is_email(address.email):
        warnings.append(_email_invalid(address.email))
    return AddressResult(address, tuple(problems), tuple(warnings))


def _lacks_city(address: Address, rules: AddressRules) -> bool:
    if address.city or not rules.require_city:
        return False
    return needs_city(address.country, address.subdivision, address.postcode)


@lru_cache(maxsize=65_536)
def _place(country_code: str, country_name: str, state: str, postcode: str) -> _Place:
    country = resolve_country(country_code, country_name)
    findings = [("", warning) for warning in country.warnings]
    if country.code is None:
        findings.append(("country", _country_unknown(clean_text(f"{country_code} {country_name}"))))
        return _Place("", state, clean_text(postcode), tuple(findings))
    code = country.code
    subdivision = normalise_subdivision(code, state)
    postal = None if subdivision else postal_state(code, state)
    if subdivision is None and postal is None and code in (USED if state else REQUIRED):
        findings.append(("subdivision", _subdivision_unknown(code, state)))
    zip_code = normalise_postcode(code, postcode, subdivision or "")
    findings += [("", warning) for warning in zip_code.warnings]
    if zip_code.problem:
        findings.append(("postcode", zip_code.problem))
    return _Place(code, subdivision or postal or state, zip_code.value, tuple(findings))


def _billing_part_cut(field: str, length: int) -> Problem:
    kept = "is left out" if field == "email" else f"is cut to {LONGEST_BILLING_PART}"
    message = f"a part of the billing address has {length} characters, and {kept}"
    return Problem("billing_part_cut", field, message, "shorten it in the store, if it is needed")


def _field_missing(code: str, field: str, what: str) -> Problem:
    return Problem(code, field, f"the address has no {what}", f"enter the {what} in the store")


def _country_unknown(text: str) -> Problem:
    code, message = (
        ("country_unknown", "no country has this code or name")
        if text
        else ("country_missing", "the address has no country")
    )
    return Problem(code, "country_iso2", message, "select the country in the store", text[:80])


def _subdivision_unknown(country: str, state: str) -> Problem:
    if not state:
        message = f"an address in {country} needs a state or province"
        advice = "select the state or province in the store"
        return Problem("subdivision_missing", "state", message, advice)
    message = f"{country} has no state or province with this name or code"
    advice = "correct the state or province in the store"
    return Problem("subdivision_unknown", "state", message, advice, state[:80])


@lru_cache(maxsize=16_384)
def is_email(email: str) -> bool:
    """Return whether a text is an e-mail address: its syntax only, not whether it exists."""
    return _EMAIL.fullmatch(email) is not None


def _email_invalid(email: str) -> Problem:
    message, advice = "not an e-mail address", "correct the e-mail address in the store"
    return Problem("email_invalid", "email", message, advice, mask_email(email))
