"""The numbers in docs/bad-input.md."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bad_input.counts import BOUNDARIES, LEAST, LEAST_EACH

PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"


def test_a_hundred_thousand_bad_payloads_are_generated_over_all_boundaries() -> None:
    """Each test counts what it generates, so these numbers are what runs."""
    assert sum(BOUNDARIES.values()) >= LEAST
    assert min(BOUNDARIES.values()) >= LEAST_EACH


def test_the_documentation_names_these_numbers() -> None:
    """One line per boundary, and the sum."""
    documented = {
        name.strip(): int(number.replace(",", ""))
        for name, number in re.findall(
            r"^\| ([A-Za-z ]+) \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE
        )
    }
    assert documented == BOUNDARIES | {"all": sum(BOUNDARIES.values())}
