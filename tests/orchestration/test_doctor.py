"""Tests of ``lockstep doctor``."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from orchestration.cli.root import lockstep
from tests.orchestration.shop import Shop


def test_a_healthy_installation_passes_and_no_secret_is_shown(shop: Shop, own_home: Path):
    """Everything that can be checked is, and the output can be sent to anyone."""
    checks = shop.json("doctor")
    assert {check["name"] for check in checks if not check["ok"]} == set()
    names = " ".join(check["name"] for check in checks)
    for part in (
        "Python",
        "database",
        "schema",
        "definitions",
        "demo: secrets",
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
    """A missing secret does not keep the rest from being looked at."""
    (own_home / "secrets" / "password").unlink()
    result = shop.run("doctor", "--json")
    assert result.exit_code == 1
    (failed,) = [check for check in json.loads(result.stdout) if not check["ok"]]
    assert failed["name"] == "demo: secrets"
    assert "password" in failed["detail"]
    assert failed["advice"]


def test_without_database_and_configuration_it_still_reports(own_home: Path):
    """The first thing a new user runs must not fall over for want of everything."""
    result = CliRunner().invoke(lockstep, ["doctor", "--json"])
    assert result.exit_code == 1
    failed = {check["name"]: check for check in json.loads(result.stdout) if not check["ok"]}
    assert set(failed) == {"database", "connections.yaml"}
    assert "lockstep db start" in failed["database"]["detail"]
