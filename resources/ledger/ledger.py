"""The ledger: opens sessions on its database, and keeps their connections for the next ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from domain.errors import TransientError
from resources.ledger.deliveries.quota import PostgresQuota
from resources.ledger.session import Session, is_silent

CONNECT_SECONDS = 10
"""A server that is starting refuses at once. One that can't be reached must not hold a sensor's
tick until Dagster kills it."""
KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A connection whose network has gone ends within half a minute, and its lock with it."""
ASK_AFTER_SECONDS = 1.0
"""A connection that is reused later is asked whether it still answers. A run reuses its own many
times a second; whether the server has ended one of them shows at its socket."""


class Ledger:
    """Opens sessions on the ledger's database, and keeps their connections for the next ones.

    psycopg-pool is not used for it. Threads of its own open and replace connections, so a session
    that meets an outage waits out the pool's time-out and does not learn the cause, where a direct
    attempt fails at once and states it. The first session after a restart of Postgres waits as
    long, while the pool tries its dead connections with growing pauses.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.quota = PostgresQuota(url)
        self._idle: list[tuple[psycopg.Connection[Any], float]] = []
        """Connections, and since when each is idle."""
        self._mutex = threading.Lock()

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection in autocommit mode.

        Raises ``TransientError`` if Postgres can't be reached.
        """
        try:
            return psycopg.connect(
                self.url,
                autocommit=True,
                application_name="lockstep",
                connect_timeout=CONNECT_SECONDS,
                **KEEPALIVE,
            )
        except psycopg.OperationalError as error:
            raise TransientError(
                f"Could not reach Postgres; try again once it is back: {error}"
            ) from None

    @contextmanager
    def session(self, connection: str, stream: str, run_id: str = "") -> Iterator[Session]:
        """Open a session on a connection of its own.

        After an error the connection is closed: it may hold a lock or a setting of the failed work.
        """
        db = self._reuse() or self.connect()
        try:
            yield Session(db, connection, stream, run_id)
        except BaseException:
            db.close()
            raise
        with self._mutex:
            self._idle.append((db, time.monotonic()))

    def _reuse(self) -> psycopg.Connection[Any] | None:
        """Return an idle connection that still answers: Postgres may have been restarted."""
        while True:
            with self._mutex:
                if not self._idle:
                    return None
                db, since = self._idle.pop()
            is_fresh = time.monotonic() - since < ASK_AFTER_SECONDS
            if is_fresh and not db.closed and is_silent(db):
                return db
            try:
                db.execute("SELECT 1")
            except psycopg.OperationalError:
                db.close()
            else:
                return db

    def close(self) -> None:
        """Close all idle connections."""
        with self._mutex:
            for db, _ in self._idle:
                db.close()
            self._idle.clear()
        self.quota.close()
