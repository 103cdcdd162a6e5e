"""The form in which the account writes a time."""

from __future__ import annotations

from datetime import UTC, datetime


def written(seconds: int) -> str:
    """Return a time as answers write it: UTC with ``Z``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
