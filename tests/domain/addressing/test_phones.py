"""Phone numbers: the Rust port agrees with the Python port, and an invalid number is masked."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import phonenumbers
import pytest
import rphonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.addressing.phones import NO_PHONE, normalise_phone
from domain.parsing.text import clean_text
from tests.shared import shared_path

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
METADATA = rphonenumbers.__phonenumbers_version__
same_metadata = pytest.mark.skipif(
    phonenumbers.__version__ != METADATA,
    reason=f"the numbering plans differ between releases: needs phonenumbers=={METADATA}",
)


def _by_python_port(text: str, country: str | None) -> tuple[str | None, str]:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None, ""
    if not phonenumbers.is_valid_number(number):
        return None, ""
    return phonenumbers.format_number(
        number, phonenumbers.PhoneNumberFormat.E164
    ), number.extension or ""


def _agrees(text: str, country: str | None) -> bool:
    phone = normalise_phone(text, country)
    return (phone.e164, phone.extension) == _by_python_port(text, country) and (
        phone.e164 is None
    ) == (phone.problem is not None)


def _examples() -> list[dict[str, str]]:
    path: Path = shared_path("data/phones/example_numbers.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_the_python_port_is_pinned_to_the_same_numbering_plans() -> None:
    """Otherwise the comparisons below would be skipped forever after an upgrade of either port."""
    assert f'"phonenumbers=={METADATA}"' in PROJECT.read_text("utf-8")


def test_every_valid_example_gives_its_e164_in_each_of_its_spellings() -> None:
    """National, international and E.164 spellings of a number all give the same E.164."""
    wrong = [
        (row["region"], row[form])
        for row in _examples()
        for form in ("e164", "national", "international")
        if row["valid"] == "true"
        and row[form]
        and normalise_phone(row[form], row["region"]).e164 != row["e164"]
    ]
    assert wrong == []


def test_every_invalid_example_is_a_problem() -> None:
    """No invalid number is accepted in any spelling."""
    invalid = [row for row in _examples() if row["valid"] == "false"]
    accepted = [
        row
        for row in invalid
        for form in ("e164", "national")
        if normalise_phone(row[form], row["region"]).problem is None
    ]
    assert len(invalid) > 200
    assert accepted == []


@pytest.mark.no_cover
@same_metadata
@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(REGIONS),
    st.sampled_from(["", "", "+", "00", "011", "0", "1", "8"]),
    st.text("0123456789 -.()", min_size=1, max_size=18),
    st.booleans(),
)
def test_numbers_of_plain_digits_are_classified_alike(
    region: str, prefix: str, digits: str, with_code: bool
) -> None:
    """For any digits dialled from any country, both ports return the same number or none."""
    code = str(phonenumbers.country_code_for_region(region)) if with_code else ""
    text = f"{prefix}{code}{digits}".strip()
    assert not text or _agrees(text, region)


@pytest.mark.no_cover
@same_metadata
@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(REGIONS),
    st.sampled_from(REGIONS),
    st.integers(0, 14),
    st.sampled_from("0123456789"),
    st.integers(0, 2),
)
def test_a_digit_changed_added_or_lost_is_classified_alike(
    home: str, of: str, at: int, digit: str, change: int
) -> None:
    """Near misses of real numbers too, dialled from any country."""
    example = phonenumbers.example_number(of)
    text = (
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        if example
        else "+1"
    )
    for country, number in ((home, text), (of, text[1:])):
        edited = number[:at] + (digit, digit, "")[change] + number[at + (1, 0, 1)[change] :]
        assert not edited or _agrees(edited, country)


@same_metadata
@settings(max_examples=500, deadline=None)
@given(
    st.text("0123456789+()/ext.,;#x доб", max_size=30) | st.text(max_size=30),
    st.sampled_from([*REGIONS, None, "ZZ", ""]),
)
def test_letters_extensions_and_other_scripts_are_classified_alike(
    text: str, country: str | None
) -> None:
    """Whatever can be typed into a phone field."""
    cleaned = clean_text(text)
    assert not cleaned or _agrees(cleaned, country)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.one_of(st.none(), st.sampled_from(["US", "GB", "BR", "ZZ", ""])))
def test_no_text_raises(text: str, country: str | None) -> None:
    """Any text gives a number, a problem or nothing, and a normalised number does not change."""
    phone = normalise_phone(text, country)
    assert phone.e164 is None or phone.problem is None
    if phone.e164:
        assert normalise_phone(phone.e164, country).e164 == phone.e164


def test_an_empty_number_is_no_problem() -> None:
    """A phone is optional."""
    assert normalise_phone("  ", "US") == NO_PHONE


def test_an_extension_is_kept_apart() -> None:
    """E.164 has no extensions, so it is a field of its own."""
    phone = normalise_phone("(212) 555-0123 ext. 45", "US")
    assert (phone.e164, phone.extension) == ("+12125550123", "45")


@pytest.mark.parametrize("text", ["555-0123", "+1 999 555 01234567", "call 12 34"])
def test_an_invalid_number_is_shown_masked(text: str) -> None:
    """A rejection shows the last two digits and no letter: enough to find the record."""
    problem = normalise_phone(text, "US").problem
    assert problem is not None
    assert problem.code == "phone_invalid"
    assert [ch for ch in problem.value if ch.isalnum()] == [ch for ch in text if ch.isdigit()][-2:]


def test_a_number_without_country_needs_its_country_code() -> None:
    """Without a country only an international number can be completed."""
    assert normalise_phone("+44 20 7946 0018", None).e164 == "+442079460018"
    assert normalise_phone("020 7946 0018", None).problem is not None
