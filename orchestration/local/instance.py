"""The persistent Dagster instance, and how it differs from the one that Lockstep configures."""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
import yaml

from orchestration.settings import project_root

FILE_NAME = "dagster.yaml"
SECTIONS = ("concurrency", "run_monitoring", "run_retries", "retention")
"""Sections of ``dagster.yaml`` without which limits, crash recovery or retention are lost."""
STATEMENT_MS, RECYCLE_SECONDS, MOST_MORE_CONNECTIONS = 300_000, 3600, 20
"""Of the connection that each of Dagster's storages keeps: time-out, age, and more beside it."""


def open_instance() -> dg.DagsterInstance:
    """Open the instance of ``DAGSTER_HOME``, by default the project's folder."""
    os.environ.setdefault("DAGSTER_HOME", str(project_root()))
    instance = dg.DagsterInstance.get()
    # Otherwise each event of a run opens a connection, which takes Postgres longer than the event.
    instance.optimize_for_webserver(STATEMENT_MS, RECYCLE_SECONDS, MOST_MORE_CONNECTIONS)
    return instance


def differences(instance: dg.DagsterInstance) -> list[str]:
    """Return in what the instance differs from the project's ``dagster.yaml``.

    Dagster falls back to defaults for what ``DAGSTER_HOME`` does not configure: SQLite, no limits,
    no retention. It works with them, so nothing else reports it.
    """
    file = project_root() / FILE_NAME
    if not file.exists():
        return [f"there is no {file}"]
    expected: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    actual = instance.get_ref()
    found = []
    for name, wanted, used in (
        ("storage", expected["storage"]["custom"], actual.storage_data),
        ("run_launcher", expected["run_launcher"], actual.run_launcher_data),
    ):
        wanted_class = f"{wanted['module']}.{wanted['class']}"
        used_class = f"{used.module_name}.{used.class_name}" if used else "Dagster's default"
        if used_class != wanted_class:
            found.append(f"{name} is {used_class}, not {wanted_class}")
    found += [
        f"{name} differs from {file}"
        for name in SECTIONS
        if instance.get_settings(name) != expected[name]
    ]
    return found
