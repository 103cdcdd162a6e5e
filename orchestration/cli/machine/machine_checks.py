"""Checks of this machine: Python, folders, database, configuration, and Dagster's processes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime

import psycopg

from domain.exchange import WARNING
from domain.parsing.text import plural
from orchestration.local.instance import differences, open_instance
from orchestration.settings import connections_path, load, project_root
from resources.ledger.database.embedded import database_url, home
from resources.ledger.database.migrate import is_current

OLDEST_PYTHON, OLDEST_POSTGRES = (3, 11), 15
LEAST_FREE_BYTES = 2 * 1024**3
HEARTBEAT_SECONDS = 120
Finding = tuple[bool, str, str]
"""Whether the check passed, what was found, and what to do if it failed."""


def check_python() -> Finding:
    """Check the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        sys.version_info[:2] >= OLDEST_PYTHON,
        f"{version} in {sys.prefix}",
        "use Python 3.11 or newer: make PYTHON=python3.x",
    )


def check_home() -> Finding:
    """Check that the home folder can be written."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return True, f"{folder} is writable", ""


def check_disk() -> Finding:
    """Check the free space on the disk of the home folder."""
    free = shutil.disk_usage(home()).free
    advice = f"free space on the disk of {home()}, or set LOCKSTEP_HOME to a folder on another disk"
    return free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GiB free at {home()}", advice


def check_database() -> Finding:
    """Check that the database can be opened, and its version."""
    with psycopg.connect(database_url(), connect_timeout=10) as db:
        version = db.info.server_version // 10_000
    place = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "embedded"
    return (
        version >= OLDEST_POSTGRES,
        f"PostgreSQL {version} ({place})",
        f"use PostgreSQL {OLDEST_POSTGRES} or newer",
    )


def check_schema() -> Finding:
    """Check that all migrations were run."""
    current = is_current(database_url())
    return current, "current" if current else "migrations are missing", "run 'lockstep migrate'"


def check_configuration() -> Finding:
    """Check that connections.yaml can be read."""
    installation = load()
    connections = plural(len(installation.connections), "connection")
    streams = plural(sum(len(c.streams) for c in installation.connections.values()), "stream")
    return (
        True,
        f"{connections_path()}: {connections}, {streams}",
        "",
    )


def check_instance() -> Finding:
    """Check that Dagster's instance is the one that dagster.yaml configures."""
    with open_instance() as instance:
        found = differences(instance)
        runs = instance.get_runs_count()
    folder = os.environ["DAGSTER_HOME"]
    return (
        not found,
        "; ".join(found) or f"configured by dagster.yaml, {plural(runs, 'run')} in its history",
        f"DAGSTER_HOME is {folder}: set it to {project_root()}, or copy dagster.yaml from there",
    )


def check_daemon() -> Finding:
    """Check that the daemon sends heartbeats, without errors; one that never ran is not a fault."""
    with open_instance() as instance:
        beats = [
            status.last_heartbeat
            for status in instance.get_daemon_statuses().values()
            if status.last_heartbeat is not None
        ]
    last = max((datetime.fromtimestamp(beat.timestamp, UTC) for beat in beats), default=None)
    errors = {str(error.message).splitlines()[0] for beat in beats for error in beat.errors or ()}
    return daemon_finding(last, errors, datetime.now(UTC))


def daemon_finding(last: datetime | None, errors: Collection[str], now: datetime) -> Finding:
    """Return what the last heartbeat of any daemon, and their errors, say. Pure."""
    if last is None:
        return (
            True,
            f"{WARNING}has never run, so that nothing is synced by itself: 'lockstep up' starts it",
            "",
        )
    age = (now - last).total_seconds()
    if age > HEARTBEAT_SECONDS:
        since = f"no heartbeat since {last:%Y-%m-%d %H:%M:%S}Z ({age / 60:.0f} min ago)"
        advice = f"'lockstep up' starts it; if it has failed, see {home() / 'daemon.log'}"
        return False, f"stopped: {since}, so that nothing is synced", advice
    return (
        not errors,
        "; ".join(sorted(errors)) or f"running, last heartbeat {age:.0f} s ago",
        f"see {home() / 'daemon.log'}",
    )
