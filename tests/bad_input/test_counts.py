"""The numbers in docs/bad-input.md."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bad_input.counts import BOUNDARIES, FEWER, LEAST, LEAST_EACH, LEAST_FEWER, SHARE

ALL = {name: number * SHARE for name, number in BOUNDARIES.items()}
PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"


def test_each_boundary_has_its_number_of_bad_payloads() -> None:
    """Each test counts what it generates, so these numbers are what runs."""
    assert sum(ALL.values()) >= LEAST
    for name, number in ALL.items():
        assert number >= (LEAST_FEWER if name in FEWER else LEAST_EACH), name


def test_the_documentation_names_these_numbers() -> None:
    """One line per boundary, and the sum."""
    documented = {
        name.strip(): int(number.replace(",", ""))
        for name, number in re.findall(
            r"^\| ([A-Za-z ]+) \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE
        )
    }
    assert documented == ALL | {"all": sum(ALL.values())}
