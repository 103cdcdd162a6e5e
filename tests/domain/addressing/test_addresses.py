"""Addresses become canonical where possible, keep everything that was typed, and never raise."""

from __future__ import annotations

import gzip

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.addressing.addresses import (
    Address,
    AddressResult,
    AddressRules,
    RawAddress,
    normalise_address,
)
from domain.addressing.cities import SUBDIVISION_INSTEAD, WITHOUT
from domain.parsing.text import clean_text
from tests.shared import shared_path

RULES = AddressRules()
AUSTIN = RawAddress(
    first_name="Jane",
    last_name="Doe",
    company="Acme",
    street_1="1 Congress  Ave",
    street_2="Apt 4",
    city="Austin",
    state="Texas",
    postcode="78701",
    country_code="US",
    country_name="United States",
    phone="(512) 555-0123",
    email="jane@example.com",
)


def _codes(result: AddressResult) -> tuple[list[str], list[str]]:
    return [problem.code for problem in result.problems], [
        problem.code for problem in result.warnings
    ]


def _as_raw(address: Address) -> RawAddress:
    return RawAddress(
        first_name=address.first_name,
        last_name=address.last_name,
        company=address.company,
        street_1=address.line_1,
        street_2=address.line_2,
        city=address.city,
        state=address.subdivision,
        postcode=address.postcode,
        country_code=address.country,
        phone=address.phone_e164 or address.phone_raw,
        email=address.email,
    )


def test_a_good_address_becomes_canonical_without_a_warning() -> None:
    """ISO codes, E.164 and clean text, with the source's own spelling kept as well."""
    result = normalise_address(AUSTIN, RULES)
    address = result.address
    assert _codes(result) == ([], [])
    assert (address.country, address.subdivision, address.subdivision_name_raw) == (
        "US",
        "US-TX",
        "Texas",
    )
    assert (address.phone_e164, address.phone_raw) == ("+15125550123", "(512) 555-0123")
    assert address.line_1 == "1 Congress Ave"


@pytest.mark.parametrize(
    ("change", "problems", "warnings"),
    [
        ({"country_code": "", "country_name": ""}, ["country_missing"], ["phone_invalid"]),
        ({"country_code": "ZZ", "country_name": "Nowhere"}, ["country_unknown"], ["phone_invalid"]),
        ({"country_name": "Canada"}, [], ["country_conflict"]),
        ({"state": "Texass"}, [], ["subdivision_unknown"]),
        ({"state": ""}, [], ["subdivision_missing"]),
        ({"state": "AE"}, [], []),
        ({"postcode": "787"}, [], ["postcode_invalid"]),
        ({"postcode": ""}, [], ["postcode_missing"]),
        ({"state": "MA", "postcode": "2139"}, [], ["postcode_leading_zero"]),
        ({"phone": "12"}, [], ["phone_invalid"]),
        ({"phone": ""}, [], []),
        ({"email": "jane at example.com"}, [], ["email_invalid"]),
        ({"email": ""}, [], []),
        ({"street_1": " "}, ["street_missing"], []),
        ({"city": ""}, ["city_missing"], []),
        (
            {
                "country_code": "GB",
                "country_name": "",
                "state": "Kent",
                "postcode": "ct1 1aa",
                "phone": "",
            },
            [],
            [],
        ),
    ],
)
def test_each_fault_has_its_code(
    change: dict[str, str], problems: list[str], warnings: list[str]
) -> None:
    """By default only an unknown country and a missing street or city reject an order."""
    assert _codes(normalise_address(replace(AUSTIN, **change), RULES)) == (problems, warnings)


@pytest.mark.parametrize(
    ("country", "city", "state", "postcode", "codes"),
    [
        ("SG", "", "", "018956", []),
        ("MO", "", "", "", []),
        ("GI", "", "", "GX11 1AA", []),
        ("HK", "", "Kowloon", "", []),
        ("HK", "", "", "", ["city_missing"]),
        ("AE", "", "Dubai", "", []),
        ("JP", "", "Tokyo", "100-0001", []),
        ("DE", "", "Berlin", "10115", ["city_missing"]),
        ("GB", "", "", "SW1A 1AA", ["city_missing"]),
        ("GB", "", "", "bfpo 57", []),
        ("GB", "", "", "BF1 4AY", []),
    ],
)
def test_an_address_needs_a_city_where_its_country_has_one(
    country: str, city: str, state: str, postcode: str, codes: list[str]
) -> None:
    """A city state has no city line, and the British forces are at no place."""
    raw = RawAddress(
        street_1="1 Main St", city=city, state=state, postcode=postcode, country_code=country
    )
    result = normalise_address(raw, RULES)
    assert [problem.code for problem in result.problems] == codes
    assert result.warnings == ()


