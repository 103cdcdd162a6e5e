"""Which tests coverage is measured in: those of the domain and of the connectors' mappings.

Tracing doubles a test's time, so all tests can be one session only if it stops for the others, and
while the tests are imported. The modules' own lines are measured where pytest-xdist's controller
imports them, as it has nothing else to do.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

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


def before_collection(config: pytest.Config) -> None:
    """Measure the import of the measured modules, in one process, and stop until a test needs it.

    Without ``--cov`` do nothing.
    """
    controller = _controller(config)
    if controller is not None:
        if not hasattr(config, "workerinput"):
            _import_all(controller.cov.get_option("run:source_pkgs"))
        _pause(controller)


def _import_all(packages: Iterable[str]) -> None:
    for name in packages:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Stop or resume the measurement for a test with its fixtures; without ``--cov`` do nothing.

    pytest-cov stops it for the call of a test with ``no_cover`` only, and resumes it then.
    """
    controller = _controller(item.config)
    if controller is not None and controller.started != is_measured(item):
        if controller.started:
            _pause(controller)
        else:
            controller.resume()
    return (yield)


def _controller(config: pytest.Config) -> Any:
    """Return pytest-cov's, or ``None`` without ``--cov``."""
    return getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)


def _pause(controller: Any) -> None:
    controller.pause()
    # It only notes that it is stopped; its tracer would still be called for each function.
    sys.settrace(None)
    threading.settrace(None)
