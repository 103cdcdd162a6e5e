"""Sources that report their current state only: they are asked at intervals, not by time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.sources import Source
from resources.sync import Sync


def probe_at_intervals(
    sync: Sync, stream: str, source: Source[Any], interval: timedelta, since: datetime
) -> datetime | None:
    """Ask the source once the interval has passed since the stream was captured; else ``None``."""
    with sync.ledger.session(sync.name, stream) as session:
        mark = session.watermark()
    is_due = mark is None or since - mark >= interval
    return source.probe(since) if is_due else None
