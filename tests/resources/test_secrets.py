"""Secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import PermanentError
from domain.policies import SecretRef
from resources.secrets import permission_warning, resolve


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's value, or an error that names the variable."""
    monkeypatch.setenv("SHOP_TOKEN", "abc\n")
    assert resolve(SecretRef(env="SHOP_TOKEN")) == "abc"
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(PermanentError, match="SHOP_TOKEN"):
        resolve(SecretRef(env="SHOP_TOKEN"))


def test_a_secret_comes_from_a_file_of_its_own(tmp_path: Path) -> None:
    """The file's text without the line's end; an error names the file and never the value."""
    file = tmp_path / "token"
    file.write_text("abc\n")
    file.chmod(0o600)
    assert resolve(SecretRef(file=file)) == "abc"
    assert permission_warning(SecretRef(file=file)) is None
    for content in (b"", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(PermanentError, match="token"):
            resolve(SecretRef(file=file))
    with pytest.raises(PermanentError, match="missing"):
        resolve(SecretRef(file=tmp_path / "missing"))


def test_a_file_that_others_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret still works, and the log says how to close the file."""
    file = tmp_path / "token"
    file.write_text("abc")
    file.chmod(0o644)
    assert resolve(SecretRef(file=file)) == "abc"
    assert "chmod 600" in caplog.text
    assert "abc" not in caplog.text
