"""What commands share: the database, and connections and streams by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import psycopg

from domain.errors import PermanentError
from domain.parsing.text import printable
from domain.values import Partition
from resources.ledger.database.embedded import database_url
from resources.ledger.ledger import Ledger

if TYPE_CHECKING:  # building the models takes 0.4 s, which commands that only read the ledger save
    from domain.connections import Connection, Installation

LONGEST_NAME, LONGEST_TEXT = 100, 300
DAY = click.DateTime(["%Y-%m-%d"])


class PartitionKey(click.ParamType[Partition]):
    """A partition by its key: ``2026-11-27``, or an hour of it, ``2026-11-27-13:00``."""

    name = "partition"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Partition:
        """Parse the key."""
        try:
            return Partition.parse(str(value).strip())
        except ValueError as error:
            self.fail(printable(str(error), LONGEST_TEXT), param, ctx)


@contextmanager
def open_database() -> Iterator[psycopg.Connection[Any]]:
    """Connect to the ledger's database; a ``LockstepError`` says what to do if that fails."""
    db = Ledger(database_url()).connect()
    try:
        yield db
    finally:
        db.close()


def connection_of(installation: Installation, name: str) -> Connection:
    """Return a connection by name. Raises ``PermanentError`` that lists the known ones."""
    found = installation.connections.get(name)
    if found is None:
        known = ", ".join(sorted(installation.connections))
        raise PermanentError(
            f"There is no connection '{printable(name, LONGEST_NAME)}' in connections.yaml, "
            f"which has {known}."
        )
    return found


def streams_of(
    connection: Connection, name: str, chosen: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Return the chosen streams, by default all. Raises ``UsageError`` for one not configured."""
    if chosen and (absent := [stream for stream in chosen if stream not in connection.streams]):
        raise click.UsageError(
            f"The connection {name} has no stream {absent[0]}; it has "
            f"{', '.join(connection.streams)}. To sync it, add it to the connection's streams."
        )
    return chosen or connection.streams
