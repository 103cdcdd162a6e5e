"""Addresses as an OMS needs them: ISO codes, canonical postal codes, E.164 phones and clean text, with nothing lost on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from domain.addressing.countries import resolve_country
from domain.addressing.phones import Phone, normalise_phone
from domain.addressing.postcodes import normalise_postcode
from domain.addressing.subdivisions import MILITARY_US, REQUIRED, USED, normalise_subdivision
from domain.errors import Problem
from domain.text import clean_text, mask_email
from domain.values import Frozen

Verdict = Literal["reject", "warn"]


@dataclass(frozen=True, slots=True)
class RawAddress:
    """An address as the source sent it; empty where the source has nothing."""

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


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical address; a dataclass, since it's built for every order (pydantic models embed it as it is).

    ``subdivision`` is ISO 3166-2 where that is known, else the text as it came, which ``subdivision_name_raw`` keeps in any case;
    ``country`` is ISO 3166-1 alpha-2, or empty where it isn't known; ``phone_e164`` is None where there is no valid number.
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


class AddressRules(Frozen):
    """What a connection does about an address that isn't right: keep the order out, or let it go on with a warning."""

    country: Verdict = "reject"
    subdivision: Verdict = "warn"
    postcode: Verdict = "warn"
    phone: Verdict = "warn"
    require_street: bool = True
    require_city: bool = True


@dataclass(frozen=True, slots=True)
class AddressResult:
    """The canonical address with the problems that keep its order out, and the warnings that don't."""

    address: Address
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The parts of an address that many addresses share; ``findings`` name the rule that decides on each problem."""

    country: str
    subdivision: str
    postcode: str
    findings: tuple[tuple[str, Problem], ...]


def normalise_address(raw: RawAddress, rules: AddressRules) -> AddressResult:
    """Return the address in canonical form with what is wrong with it; never raises.

    The fields in problems are relative to the address and in the store's names (``state``, ``zip``, ``phone``, ``country_iso2``).
    Personal values are masked in them. What can't be normalised stays as the store has it.
    """
    state, street, city, email = (
        clean_text(raw.state),
        clean_text(raw.street_1),
        clean_text(raw.city),
        clean_text(raw.email),
    )
    place = _place(raw.country_code, raw.country_name, state, raw.postcode)
    phone = normalise_phone(raw.phone, place.country or None) if raw.phone else Phone(None)
    address = Address(
        clean_text(raw.first_name),
        clean_text(raw.last_name),
        clean_text(raw.company),
        street,
        clean_text(raw.street_2),
        city,
        place.subdivision,
        state,
        place.postcode,
        place.country,
        phone.e164,
        phone.extension,
        clean_text(raw.phone),
        email,
    )
    complete = (street or not rules.require_street) and (city or not rules.require_city)
    if (
        complete
        and not place.findings
        and phone.problem is None
        and (not email or _is_email(email))
    ):
        return AddressResult(address)
    return _judged(address, place, phone, rules)


def _judged(address: Address, place: _Place, phone: Phone, rules: AddressRules) -> AddressResult:
    problems: list[Problem] = []
    warnings: list[Problem] = []
    if rules.require_street and not address.line_1:
        problems.append(
            Problem(
                "street_missing",
                "street_1",
                "the address has no street",
                "enter the street in the store",
            )
        )
    if rules.require_city and not address.city:
        problems.append(
            Problem(
                "city_missing", "city", "the address has no city", "enter the city in the store"
            )
        )
    verdicts: dict[str, Verdict] = {
        "country": rules.country,
        "subdivision": rules.subdivision,
        "postcode": rules.postcode,
    }
    for rule, problem in place.findings:
        (problems if verdicts.get(rule) == "reject" else warnings).append(problem)
    if phone.problem:
        (problems if rules.phone == "reject" else warnings).append(phone.problem)
    if address.email and not _is_email(address.email):
        warnings.append(_email_invalid(address.email))
    return AddressResult(address, tuple(problems), tuple(warnings))


@lru_cache(maxsize=65_536)
def _place(country_code: str, country_name: str, state: str, postcode: str) -> _Place:
    country = resolve_country(country_code, country_name)
    findings = [("", warning) for warning in country.warnings]
    if country.code is None:
        shown = clean_text(f"{country_code} {country_name}")
        return _Place(
            "", state, clean_text(postcode), (*findings, ("country", _country_unknown(shown)))
        )
    code = country.code
    subdivision = normalise_subdivision(code, state)
    military = MILITARY_US.get(state.casefold()) if code == "US" else None
    if subdivision is None and military is None and code in (USED if state else REQUIRED):
        findings.append(("subdivision", _subdivision_unknown(code, state)))
    zip_code = normalise_postcode(code, postcode, subdivision or "")
    findings += [("", warning) for warning in zip_code.warnings]
    if zip_code.problem:
        findings.append(("postcode", zip_code.problem))
    return _Place(code, subdivision or military or state, zip_code.value, tuple(findings))


def _country_unknown(shown: str) -> Problem:
    code, message = (
        ("country_unknown", "no country has this code or name")
        if shown
        else ("country_missing", "the address has no country")
    )
    return Problem(code, "country_iso2", message, "choose the country in the store", shown[:80])


def _subdivision_unknown(country: str, state: str) -> Problem:
    if not state:
        message = f"an address in {country} needs its state or province"
        return Problem(
            "subdivision_missing", "state", message, "choose the state or province in the store"
        )
    message = f"{country} has no state or province of this name or code"
    return Problem(
        "subdivision_unknown",
        "state",
        message,
        "correct the state or province in the store",
        state[:80],
    )


_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@lru_cache(maxsize=16_384)
def _is_email(email: str) -> bool:
    # Syntax only: one @, no blanks, a domain with a dot. Whether it can be delivered to isn't ours to tell.
    return _EMAIL.fullmatch(email) is not None


def _email_invalid(email: str) -> Problem:
    return Problem(
        "email_invalid",
        "email",
        "this isn't an e-mail address",
        "correct the e-mail address in the store",
        mask_email(email),
    )
