"""What can't be read is named, with the user that can't and what to do; it is not a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from click.testing import CliRunner

from assets.error_redaction import classified
from domain.errors import PermanentError
from orchestration.cli.root import lockstep
from resources.ledger.database import embedded
from resources.ledger.database.data_folder import why_refused, why_unusable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder whose control file its server's user may not read."""
    made = tmp_path / "home" / "postgres"
    (made / "global").mkdir(parents=True, mode=0o755)
    (made / "PG_VERSION").write_text("18\n")
    (made / "global" / "pg_control").write_bytes(b"")
    (made / "global" / "pg_control").chmod(0)
    return made


def test_the_first_path_that_cannot_be_read_is_named(folder: Path) -> None:
    """With the user of the server, and the command that gives it back."""
    (folder / "PG_VERSION").chmod(0o666)
    for path in (folder, folder / "global"):
        path.chmod(0o777)
    reason = why_unusable(folder)
    assert reason is not None
    assert f"can't use {folder / 'global' / 'pg_control'}: the server runs as the user " in reason
    assert f" {folder}'" in reason
    (folder / "global" / "pg_control").chmod(0o666)
    assert why_unusable(folder) is None


def test_a_folder_of_another_user_is_named_itself(folder: Path) -> None:
    """Nothing in it can be read either, but one place has to be corrected first."""
    folder.chmod(0)
    reason = why_unusable(folder)
    folder.chmod(0o700)
    assert reason is not None
    assert f"can't use {folder}: " in reason


def test_a_server_that_cannot_read_its_folder_is_not_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says which path, in one sentence and without a traceback."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("LOCKSTEP_HOME", str(folder.parent))
    result = CliRunner().invoke(lockstep, ["db", "start", "--no-env-file"])
    assert result.exit_code == 1
    assert str(folder) in result.output
    assert "the server runs as the user " in result.output
    assert "chown -R" in result.output
    assert "Traceback" not in result.output


def test_a_folder_of_another_version_is_refused_with_both_versions(folder: Path) -> None:
    """It is usable, but not by this server."""
    (folder / "PG_VERSION").write_text("12\n")
    (folder / "PG_VERSION").chmod(0o666)
    (folder / "global" / "pg_control").chmod(0o666)
    for path in (folder, folder / "global"):
        path.chmod(0o777)
    with pytest.raises(PermanentError, match="version 18 but found version 12"):
        embedded.start(folder)


@pytest.fixture
def unreadable(database: str) -> Iterator[tuple[str, Path]]:
    """Return a database, and a file in its server's data folder that the server can't read."""
    with psycopg.connect(database) as db:
        row = db.execute("SHOW data_directory").fetchone()
    assert row is not None
    file = Path(row[0]) / "lockstep_test_unreadable"
    file.write_text("x")
    file.chmod(0)
    yield database, file
    file.unlink()


def test_a_running_server_that_cannot_read_its_file_is_no_bug(
    unreadable: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure of a step names the file and the user, whichever server it is."""
    database, file = unreadable
    with (
        psycopg.connect(database) as db,
        pytest.raises(dg.Failure) as failed,
        classified("acme/orders_captured"),
    ):
        db.execute("SELECT pg_read_file(%s)", (file.name,))
    text = str(failed.value.description)
    assert file.name in text
    assert "permission denied" in text or "can't read" in text
    assert "bug" not in text
    assert not failed.value.allow_retries
    with psycopg.connect(database) as db:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            db.execute("SELECT pg_read_file(%s)", (file.name,))
        folder = file.parent
        own = why_refused(refused.value, folder)
    assert (
        f"can't use {file}: the server runs as the user {(folder / 'postmaster.pid').owner()},"
        in own
    )


def test_a_role_without_rights_is_no_bug(database: str) -> None:
    """What to do is to grant it the role that has them."""
    with psycopg.connect(database) as db:
        db.execute("SET ROLE lockstep_reader")
        with pytest.raises(dg.Failure) as failed, classified("acme/orders_captured"):
            db.execute("SELECT FROM sync.capture")
    text = str(failed.value.description)
    assert "permission denied for schema sync" in text
    assert "lockstep_writer" in text
    assert "bug" not in text
