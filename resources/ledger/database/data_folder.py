"""Who may read what: rights in PostgreSQL's data folder and on the ledger, in words."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg

SERVER_OF_ROOT = "pgserver"
"""The user that the embedded server runs as if root starts it: PostgreSQL refuses root."""
_OWN_FILE = re.compile(r"could not (?:open|read|stat|access) (?:file|directory) \"([^\"]+)\"")
"""PostgreSQL's messages about its own files, by paths from its data folder on."""


def why_unusable(folder: Path) -> str | None:
    """Return a sentence about the first file of a data folder that its server can't use.

    It names the path, the user that can't read it, and what to do; ``None`` if all can be read.
    """
    user = _server_user(folder)
    found = next((path for path in _files(folder) if not _may_use(path, user)), None)
    return None if found is None else _sentence(found, folder, user.pw_name)


def why_refused(error: psycopg.errors.InsufficientPrivilege, folder: Path | None) -> str:
    """Return a sentence about what PostgreSQL refused: one of its own files, or the ledger.

    ``folder`` is the embedded server's data folder, ``None`` for another server.
    """
    message = error.diag.message_primary or "permission denied"
    named = _OWN_FILE.search(message)
    if named is None:
        return (
            f"The database refused its user something that Lockstep needs: {message}. Run "
            "'lockstep migrate' with the owner's DATABASE_URL, which renews the rights, and make "
            "this user a member of lockstep_writer (docs/security.md)."
        )
    if folder is not None:
        user = _server_user(folder).pw_name
        return _sentence(folder / named[1], folder, user)
    return (
        f"PostgreSQL can't read its own file {named[1]} in its data folder: permission denied. "
        "Give the folder and everything in it back to the user that the server runs as."
    )


def not_permitted(path: Path) -> str:
    """Return a sentence about a path that this process may not use."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    return (
        f"Lockstep runs as the user {user}, who can't read and write {path}. Run it as the user "
        f"who owns it, give it to {user} ('chown -R {user} {path.parent}'), or set "
        "LOCKSTEP_HOME to another folder."
    )


def _sentence(path: Path, folder: Path, user: str) -> str:
    return (
        f"The embedded PostgreSQL can't use {path}: the server runs as the user {user}, who can't "
        f"read and write it. Give the folder back to that user ('chown -R {user} {folder}' "
        f"and 'chmod -R u+rwX {folder}'), or set DATABASE_URL to another PostgreSQL."
    )


def _server_user(folder: Path) -> pwd.struct_passwd:
    """Return the user of the server that runs on a folder, or would if it were started."""
    try:
        return pwd.getpwuid((folder / "postmaster.pid").stat().st_uid)
    except (OSError, KeyError):
        if os.geteuid() == 0:
            try:
                return pwd.getpwnam(SERVER_OF_ROOT)
            except KeyError:  # made at the first start
                pass
        return pwd.getpwuid(os.geteuid())


def _files(folder: Path) -> Iterator[Path]:
    """Yield a folder and all that is in it, as far as this process can look."""
    yield folder
    for place, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            yield Path(place) / name


def _may_use(path: Path, user: pwd.struct_passwd) -> bool:
    """Return whether a user may read and write a file, or list and change a folder."""
    try:
        found = path.stat()
    except OSError:
        return True  # a socket or temporary file that has gone, or a folder already reported
    if user.pw_uid == 0:
        return True
    needed = 0o7 if stat.S_ISDIR(found.st_mode) else 0o6
    if found.st_uid == user.pw_uid:
        granted = found.st_mode >> 6
    elif found.st_gid in os.getgrouplist(user.pw_name, user.pw_gid):
        granted = found.st_mode >> 3
    else:
        granted = found.st_mode
    return granted & needed == needed
