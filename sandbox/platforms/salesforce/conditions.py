"""Conditions of queries: their parts, the times they limit, and how values are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.platforms.salesforce.book import full_id
from sandbox.platforms.salesforce.clock import normalised
from sandbox.platforms.salesforce.soql import Comparison, Joined


def _comparisons(where: Comparison | Joined | None) -> Iterator[Comparison]:
    if isinstance(where, Comparison):
        yield where
    elif where is not None:
        for part in where.parts:
            yield from _comparisons(part)


def _lowest(where: Comparison | Joined | None) -> str:
    """Return a time of change before which no record can match."""
    if isinstance(where, Joined):
        found = [_lowest(part) for part in where.parts]
        return "" if where.word == "NOT" else max(found) if where.word == "AND" else min(found)
    if where is None or where.path != "SystemModstamp" or where.sign not in ("=", ">", ">="):
        return ""
    return normalised(where.values[0].value)


def _comparable(kind: str, value: Any) -> Any:
    return normalised(value) if kind == "datetime" else value


def _id(value: str) -> str:
    return full_id(value) if len(value) == 15 else value


def _compared(value: Any, sign: str, wanted: list[Any]) -> bool:
    if sign in ("IN", "NOT IN"):
        return any(_equal(value, each) for each in wanted) == (sign == "IN")
    other = wanted[0]
    if sign in ("=", "!="):
        return _equal(value, other) == (sign == "=")
    if value is None or other is None:
        return False
    if sign == "LIKE":
        pattern = re.escape(other).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL) is not None
    if sign in ("<", "<="):
        return bool(value < other or (sign == "<=" and value == other))
    return bool(value > other or (sign == ">=" and value == other))


def _equal(value: Any, other: Any) -> bool:
    """Compare as the vendor does: texts without regard to case."""
    if isinstance(value, str) and isinstance(other, str):
        return value == other or (len(value) != 18 and value.casefold() == other.casefold())
    return bool(value == other)


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, "") if value is None else (1, value)
