"""``lockstep forget`` and ``lockstep retention`` as an operator gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli.root import lockstep
from tests.assets.documents import PERSON
from tests.assets.scene import NAME, Scene

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> tuple[int, str]:
    """Give a command; return its exit code and what it printed."""
    done = CliRunner().invoke(lockstep, list(arguments))
    return done.exit_code, done.output


def test_a_person_is_forgotten_by_command(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at first, then done without a question where ``--yes`` says so; a misspelt connection is refused, a repetition said."""
    monkeypatch.setenv("DATABASE_URL", scene.database)
    scene.place_many([1])
    scene.run("orders")
    person = (str(PERSON["email"]), "--connection", NAME)

    code, told = run("forget", *person, "--dry-run")
    assert (code, "Nothing was changed." in told) == (0, True)
    assert run("forget", *person)[0] == 1  # nobody can be asked here
    assert run("forget", person[0], "--connection", "acne") == (
        1,
        "lockstep: The ledger has no connection 'acne'; it has acme.\n",
    )
    code, told = run("forget", *person, "--yes")
    assert (code, "Forgotten." in told) == (0, True)
    assert run("forget", *person) == (0, "This customer was forgotten before.\n")
    assert "Jane" not in str(scene.sql("SELECT * FROM sync.forgotten"))


def test_retention_tells_that_nothing_is_due(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a setting nothing is ever removed."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(ROOT / "docs/connections.example.yaml"))
    assert run("retention", "--dry-run") == (0, "Nothing is older than its retention.\n")
