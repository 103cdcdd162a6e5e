"""Tests of ``lockstep doctor``."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from orchestration.cli.machine.machine_checks import daemon_finding
from orchestration.cli.root import lockstep
from resources.ledger.monitoring.outages import note_failing
from tests.orchestration.shop import Shop

pytestmark = pytest.mark.slow(seconds=25)


def test_a_healthy_installation_passes_and_no_secret_is_shown(shop: Shop, own_home: Path):
    """Everything that can be checked is, and the output can be shared."""
    checks = shop.json("doctor")
    assert {check["name"] for check in checks if not check["ok"]} == set()
    names = " ".join(check["name"] for check in checks)
    for part in (
        "Python",
        "database",
        "schema",
        "definitions",
        "demo: secrets",
        "demo: capabilities",
        "demo: bigcommerce store",
        "demo: manhattan",
        "daemon",
    ):
        assert part in names
    printed = shop.done("doctor")
    for file in (own_home / "secrets").iterdir():
        assert file.read_text() not in printed
    assert not any(
        "bigcommerce store" in check["name"] for check in shop.json("doctor", "--offline")
    )


def test_each_fault_is_named_with_advice_and_hides_no_other(shop: Shop, own_home: Path):
    """A missing secret does not keep the other checks from running."""
    (own_home / "secrets" / "password").unlink()
    result = shop.run("doctor", "--json")
    assert result.exit_code == 1
    (failed,) = [check for check in json.loads(result.stdout) if not check["ok"]]
    assert failed["name"] == "demo: secrets"
    assert "password" in failed["detail"]
    assert failed["advice"]


def test_another_prefix_than_that_of_the_orders_at_the_oms_is_refused(shop: Shop):
    """Each order would be created a second time; nothing is sent until the prefix is set back."""
    shop.place(1)
    shop.connect()
    saves = shop.saves()
    shop.change(orders={"order_id_prefix": "US-"})
    result = shop.run("doctor", "--json")
    assert result.exit_code == 1
    (failed,) = [check for check in json.loads(result.stdout) if not check["ok"]]
    assert failed["name"] == "demo: systems"
    for words in ("demo: orders.order_id_prefix is 'US-'", "under the prefix ''", "Set it back"):
        assert words in failed["detail"]
    first = shop.yesterday.isoformat()
    replayed = shop.run("replay", "demo", "--streams", "orders", "--from", first, "--to", first)
    assert replayed.exit_code != 0
    assert "order_id_prefix is 'US-'" in replayed.output
    assert shop.saves() == saves
    shop.change(orders={"order_id_prefix": ""})
    shop.connect()
    assert shop.at_oms() == {"1"}


def test_days_that_the_archives_folder_has_lost_fail(shop: Shop, own_home: Path):
    """Its setting names another folder than before. Looking at that changes nothing."""
    with psycopg.connect(shop.database, autocommit=True) as db:
        db.execute("INSERT INTO sync.archived VALUES ('2026-01-02', now()), ('2026-01-04', now())")
    kept = own_home / "archive" / "view=orders" / "day=2026-01-04"
    kept.mkdir(parents=True)
    (kept / "part.parquet").touch()

    checks = json.loads(shop.run("doctor", "--offline", "--json").stdout)
    [lost] = [check for check in checks if check["name"] == "archive"]
    assert not lost["ok"]
    assert "archive has no files of 1 day from 2026-01-02 to 2026-01-02" in lost["detail"]
    assert "move the files of the former folder there" in lost["advice"]
    noted = "SELECT source_day::text FROM sync.archived WHERE lost_at IS NOT NULL"
    shop.done("retention", "--dry-run")
    assert shop.sql(noted) == []
    shop.done("retention")
    assert shop.sql(noted) == [("2026-01-02",)]


def test_an_oms_that_takes_no_orders_is_failing_in_doctor_and_status(shop: Shop):
    """As the run that met it has noted, until an order gets through."""
    shop.place(1)
    shop.connect()
    shop.place(2)
    with psycopg.connect(shop.database, autocommit=True) as db:
        note_failing(db, "demo", "orders", "answered 503")
    checks = json.loads(shop.run("doctor", "--offline", "--json").stdout)
    [detail] = [each["detail"] for each in checks if not each["ok"]]
    assert "orders failing since" in detail
    assert "answered 503" in detail
    assert "failing" in shop.run("status").output

    shop.replay_orders()

    assert [each for each in shop.json("doctor", "--offline") if not each["ok"]] == []
    assert "failing" not in shop.run("status").output


def test_a_stopped_daemon_fails_and_says_since_when():
    """Nothing is synced without it; one that never ran is what a new installation has."""
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ok, detail, advice = daemon_finding(now - timedelta(minutes=25), (), now)
    assert not ok
    assert "no heartbeat since 2026-03-01 11:35:00Z (25 min ago)" in detail
    assert "lockstep up" in advice
    assert daemon_finding(None, (), now)[0]
    assert daemon_finding(now - timedelta(seconds=40), (), now)[0]
    assert daemon_finding(now - timedelta(seconds=40), ("lost",), now)[:2] == (False, "lost")


def test_without_database_and_configuration_it_still_reports(own_home: Path):
    """A new user may run it first, before anything is set up."""
    result = CliRunner().invoke(lockstep, ["doctor", "--json"])
    assert result.exit_code == 1
    failed = {check["name"]: check for check in json.loads(result.stdout) if not check["ok"]}
    assert set(failed) == {"database", "connections.yaml"}
    assert "lockstep db start" in failed["database"]["detail"]


def test_a_dagster_instance_that_lockstep_does_not_configure_fails(
    shop: Shop, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Dagster's defaults are SQLite, no limits and no retention, and it does not warn."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    result = shop.run("doctor", "--offline", "--json")
    assert result.exit_code == 1
    [failed] = [check for check in json.loads(result.stdout) if not check["ok"]]
    assert failed["name"] == "Dagster instance"
    for part in (
        "storage is",
        "run_launcher is",
        "concurrency differs",
        "run_monitoring differs",
        "retention differs",
    ):
        assert part in failed["detail"]
    assert str(tmp_path) in failed["advice"]


def test_a_single_lost_limit_fails(shop: Shop, own_home: Path):
    """One changed section is enough to lose the limits that keep live runs ahead of backfills."""
    file = Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml"
    configured = yaml.safe_load(file.read_text())
    del configured["concurrency"]
    file.write_text(yaml.safe_dump(configured))
    result = shop.run("doctor", "--offline", "--json")
    [failed] = [check for check in json.loads(result.stdout) if not check["ok"]]
    assert failed["detail"].startswith("concurrency differs from ")
