"""A remote API's quota, shared by all processes through one row per bucket."""

from __future__ import annotations

import threading
from typing import Any

import psycopg


class PostgresQuota:
    """``domain.ports.QuotaLedger`` in Postgres; its own connection, opened at first use, safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._db: psycopg.Connection[Any] | None = None

    def take(self, bucket: str, wanted: int, *, quota: int, window_seconds: float) -> tuple[int, float]:
        """Take up to ``wanted`` permits; return how many were granted and, if none, the seconds until the window ends."""
        with self._lock:
            row = (
                self._connection()
                .execute("SELECT granted, seconds FROM sync.take_permits(%s, %s, %s, %s)", (bucket, wanted, quota, window_seconds))
                .fetchone()
            )
        granted, seconds = row or (0, window_seconds)
        return int(granted), 0.0 if granted else float(seconds)

    def observe(self, bucket: str, *, quota: int, left: int, reset_seconds: float, window_seconds: float) -> None:
        """Lower the permits to what the API says is left, and follow its clock for the window's end."""
        del quota, window_seconds
        with self._lock:
            self._connection().execute(
                """UPDATE sync.quota SET permits = least(permits, %s), resets_at = clock_timestamp() + make_interval(secs => %s)
                   WHERE bucket = %s""",
                (left, reset_seconds, bucket),
            )

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(self._url, autocommit=True)
        return self._db
