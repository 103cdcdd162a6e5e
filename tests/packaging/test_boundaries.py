"""Boundaries that import rules can't express, or that a new module could miss."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from orchestration.settings import project_root

ROOT = project_root()
STATEMENT = re.compile(r"\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) ")
PURE = ("mapping", "payload", "base_payload", "answers_payload", "statuses", "builder")
"""Modules of a connector that translate, and so import the domain only."""


@pytest.mark.parametrize("folder", ["domain", "assets", "sensors", "orchestration"])
def test_statements_on_the_ledger_are_in_the_ledger(folder: str) -> None:
    """Who changes a table finds all that reads it in one place."""
    found = [
        f"{path.relative_to(ROOT)}: {text.split(chr(10))[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in strings(path)
        if STATEMENT.match(text)
    ]
    assert found == []


def test_every_module_that_translates_is_kept_pure() -> None:
    """The contract names modules, so a new connector's would be left out unnoticed."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [contract] = [
        one
        for one in settings["tool"]["importlinter"]["contracts"]
        if one["name"].startswith("Mappings, payloads and statuses")
    ]
    written = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for kind in ("platforms", "oms")
        for path in (ROOT / "resources" / kind).glob("*/**/*.py")
        if path.stem in PURE
    }
    assert written - set(contract["source_modules"]) == set()


def strings(path: Path) -> list[str]:
    """Return the strings of a module."""
    tree = ast.parse(path.read_text())
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
