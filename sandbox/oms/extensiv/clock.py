"""The two forms in which the vendor writes a time."""

from __future__ import annotations

from datetime import UTC, datetime


def written(seconds: int) -> str:
    """Return a time as answers write it: UTC with ``+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def without_zone(seconds: int) -> str:
    """Return a time as products and stock write it: no zone, a space in the middle."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
