"""``lockstep forget`` and ``lockstep retention`` as an operator runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli.root import lockstep
from tests.assets.documents import PERSON
from tests.assets.scene import NAME, Scene

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    done = CliRunner().invoke(lockstep, list(arguments))
    return done.exit_code, done.output


def test_a_person_is_forgotten_by_command(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--dry-run`` changes nothing, ``--yes`` asks nothing; a misspelt connection is refused."""
    monkeypatch.setenv("DATABASE_URL", scene.database)
    scene.place_many([1])
    scene.run("orders")
    person = (str(PERSON["email"]), "--connection", NAME)

    code, output = run("forget", *person, "--dry-run")
    assert (code, "Nothing was changed." in output) == (0, True)
    assert run("forget", *person)[0] == 1  # without a terminal there is no one to confirm
    assert run("forget", person[0], "--connection", "acne") == (
        1,
        "lockstep: The ledger has no connection 'acne'; it has acme.\n",
    )
    code, output = run("forget", *person, "--yes")
    assert (code, "Forgotten." in output) == (0, True)
    assert run("forget", *person) == (0, "This customer was forgotten before.\n")
    assert "Jane" not in str(scene.sql("SELECT * FROM sync.forgotten"))


def test_orders_with_open_work_are_listed_and_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code says that the command has to be run again."""
    monkeypatch.setenv("DATABASE_URL", scene.database)
    scene.place_many([1, 2])
    scene.run("orders", "shipments")
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders", "shipments")
    person = (str(PERSON["email"]), "--connection", NAME)
    kept = "order 2: not shipped yet; kept until that ends, then run the command again\n"

    code, output = run("forget", *person, "--dry-run")
    assert (code, kept in output, "1 order: 1\n" in output) == (0, True, True)
    code, output = run("forget", *person, "--yes")
    assert (code, kept in output, "Forgotten." in output) == (1, True, True)
    code, output = run("forget", *person, "--dry-run")
    assert (code, kept in output, "forgotten before" in output) == (0, True, False)
    code, output = run("forget", *person, "--yes")
    assert (code, "2 (not shipped yet)" in output) == (1, True)


def test_retention_reports_that_nothing_is_due(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a setting nothing is ever removed."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(ROOT / "docs/connections.example.yaml"))
    assert run("retention", "--dry-run") == (0, "Nothing is older than its retention.\n")
