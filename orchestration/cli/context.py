"""What commands need of the ledger and of the configuration, opened for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from domain.connections import Connection, Installation
from domain.errors import PermanentError
from domain.text import printable
from resources.ledger.database.embedded import database_url
from resources.ledger.session import Ledger


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """Open the ledger's database. Raises ``LockstepError`` that says what to do where it can't be reached."""
    db = Ledger(database_url()).connect()
    try:
        yield db
    finally:
        db.close()


def connection_of(installation: Installation, name: str) -> Connection:
    """Return a connection by its name. Raises ``PermanentError`` that names the known ones."""
    found = installation.connections.get(name)
    if found is None:
        known = ", ".join(sorted(installation.connections))
        raise PermanentError(
            f"There is no connection '{printable(name, 100)}'; connections.yaml has {known}."
        )
    return found
