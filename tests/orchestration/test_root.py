"""Tests of what all commands share: help, exit codes, errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli.root import COMMANDS, lockstep
from tests.orchestration.shop import Shop


def test_every_command_has_a_description():
    """Each command has a help text, and the top help lists every command."""
    top = CliRunner().invoke(lockstep, ["--help"])
    assert top.exit_code == 0
    for name in COMMANDS:
        assert f"  {name}" in top.output
        shown = CliRunner().invoke(lockstep, [name, "--help"])
        assert shown.exit_code == 0, shown.output
        assert len(shown.output.splitlines()) > 5


READS = [
    "",
    "rejections",
    "status",
    "trace",
    "rejections list",
]
HEAVY_IMPORTS = """
import os, sys
from orchestration.cli.root import lockstep

for command in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    try:
        lockstep([*command.split(), "--help"])
    finally:
        heavy = {"dagster", "pandas", "pandera"} & sys.modules.keys()
        print(f"{command}: {sorted(heavy)}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
"""
"""Prints what each command has imported, in a fork: a process for each would take seconds."""


@pytest.mark.slow
def test_reading_the_ledger_does_not_import_dagster_or_pandas():
    """They take two seconds to import, too long for an operator with a customer on the phone."""
    done = subprocess.run(
        [sys.executable, "-c", HEAVY_IMPORTS, *READS], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("Usage: ") == len(READS)
    assert done.stderr.splitlines() == [f"{command}: []" for command in READS]


def test_a_missing_database_is_one_sentence_that_says_what_to_do(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    """A database that was not started needs no traceback."""
    result = CliRunner().invoke(lockstep, ["migrate"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "lockstep db start" in result.stderr
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    result = CliRunner().invoke(lockstep, ["migrate"])
    assert result.exit_code == 1
    assert result.stderr.startswith("lockstep: ")
    assert "Traceback" not in result.stderr


def test_a_database_without_a_ledger_asks_for_migrate(
    shop: Shop, postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    """An empty database gives advice, not an error about missing tables."""
    monkeypatch.setenv("DATABASE_URL", postgres_url.replace("/lockstep?", "/postgres?"))
    result = shop.run("status")
    assert result.exit_code == 1
    assert "lockstep migrate" in result.stderr


def test_wrong_usage_exits_with_2(shop: Shop):
    """Scripts can distinguish a misspelt option from a failure."""
    assert shop.run("status", "--nonsense").exit_code == 2
    assert shop.run("rejections", "retry").exit_code == 2
    assert (
        shop.run(
            "replay", "demo", "--streams", "oders", "--from", "2026-01-01", "--to", "2026-01-02"
        ).exit_code
        == 2
    )


def test_an_unknown_connection_gives_an_error_with_the_known_ones(shop: Shop):
    """A misspelt name is the most common error."""
    for arguments in (
        ["status", "--connection", "dmeo"],
        ["connect", "dmeo"],
        ["trace", "1", "--connection", "dmeo"],
    ):
        result = shop.run(*arguments)
        assert result.exit_code == 1
        assert "demo" in result.stderr.replace("dmeo", "")
