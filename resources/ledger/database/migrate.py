"""Numbered, forward-only SQL migrations, each applied once, in a transaction of its own.

The first process that migrates applies them; others wait for it.
"""

from __future__ import annotations

from hashlib import blake2b
from importlib import resources

import psycopg

from domain.errors import PermanentError

_PACKAGE = "resources.ledger"


def migrations() -> list[tuple[str, str]]:
    """Return (name, SQL) of every migration in order."""
    return _scripts("migrations")


def _scripts(name: str) -> list[tuple[str, str]]:
    folder = resources.files(_PACKAGE) / name
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [(entry.name, entry.read_text("utf-8")) for entry in files]


def migrate(url: str) -> list[str]:
    """Bring the database to the newest schema; return the names of the migrations applied now.

    Raises ``PermanentError`` if the text of an applied migration has changed.
    """
    applied: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('lockstep.migrate'))")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.lockstep_migration "
            "(name text PRIMARY KEY, digest text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known: dict[str, str] = dict(
            connection.execute("SELECT name, digest FROM public.lockstep_migration").fetchall()
        )
        for name, text in migrations():
            digest = blake2b(text.encode(), digest_size=16).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise PermanentError(
                        f"Migration {name} was applied with another text; add a new migration "
                        "instead of editing it."
                    )
                continue
            with connection.transaction():
                connection.execute(text.encode())
                connection.execute(
                    "INSERT INTO public.lockstep_migration (name, digest) VALUES (%s, %s)",
                    (name, digest),
                )
            applied.append(name)
        with connection.transaction():
            for _, text in _scripts("views"):
                connection.execute(text.encode())
    return applied


def is_current(url: str) -> bool:
    """Return whether every migration has been applied."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('public.lockstep_migration')").fetchone() == (
            None,
        ):
            return False
        known = {
            name for (name,) in connection.execute("SELECT name FROM public.lockstep_migration")
        }
    return {name for name, _ in migrations()} <= known
