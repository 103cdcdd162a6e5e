"""Dagster's definitions of the partitions: one for each grain in the installation."""

from __future__ import annotations

from datetime import date

import dagster as dg

from domain.values import HOUR, Grain, Partition

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
"""Tags of a run over several partitions: the keys of the first and of the last."""


def definition(start: date, grain: Grain) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions from ``start`` to the current one, which ``end_offset`` adds."""
    if grain == HOUR:
        return dg.HourlyPartitionsDefinition(
            start_date=f"{start}-00:00", timezone="UTC", end_offset=1
        )
    return dg.DailyPartitionsDefinition(start_date=f"{start}", timezone="UTC", end_offset=1)


def closed_days(start: date) -> dg.DailyPartitionsDefinition:
    """Return the days from ``start`` to yesterday: those that are over."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")


def place(first: Partition, last: Partition) -> tuple[str | None, dict[str, str]]:
    """Return the partition key and the tags of a run over ``first`` to ``last``."""
    if first == last:
        return first.key, {}
    return None, dict(zip(RANGE_TAGS, (first.key, last.key), strict=True))
