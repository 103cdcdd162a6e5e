"""The three Postgres roles of least privilege: whether they are in force, and what is missing.

``views/90_roles.sql`` creates and grants them at each ``lockstep migrate``. Where its user may not
create roles, an administrator has to.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

OWNER, WRITER, READER = "lockstep_owner", "lockstep_writer", "lockstep_reader"


def advice(db: psycopg.Connection[Any]) -> str | None:
    """Return what is missing and how to add it, or ``None`` if the roles are in force.

    Without them everything works, with the rights of the user of ``DATABASE_URL``.
    """
    found = {
        name
        for (name,) in db.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", ([OWNER, WRITER, READER],)
        )
    }
    user, database = _one(db, "SELECT current_user, current_database()")
    if missing := [name for name in (OWNER, WRITER, READER) if name not in found]:
        statements = "; ".join(
            [f"CREATE ROLE {name} NOLOGIN" for name in missing]
            + [_text(db, "GRANT {} TO {}", OWNER, user)]
            + [_text(db, "GRANT CREATE ON DATABASE {} TO {}", database, OWNER)]
        )
        return (
            f"The roles {', '.join(missing)} do not exist and {user} may not create roles, so no "
            f"rights were granted and everything runs as {user}. Have an administrator run: "
            f"{statements}; then run 'lockstep migrate' again."
        )
    (owner,) = _one(db, "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'sync'")
    if owner != OWNER:
        statements = "; ".join(
            [
                _text(db, "GRANT {} TO {}", OWNER, user),
                _text(db, "GRANT CREATE ON DATABASE {} TO {}", database, OWNER),
            ]
        )
        return (
            f"The ledger belongs to {owner} and not to {OWNER}; the rights of {WRITER} and "
            f"{READER} are in force. To hand it over, have an administrator run: {statements}; "
            f"then run 'lockstep migrate' again as {owner}."
        )
    return None


def _one(db: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    row = db.execute(statement.encode()).fetchone()
    if row is None:
        raise LookupError("the database has no ledger")
    return tuple(row)


def _text(db: psycopg.Connection[Any], statement: str, *names: str) -> str:
    return sql.SQL(statement).format(*map(sql.Identifier, names)).as_string(db)
