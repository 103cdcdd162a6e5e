"""Partitions: UTC days of the source's modification time, one definition for the installation."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

from domain.values import Window


def daily(start: date) -> dg.DailyPartitionsDefinition:
    """Return the partitions from ``start`` to today: ``end_offset`` adds the current day."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def closed_days(start: date) -> dg.DailyPartitionsDefinition:
    """Return the partitions from ``start`` to yesterday: the days that are over."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")


def day_of(key: str) -> date:
    """Return the day of a partition key."""
    return date.fromisoformat(key)


def window_of(key: str, now: datetime | None = None) -> Window:
    """Return a partition's window, cut at the present: the future can't be captured yet."""
    whole = Window.of_day(day_of(key))
    moment = now or datetime.now(UTC)
    return Window(whole.since, max(whole.since, min(whole.until, moment)))
