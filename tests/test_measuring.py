"""Tests of where coverage is measured."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import measuring
from tests.measuring import MEASURED, before_collection, is_measured, pytest_runtest_protocol

ROOT = Path(__file__).resolve().parents[1]


class _Controller:
    """pytest-cov's, as far as it is used."""

    started = True
    cov = SimpleNamespace(get_option={"run:source_pkgs": ["domain"]}.get)

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


@pytest.mark.parametrize("worker", [False, True])
def test_modules_are_measured_once_and_the_import_of_tests_is_not(
    monkeypatch: pytest.MonkeyPatch, worker: bool
) -> None:
    """The controller imports them while it measures; a worker stops before it imports any test."""
    controller = _Controller()
    imported: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        measuring,
        "_import_all",
        lambda names: imported.extend((n, controller.started) for n in names),
    )
    config = _item("tests/domain/test_skus.py", controller).config
    if worker:
        config.workerinput = {}
    before_collection(config)
    assert imported == ([] if worker else [("domain", True)])
    assert not controller.started


def test_the_folders_are_those_that_are_measured_alone() -> None:
    """``make test-unit`` and ``make test`` state the coverage of the same tests."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    [unit] = [line for line in makefile.splitlines() if line.startswith("UNIT := ")]
    assert {ROOT / folder for folder in unit.split()[2:]} == set(MEASURED)
