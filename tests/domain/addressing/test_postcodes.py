"""Postal codes: canonical in every country, and changed only if that is safe and reported."""

from __future__ import annotations

import csv
import gzip
import json
import re

import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.addressing.postcode_formats import LEADING_ZERO, REQUIRED, masks_of
from domain.addressing.postcodes import Postcode, normalise_postcode
from domain.addressing.subdivisions import normalise_subdivision
from tests.shared import shared_path

COUNTRIES = sorted(country.alpha_2 for country in pycountry.countries)
NEWER_THAN_GOOGLES = {"MU 42602", "SH TDCU 1ZZ", "TZ 78570", "VN 48058"}
"""Real codes in forms that are newer than the reference's patterns; all disagreements."""


def _codes(found: Postcode) -> list[str]:
    return [
        problem.code for problem in (*found.warnings, *((found.problem,) if found.problem else ()))
    ]


def _reference() -> dict[str, dict[str, str]]:
    with gzip.open(
        shared_path("data/addresses/countryinfo.txt.gz"), "rt", encoding="utf-8"
    ) as lines:
        entries = (line.partition("=") for line in lines)
        return {
            key[5:]: json.loads(value)
            for key, _, value in entries
            if re.fullmatch("data/[A-Z]{2}", key)
        }


def _samples() -> list[tuple[str, str]]:
    given_examples = [
        (country, code)
        for country, entry in _reference().items()
        for code in entry.get("zipex", "").split(",")
        if code
    ]
    with gzip.open(
        shared_path("data/addresses/address_cases.jsonl.gz"), "rt", encoding="utf-8"
    ) as lines:
        cases = [json.loads(line)["components"] for line in lines]
    real = [
        (case["country_code"].upper(), case["postcode"])
        for case in cases
        if case.get("postcode") and case.get("country_code")
    ]
    return given_examples + real


def test_the_result_agrees_with_the_reference_for_99_percent_of_real_codes() -> None:
    """Google's patterns and our masks give the same result except for newer forms."""
    reference, samples, different = _reference(), _samples(), set()
    for country, code in samples:
        pattern = reference.get(country, {}).get("zip", ".*")
        known = bool(
            re.fullmatch(pattern, re.sub(f"^{country}-?", "", code)) or re.fullmatch(pattern, code)
        )
        if known != (not _codes(normalise_postcode(country, code))):
            different.add(f"{country} {code}")
    assert different <= NEWER_THAN_GOOGLES
    assert len(different) / len(samples) < 0.01


def test_every_country_that_the_reference_has_codes_for_has_a_mask() -> None:
    """Except the Cook Islands, which use none; and what the reference requires is required."""
    reference = _reference()
    assert {
        country
        for country, entry in reference.items()
        if entry.get("zip") and not masks_of(country)
    } == {"CK"}
    assert {
        country for country, entry in reference.items() if "Z" in entry.get("require", "")
    } <= REQUIRED


@pytest.mark.parametrize(
    ("country", "text", "value"),
    [
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("CA", "K1A-0B1", "K1A 0B1"),
        ("NL", "1234ab", "1234 AB"),
        ("BR", "01310100", "01310-100"),
        ("PL", "00001", "00-001"),
        ("PT", "1500203", "1500-203"),
        ("SE", "SE-12345", "123 45"),
        ("DE", "D-10115", "10115"),
        ("US", "021390001", "02139-0001"),
        ("US", "02139 0001", "02139-0001"),
        ("JP", "〒１００－０００１", "100-0001"),
        ("LV", "1073", "LV-1073"),
        ("IE", "d02td99", "D02 TD99"),
        ("AE", "00000", "00000"),
        ("IM", "im12ay", "IM1 2AY"),
    ],
)
def test_a_code_is_spelled_as_its_country_does(country: str, text: str, value: str) -> None:
    """Spaces, hyphens, case and a country's prefix are corrected without a warning."""
    assert normalise_postcode(country, text) == Postcode(value)


