"""Test of what is compiled before the workers start."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.assertion import rewrite

from tests.compiling import compile_files, compiled


def test_pytest_takes_what_was_compiled_before(tmp_path: Path, request: pytest.FixtureRequest):
    """With its own assertions, as long as the text is the same; else it compiles it itself."""
    file = tmp_path / "test_one.py"
    file.write_text("def test_one():\n    assert 1 == 2\n")
    compile_files(request.config, [file])
    taken = rewrite._read_pyc(file, compiled(file))
    assert taken is not None
    assert "@pytest_ar" in taken.co_names
    file.write_text("def test_two():\n    assert 1 == 2\n")
    assert rewrite._read_pyc(file, compiled(file)) is None
