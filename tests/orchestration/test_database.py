"""Tests of ``lockstep db`` and ``lockstep migrate``."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from orchestration.cli.machine.database import remember_home
from orchestration.cli.root import lockstep
from orchestration.settings import project_root
from resources.ledger.database import embedded

pytestmark = pytest.mark.slow


def test_the_embedded_database_starts_migrated_and_stops(own_home: Path):
    """One command gives a database and a sandbox connection; the data survives a stop."""
    run = CliRunner().invoke
    assert run(lockstep, ["db", "status"]).exit_code == 1
    try:
        started = run(lockstep, ["db", "start", "--no-env-file"])
        assert started.exit_code == 0, started.output
        assert "0001_ledger.sql" not in run(lockstep, ["migrate"]).output
        assert (own_home / "connections.yaml").exists()
        url = run(lockstep, ["db", "url"]).stdout.strip()
        with psycopg.connect(url) as db:
            assert db.execute("SELECT count(*) FROM sync.capture").fetchone() == (0,)
        assert run(lockstep, ["db", "status"]).exit_code == 0
        again = run(lockstep, ["db", "start", "--no-env-file"])
        assert "already running" in again.output
    finally:
        stopped = run(lockstep, ["db", "stop"])
    assert stopped.output.strip() == "stopped"
    assert "no embedded PostgreSQL is running" in run(lockstep, ["db", "stop"]).output


def test_migrate_lists_what_it_applied_once(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    """The second time, nothing is left to apply."""
    name = "migrate_from_nothing"
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name}")
        db.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv("DATABASE_URL", postgres_url.replace("/lockstep?", f"/{name}?"))
    assert "applied 0001_ledger.sql" in CliRunner().invoke(lockstep, ["migrate"]).output
    assert CliRunner().invoke(lockstep, ["migrate"]).output.startswith("nothing to apply")


def test_dagster_home_is_added_to_env_once_and_other_lines_are_kept(tmp_path: Path):
    """``dagster dev`` then finds the instance; the user's own lines do not change."""
    (tmp_path / ".env").write_text("MY_TOKEN=secret")
    assert remember_home(tmp_path)
    assert (tmp_path / ".env").read_text() == f"MY_TOKEN=secret\nDAGSTER_HOME={tmp_path}\n"
    assert not remember_home(tmp_path)
    (tmp_path / ".env").write_text("export DAGSTER_HOME=/elsewhere\n")
    assert not remember_home(tmp_path)


def test_the_default_home_is_the_folder_lockstep_of_the_checkout(
    monkeypatch: pytest.MonkeyPatch,
):
    """Moving a module must not move the database."""
    monkeypatch.delenv("LOCKSTEP_HOME", raising=False)
    assert embedded.home() == project_root() / ".lockstep"
