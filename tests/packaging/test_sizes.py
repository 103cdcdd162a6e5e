"""Modules of the product and the sandbox stay short enough to be read as a whole."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = ("domain", "resources", "assets", "sensors", "orchestration", "sandbox")
MOST_LINES = 300


def test_no_module_is_longer_than_300_lines() -> None:
    """One that grows beyond has two subjects: divide it by subject, not by lines."""
    modules = [file for top in TOP for file in (ROOT / top).rglob("*.py")]
    lines = {
        file.relative_to(ROOT).as_posix(): len(file.read_text("utf-8").splitlines())
        for file in modules
    }
    assert len(lines) > 500
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}