def test_the_countries_that_need_no_city_are_those_of_the_published_data() -> None:
    """And one more only where an earlier edition has it."""
    listed = {"city": set[str](), "state": set[str]()}
    with gzip.open(
        shared_path("data/addresses/countryinfo.txt.gz"), "rt", encoding="utf-8"
    ) as rows:
        for row in rows:
            key, _, value = row.strip().partition("=")
            country = key.removeprefix("data/")
            if len(country) == 2 and country != "ZZ":
                required = msgspec.json.decode(value).get("require", "AC")
                if "C" not in required:
                    listed["state" if "S" in required else "city"].add(country)
    assert listed["city"] == WITHOUT
    assert listed["state"] <= SUBDIVISION_INSTEAD


def test_rules_decide_between_problem_and_warning() -> None:
    """Each fault can be set to reject, the country's to warn; restored zeros remain warnings."""
    strict = AddressRules(subdivision="reject", postcode="reject", phone="reject")
    bad = replace(AUSTIN, state="Texass", postcode="787", phone="12")
    assert _codes(normalise_address(bad, strict)) == (
        ["subdivision_unknown", "postcode_invalid", "phone_invalid"],
        [],
    )
    lenient = AddressRules(country="warn", require_street=False, require_city=False)
    nowhere = RawAddress(country_code="ZZ")
    assert _codes(normalise_address(nowhere, lenient)) == ([], ["country_unknown"])
    zero = replace(AUSTIN, state="MA", postcode="2139")
    assert _codes(normalise_address(zero, strict)) == ([], ["postcode_leading_zero"])


def test_problems_show_no_personal_value() -> None:
    """A rejection shows no street, name, phone or e-mail; it may show state and postal code."""
    bad = replace(
        AUSTIN,
        state="Texass",
        postcode="787",
        phone="555-987-65",
        email="jane.doe@secret",
        street_1="",
    )
    result = normalise_address(bad, RULES)
    texts = " ".join(
        f"{problem.message} {problem.value}" for problem in (*result.problems, *result.warnings)
    )
    assert "Texass" in texts
    assert not any(
        secret in texts for secret in ("Jane", "Doe", "987", "jane", "secret", "Congress")
    )


def test_an_address_survives_being_written_and_read() -> None:
    """A canonical record holds an address and writes it as an object."""
    address = normalise_address(AUSTIN, RULES).address
    assert msgspec.convert(address, Address) is address
    assert msgspec.json.decode(msgspec.json.encode(address), type=Address) == address


_TEXT = st.text(max_size=20)
_RAW = st.builds(
    RawAddress,
    first_name=_TEXT,
    street_1=_TEXT,
    city=_TEXT,
    state=_TEXT | st.sampled_from(["TX", "São Paulo", "AE", "New York"]),
    postcode=_TEXT | st.sampled_from(["2139", "78701", "04571", "SW1A1AA"]),
    country_code=st.sampled_from(["US", "BR", "GB", "DE", "JP", "USA", "", "ZZ"]) | _TEXT,
    country_name=st.sampled_from(["", "Brasil", "Canada"]) | _TEXT,
    phone=_TEXT | st.sampled_from(["(512) 555-0123", "+44 20 7946 0018 x5"]),
    email=_TEXT | st.sampled_from(["jane@example.com"]),
)


@pytest.mark.no_cover
@settings(max_examples=200, deadline=None)
@given(_RAW)
def test_no_address_raises_and_a_canonical_one_does_not_change(raw: RawAddress) -> None:
    """Any text gives an address; normalising it again changes nothing and adds no problem."""
    first = normalise_address(raw, RULES)
    again = normalise_address(_as_raw(first.address), RULES)
    own = {"subdivision_name_raw": "", "phone_raw": "", "phone_extension": ""}
    assert msgspec.structs.replace(again.address, **own) == msgspec.structs.replace(
        first.address, **own
    )
    assert {problem.code for problem in (*again.problems, *again.warnings)} <= {
        *(problem.code for problem in (*first.problems, *first.warnings)),
        *({"country_missing"} if not first.address.country else ()),
    }


@given(_RAW)
def test_nothing_that_was_typed_is_lost(raw: RawAddress) -> None:
    """Only invisible characters are removed from names, streets and what can't be normalised."""
    address = normalise_address(raw, RULES).address
    assert (address.first_name, address.line_1, address.city) == (
        clean_text(raw.first_name),
        clean_text(raw.street_1),
        clean_text(raw.city),
    )
    assert (address.subdivision_name_raw, address.phone_raw) == (
        clean_text(raw.state),
        clean_text(raw.phone),
    )
    assert address.email == clean_text(raw.email)
