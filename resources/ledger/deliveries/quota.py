"""A remote API's quota, shared by all processes through one row per bucket."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from domain.errors import TransientError


class PostgresQuota:
    """``domain.ports.QuotaLedger`` in Postgres, safe to use from several threads.

    It has a connection of its own, opened at first use.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._db: psycopg.Connection[Any] | None = None

    def take(
        self, bucket: str, wanted: int, *, quota: int, window_seconds: float
    ) -> tuple[int, float]:
        """Take up to ``wanted`` permits.

        Return how many were granted and, if none, the seconds until one is there. Raises
        ``TransientError`` where Postgres can't be reached.
        """
        row = self._ask(
            "SELECT granted, seconds FROM sync.take_permits(%s, %s, %s, %s)",
            (bucket, wanted, quota, window_seconds),
        )
        granted, seconds = row or (0, window_seconds)
        return int(granted), 0.0 if granted else float(seconds)

    def observe(
        self, bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float
    ) -> None:
        """Grant no more than what the API reports as left until its window ends."""
        del window_seconds
        self._ask("SELECT sync.observe_quota(%s, %s, %s, %s)", (bucket, quota, left, reset_seconds))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _ask(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Execute, and again on a new connection where the kept one has died.

        A permit that is taken twice only costs a wait.
        """
        with self._lock:
            try:
                return self._connection().execute(statement.encode(), parameters).fetchone()
            except psycopg.OperationalError:
                pass
            try:
                return self._connection().execute(statement.encode(), parameters).fetchone()
            except psycopg.OperationalError as error:
                raise TransientError(
                    f"Could not reach Postgres for the quota; try again once it is back: {error}"
                ) from None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(
                self._url, autocommit=True, application_name="lockstep", connect_timeout=10
            )
        return self._db
