"""The lock that gives a stream of a connection one writer at a time (``Session.writer_lock``)."""

from __future__ import annotations

from typing import Any

import psycopg

WRITER = "hashtextextended(%s, 7)"
"""The key of the lock, by ``writer_name``."""


def writer_name(connection: str, stream: str) -> str:
    """Return what the lock of a stream is called."""
    return f"{connection}/{stream}"


def wait_for_writer(db: psycopg.Connection[Any], connection: str, stream: str) -> None:
    """Hold the writer's lock until the transaction ends, once a run has ended its chunk."""
    name = writer_name(connection, stream)
    db.execute(f"SELECT pg_advisory_xact_lock({WRITER})".encode(), (name,))
