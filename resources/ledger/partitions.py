"""Partitions in SQL: a day is ``source_day``, an hour the rows of one ``source_hour`` of it.

A capture and its record have an hour whatever the connection's grain, so that another grain needs
no other rows. What a run did, and what is to run, has none if it is about a whole day.
"""

from __future__ import annotations

from typing import Any

import psycopg

from domain.values import Grain, Partition


def hour_is(partition: Partition, table: str = "") -> str:
    """Return the condition that a row of the partition's day is of its hour; for a day, none.

    A number of ours, not a parameter: the day's statement stays as it would be without hours, and
    so does Postgres's plan for it.
    """
    return "" if partition.hour is None else f"AND {table}source_hour = {partition.hour:d}"


def counted(rows: psycopg.Cursor[Any], grain: Grain) -> dict[Partition, int]:
    """Return the sum by partition of rows with a day, an hour and a number."""
    found: dict[Partition, int] = {}
    for day, hour, number in rows:
        partition = Partition.at(day, hour, grain)
        found[partition] = found.get(partition, 0) + int(number)
    return dict(sorted(found.items()))
