"""Carriers: recognised by a tracking number's format and check digit, and by an OMS's names."""

from __future__ import annotations

import csv
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.carriers import CARRIER_ALIASES, normalise_carrier
from domain.carriers.tracking import carrier_from_tracking, proven_carrier
from tests.shared import shared_path

UNEXPLAINED = {"LA97635036", "79927398713"}
"""Listed as invalid although format and check digit are right; no published rule explains it."""


def _vectors() -> list[dict[str, str]]:
    with gzip.open(
        shared_path("data/tracking-numbers/vectors.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as rows:
        return list(csv.DictReader(rows))


def test_every_valid_vector_names_its_carrier() -> None:
    """The carrier of each published valid number is among the candidates."""
    missed = [
        row
        for row in _vectors()
        if row["valid"] == "true"
        and row["courier_code"] not in carrier_from_tracking(row["number"])
    ]
    assert missed == []


def test_every_invalid_vector_is_refused_for_its_carrier() -> None:
    """Wrong formats and check digits never match, except two that no published rule excludes."""
    vectors = [row for row in _vectors() if row["valid"] == "false"]
    accepted = {
        "".join(row["number"].split())
        for row in vectors
        if row["courier_code"] in carrier_from_tracking(row["number"])
    }
    assert accepted <= UNEXPLAINED


@pytest.mark.parametrize(
    ("number", "first"),
    [
        ("1Z999AA10123456784", "ups"),
        ("1z 999 aa1 01 2345 6784", "ups"),
        ("RB123456785US", "usps"),
        ("RB123456785GB", "royal_mail"),
        ("RB123456785CA", "canada_post"),
        ("JD0002242617644732", "yodel"),
        ("61299901234567890129", "fedex"),
    ],
)
def test_the_likeliest_carrier_comes_first(number: str, first: str) -> None:
    """Spaces and case are ignored; the post of an S10 number comes before the standard itself."""
    assert carrier_from_tracking(number)[0] == first


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z999AA10123456784", "ups"),
        ("9434611206206406227577", "usps"),
        ("ABC123456789", None),  # three letters: Purolator's form, and many others'
        ("LX12345678", None),  # LaserShip's form
        ("YT1234567890123456", None),  # YunExpress's form
        ("JD0002242617644732", None),  # Yodel's form
        ("40494098540", None),  # the check digits of two carriers
        ("RB123456785US", None),  # another country's carrier may deliver it
        ("", None),
    ],
)
def test_only_a_check_digit_of_one_carrier_proves_it(number: str, carrier: str | None) -> None:
    """Formats without a check digit match numbers of any carrier."""
    assert proven_carrier(number) == carrier


@given(st.integers(2, 17), st.sampled_from("0123456789"))
def test_a_wrong_digit_in_a_ups_number_is_detected(at: int, digit: str) -> None:
    """Weights 1 and 2 detect every wrong digit except a change by five where the weight is 2."""
    number = "1Z9998881012345678"
    check = next(d for d in "0123456789" if "ups" in carrier_from_tracking(number[:-1] + d))
    right = number[:-1] + check
    wrong = right[:at] + digit + right[at + 1 :]
    blind = at < 17 and at % 2 == 1 and abs(int(digit) - int(right[at])) == 5
    assert ("ups" in carrier_from_tracking(wrong)) == (digit == right[at] or blind)


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    """Any text gives candidates or none, each of them once."""
    found = carrier_from_tracking(text)
    assert len(set(found)) == len(found)
    assert normalise_carrier(text) is None or normalise_carrier(text) in CARRIER_ALIASES
    assert proven_carrier(text) is None or proven_carrier(text) in CARRIER_ALIASES


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UPSN", "ups"),
        ("FEDX", "fedex"),
        ("USPS", "usps"),
        ("DHLE", "dhl"),
        ("United Parcel Service", "ups"),
        ("canadapost", "canada_post"),
        ("Royal-Mail", "royal_mail"),
        ("Spee-Dee", "speedee"),
        ("upsready", "ups"),
        ("pigeon", None),
        ("", None),
    ],
)
def test_names_and_codes_of_an_oms_give_our_code(text: str, code: str | None) -> None:
    """SCACs, slugs and full names all give one code; an unknown carrier stays unknown."""
    assert normalise_carrier(text) == code


def test_no_alias_means_two_carriers() -> None:
    """The table is unambiguous, and our own codes are normalised to themselves."""
    aliases = [
        (alias.replace(" ", ""), code)
        for code, names in CARRIER_ALIASES.items()
        for alias in names.split(",")
    ]
    assert len(dict(aliases)) == len(set(aliases))
    assert all(normalise_carrier(code) == code for code in CARRIER_ALIASES)
