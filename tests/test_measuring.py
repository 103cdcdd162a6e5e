"""Tests of where coverage is measured."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.measuring import MEASURED, is_measured, pytest_runtest_protocol

ROOT = Path(__file__).resolve().parents[1]


class _Controller:
    """pytest-cov's, as far as it is used."""

    started = True

    def pause(self) -> None:
        self.started = False

    def resume(self) -> None:
        self.started = True


def _item(path: str, controller: _Controller | None, *, markers: tuple[str, ...] = ()) -> Any:
    plugins = SimpleNamespace(
        get_plugin=lambda _: controller and SimpleNamespace(cov_controller=controller)
    )
    return SimpleNamespace(
        path=ROOT / path,
        config=SimpleNamespace(pluginmanager=plugins),
        get_closest_marker=lambda name: True if name in markers else None,
    )


def _run(item: Any) -> None:
    running = pytest_runtest_protocol(item)
    next(running)
    with pytest.raises(StopIteration):
        running.send(True)


def test_it_is_measured_in_the_tests_of_domain_and_connectors_only() -> None:
    """From one test to the next, with the fixtures of each; without ``--cov`` nothing happens."""
    controller = _Controller()
    for path, markers, measured in [
        ("tests/domain/test_skus.py", (), True),
        ("tests/assets/test_archive.py", (), False),
        ("tests/sensors/test_cursor.py", (), False),
        ("tests/resources/oms/anchanto/test_wire.py", (), True),
        ("tests/resources/oms/anchanto/test_wire.py", ("no_cover",), False),
        ("tests/resources/http/test_urls.py", (), False),
        ("tests/conformance/test_parts.py", (), True),
    ]:
        item = _item(path, controller, markers=markers)
        _run(item)
        assert (is_measured(item), controller.started) == (measured, measured), path
    _run(_item("tests/assets/test_archive.py", None))


def test_no_tracer_is_called_where_nothing_is_measured() -> None:
    """Coverage's own stays after its end, and doubles the time of each call of a function."""
    sys.settrace(lambda *_: None)
    try:
        _run(_item("tests/assets/test_archive.py", _Controller()))
        assert sys.gettrace() is None
    finally:
        sys.settrace(None)


def test_the_folders_are_those_that_are_measured_alone() -> None:
    """``make test-unit`` and ``make test`` state the coverage of the same tests."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    [unit] = [line for line in makefile.splitlines() if line.startswith("UNIT := ")]
    assert {ROOT / folder for folder in unit.split()[2:]} == set(MEASURED)
