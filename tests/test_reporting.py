"""Tests of how failures are shown."""

from __future__ import annotations

import pytest

pytest_plugins = ("pytester",)
TESTS = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_number(n):
    assert n != 1, f"the number is {n}"
"""
PLUGIN = "from tests.reporting import pytest_sessionstart"


def test_a_failure_of_a_worker_is_shown_when_it_comes(pytester: pytest.Pytester) -> None:
    """With its reason, and again in the summary at the end."""
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile(TESTS)

    shown = pytester.runpytest("-q", "-n", "1", "-p", "no:cacheprovider").stdout

    shown.fnmatch_lines(
        ["*FAILED *test_number?1? (call)", "*the number is 1", "*== FAILURES ==*", "*1 failed*"]
    )
