"""Which tests coverage is measured in: those of the domain and of the connectors' mappings.

Tracing doubles a test's time, so all tests can be one session only if it stops for the others.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

MEASURED = tuple(
    Path(__file__).parent / folder
    for folder in ("domain", "resources/platforms", "resources/oms", "contracts", "conformance")
)
"""The folders of Makefile's ``UNIT``."""


def is_measured(item: pytest.Item) -> bool:
    """Return whether coverage is measured in a test."""
    inside = any(item.path.is_relative_to(folder) for folder in MEASURED)
    return inside and item.get_closest_marker("no_cover") is None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Stop or resume the measurement for a test with its fixtures; without ``--cov`` do nothing.

    pytest-cov stops it for the call of a test with ``no_cover`` only, and resumes it then.
    """
    plugin = item.config.pluginmanager.get_plugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and controller.started != is_measured(item):
        if controller.started:
            controller.pause()
            # It only notes that it is stopped; its tracer would still be called for each function.
            sys.settrace(None)
            threading.settrace(None)
        else:
            controller.resume()
    return (yield)
