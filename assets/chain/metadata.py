"""Metadata of materializations: counts as integers (they plot), rejections as a table, one human line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

SHOWN = 20


def counts(values: Mapping[str, int]) -> dict[str, Any]:
    """Return counts as plottable metadata."""
    return {name: dg.MetadataValue.int(value) for name, value in values.items()}


def by_code(prefix: str, values: Mapping[str, int]) -> dict[str, Any]:
    """Return one count per code or rule, named ``prefix: code``."""
    return {f"{prefix}: {code}": dg.MetadataValue.int(number) for code, number in values.items()}


def named(prefix: str, values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a count per rule, with the first names."""
    found: dict[str, Any] = {}
    for rule, names in values.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        found[f"{prefix}: {rule}"] = dg.MetadataValue.md(
            f"{len(names)}: {', '.join(names[:SHOWN])}{more}"
        )
    return found


def rejections(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return up to ``SHOWN`` rejections as a table, or nothing where there are none."""
    if not rows:
        return {}
    columns = [dg.TableColumn(name, "string") for name in rows[0]]
    records = [dg.TableRecord(dict(row)) for row in rows[:SHOWN]]
    return {"rejections": dg.MetadataValue.table(records, schema=dg.TableSchema(columns))}


def line(text: str) -> dict[str, Any]:
    """Return the human line."""
    return {"summary": dg.MetadataValue.md(text)}
