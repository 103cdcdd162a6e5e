"""Amounts and times as vendors write them: exact, in one form, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.parsing.scalars import (
    UnreadableValue,
    amount_of,
    moment_of,
    to_amount,
    to_moment,
    to_whole,
)

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10", "10.00"),
        (" 2.5000 ", "2.50"),
        (0.1, "0.10"),
        ("-0.0", "0.00"),
        ("0.3333", "0.3333"),
        ("1e5", None),
        ("1,50", None),
        ("abc", None),
        ("9" * 400, None),
        (float("nan"), None),
    ],
)
def test_an_amount_is_exact_and_has_one_spelling(value: str | float, expected: str | None) -> None:
    """At least two decimals and no further zeros; exponents and other texts are refused."""
    amount = to_amount(value)
    assert (amount is None) == (expected is None)
    assert amount is None or str(amount) == expected


def test_a_missing_amount_is_zero_and_an_unreadable_one_is_an_error() -> None:
    """``None`` and an empty text both mean that there is none."""
    assert amount_of(None) == amount_of("") == 0
    assert amount_of("12.50") == Decimal("12.50")
    with pytest.raises(UnreadableValue):
        amount_of("twelve")


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 19 Mar 2026 12:00:00 +0000",
        "Thu, 19 Mar 2026 14:00:00 +0200",
        "2026-03-19T12:00:00Z",
        "2026-03-19T07:00:00-05:00",
    ],
)
def test_rfc_2822_and_iso_8601_times_become_utc(text: str) -> None:
    """Whatever their zone."""
    assert to_moment(text) == moment_of(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2026-03-19T12:00:00",
        "Thu, 19 Mar 2026 12:00:00",
        "Thu, 32 Mar 2026 12:00:00 +0000",
        "Thu, 19 Mrz 2026 12:00:00 +0000",
        "Thu, 19 Mar 0026 12:00:00 +0000",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-03-19T12:00:00Z" + " " * 400,
    ],
)
def test_other_times_are_refused(text: str) -> None:
    """No zone, an impossible date, another century, or no date at all."""
    assert to_moment(text) is None
    with pytest.raises(UnreadableValue):
        moment_of(text)


def test_a_missing_time_is_none() -> None:
    """``None`` and an empty text both mean that there is none."""
    assert moment_of(None) is None
    assert moment_of("") is None


@given(st.integers(631_152_000, 4_102_444_800))
def test_the_fast_parser_agrees_with_the_library(seconds: int) -> None:
    """Times in UTC take a shorter way than the standard library's parser."""
    moment = datetime.fromtimestamp(seconds, UTC)
    assert to_moment(format_datetime(moment)) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("0012", 12), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("1" * 5_000, None),
     ("", None), (" 1", None), ("-1", None), ("1.0", None), ("\u00b2", None), ("\u0661", None)],
)  # fmt: skip
def test_a_whole_number_is_ascii_digits_that_fit_into_64_bits(
    text: str, expected: int | None
) -> None:
    """Headers and answers may have any text where a count should be."""
    assert to_whole(text) == expected
