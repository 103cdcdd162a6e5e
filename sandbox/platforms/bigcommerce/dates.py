"""Dates as BigCommerce V2 writes them: RFC 2822 in UTC with a resolution of one second."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LATEST = 253402300800
"""The year 10000, which RFC 2822 can't represent."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def to_rfc2822(epoch: int) -> str:
    """Format seconds since 1970 as ``Thu, 20 Jun 2019 16:07:08 +0000``, whatever the locale."""
    at = time.gmtime(epoch)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    return (
        f"{DAYS[at.tm_wday]}, {at.tm_mday:02d} {MONTHS[at.tm_mon - 1]} {at.tm_year} {clock} +0000"
    )


def to_iso(epoch: float) -> str:
    """Format seconds since 1970 as V3 does, ``2019-06-20T16:07:08Z``."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_or_none(text: str) -> int | None:
    """Parse a date as whole seconds since 1970; ``None`` if an order can't be listed by it."""
    try:
        epoch = int(to_epoch(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return epoch if 0 <= epoch < LATEST else None


@lru_cache(maxsize=4096)
def to_epoch(text: str) -> float:
    """Parse RFC 2822 or ISO 8601 as seconds since 1970; a date without an offset is UTC.

    Raises ValueError for anything else (orders.v2.oas2.yml, parameters min_/max_date_*).
    """
    text = text.strip()
    if text.isdigit() and len(text) > len("20191231"):
        return float(text)
    at = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
