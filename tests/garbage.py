"""Keeps Python's cyclic collector away from what stays until the end of a session.

Imported modules and collected tests are some millions of objects. Looking through them again and
again took a tenth of the tests' time.
"""

from __future__ import annotations

import gc

import pytest

SELDOM = 10_000, 20, 10
"""Allocations that start a collection; by default 700, which takes a twentieth of a test's time."""


def before_collection() -> None:
    """Import the tests without the collector."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave out of all later collections what there is by now."""
    gc.enable()
    gc.set_threshold(*SELDOM)
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Leave out what the tests have imported: pytest collects five times before it ends."""
    gc.freeze()
