"""The figure that docs/bad-input.md names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bad_input.counts import BOUNDARIES, LEAST, LEAST_EACH

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"


def test_a_hundred_thousand_bad_payloads_are_generated_and_every_boundary_gets_its_share() -> None:
    """Each test loops over its own number and counts what came back, so these numbers are what runs."""
    assert sum(BOUNDARIES.values()) >= LEAST
    assert min(BOUNDARIES.values()) >= LEAST_EACH


def test_the_documentation_names_these_numbers() -> None:
    """One line a boundary, and the sum."""
    told = {
        name.strip(): int(number.replace(",", ""))
        for name, number in re.findall(
            r"^\| ([A-Za-z ]+) \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE
        )
    }
    assert told == BOUNDARIES | {"all": sum(BOUNDARIES.values())}
