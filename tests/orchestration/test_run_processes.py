"""Runs are forks of a process that has imported everything."""

from __future__ import annotations

import inspect
import multiprocessing
from importlib import import_module

import pytest
from dagster._grpc.server import DagsterApiServer

from orchestration.run_processes import ATTRIBUTE, PRELOADED, fork_runs


def test_a_code_server_starts_runs_by_the_fork_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its constructor sets another way before it loads the definitions, which is passed over."""
    monkeypatch.setattr(DagsterApiServer, ATTRIBUTE, None, raising=False)
    fork_runs()
    server = object.__new__(DagsterApiServer)
    setattr(server, ATTRIBUTE, multiprocessing.get_context("spawn"))
    assert getattr(server, ATTRIBUTE).get_start_method() == "forkserver"


def test_dagster_still_starts_runs_by_the_attribute_that_is_replaced() -> None:
    """A version that does it in another way would spawn runs, and each would import everything."""
    assert f"self.{ATTRIBUTE}.Process(" in inspect.getsource(DagsterApiServer)


@pytest.mark.parametrize("name", PRELOADED)
def test_what_is_preloaded_exists(name: str) -> None:
    """The fork server passes over a module that can't be imported; a run would import its parts."""
    assert import_module(name)