@pytest.mark.parametrize(
    ("country", "text", "subdivision", "value", "codes"),
    [
        ("US", "2139", "US-MA", "02139", ["postcode_leading_zero"]),
        ("US", "2139", "Massachusetts", "02139", ["postcode_leading_zero"]),
        ("US", "2139", "", "02139", ["postcode_leading_zero"]),
        ("US", "2139-0001", "US-MA", "02139-0001", ["postcode_leading_zero"]),
        ("US", "2139", "US-CA", "2139", ["postcode_invalid"]),
        ("US", "213", "US-MA", "213", ["postcode_invalid"]),
        ("BR", "4571", "BR-SP", "04571", ["postcode_leading_zero", "postcode_incomplete"]),
        ("BR", "4571010", "BR-SP", "04571-010", ["postcode_leading_zero"]),
        ("BR", "4571", "BR-MG", "4571", ["postcode_invalid"]),
        ("BR", "35960", "BR-MG", "35960", ["postcode_incomplete"]),
        ("AT", "101", "", "101", ["postcode_invalid"]),
        ("CA", "K1A", "", "K1A", ["postcode_incomplete"]),
        ("GB", "E10", "", "E10", ["postcode_incomplete"]),
        ("NL", "1234", "", "1234", ["postcode_incomplete"]),
        ("US", "K1A 0B1", "", "K1A 0B1", ["postcode_invalid"]),
        ("GB", "ZZ1 1AA", "", "ZZ1 1AA", ["postcode_invalid"]),
        ("US", "", "", "", ["postcode_missing"]),
        ("HK", "", "", "", []),
        ("KE", "", "", "", []),
    ],
)
def test_what_is_changed_or_wrong_is_reported(
    country: str, text: str, subdivision: str, value: str, codes: list[str]
) -> None:
    """A zero is restored only if one is missing and the state has such codes."""
    found = normalise_postcode(country, text, subdivision)
    assert (found.value, _codes(found)) == (value, codes)


def test_prefixes_of_real_brazilian_orders_get_their_zeros_back() -> None:
    """Each four-digit prefix in the Olist data is in São Paulo, is restored, and is incomplete."""
    with gzip.open(
        shared_path("data/olist/customers.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as rows:
        customers = [
            (row["customer_zip_code_prefix"], row["customer_state"]) for row in csv.DictReader(rows)
        ]
    for text, state in customers:
        found = normalise_postcode("BR", text, normalise_subdivision("BR", state) or "")
        assert found.value == text.zfill(5)
        assert _codes(found) == ["postcode_leading_zero"] * (len(text) == 4) + [
            "postcode_incomplete"
        ]


@st.composite
def _masked(draw: st.DrawFn) -> tuple[str, str]:
    country = draw(st.sampled_from([country for country in COUNTRIES if masks_of(country)]))
    mask = draw(st.sampled_from(masks_of(country))).lstrip("!~")
    classes = {"#": "0123456789", "@": "ABCEGHJK", "*": "ABC123"}
    return country, "".join(draw(st.sampled_from(classes.get(ch, ch))) for ch in mask)


@pytest.mark.no_cover
@settings(max_examples=100)
@given(
    _masked() | st.tuples(st.sampled_from(COUNTRIES), st.text(max_size=14)),
    st.sampled_from(["", "US-MA", "SP", "?"]),
)
def test_a_canonical_code_stays_and_no_character_is_lost(
    given_code: tuple[str, str], subdivision: str
) -> None:
    """Normalising twice changes nothing more, an unknown text is kept, and nothing raises."""
    country, text = given_code
    found = normalise_postcode(country, text, subdivision)
    again = normalise_postcode(country, found.value, subdivision)
    assert again.value == found.value
    assert list(_codes(again)) == [
        code for code in _codes(found) if code != "postcode_leading_zero"
    ]
    if text.isascii() and not found.problem:
        kept = re.sub(r"[^A-Z0-9]", "", text.upper())
        value = re.sub(r"[^A-Z0-9]", "", found.value.upper())
        assert value.endswith(kept) or kept.endswith(value)


@given(st.sampled_from(sorted(LEADING_ZERO)), st.integers(0, 10**8))
def test_a_zero_is_never_restored_silently(country: str, number: int) -> None:
    """Whenever the digits differ from the input, there is a warning."""
    found = normalise_postcode(country, str(number))
    digits = re.sub(r"\D", "", found.value)
    assert digits == str(number) or "postcode_leading_zero" in _codes(found)
