"""Metadata of materializations: counts as integers, which can be plotted, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

SHOWN = 20
"""Rows of a table, or names in a line."""


def counts(values: Mapping[str, int]) -> dict[str, Any]:
    """Return counts that the UI can plot."""
    return {name: dg.MetadataValue.int(value) for name, value in values.items()}


def counts_by(prefix: str, values: Mapping[str, int]) -> dict[str, Any]:
    """Return counts named ``prefix: name``, e.g. one per rejection code."""
    return counts({f"{prefix}: {name}": number for name, number in values.items()})


def names_by(prefix: str, values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the number and the first names of records per rule."""
    found: dict[str, Any] = {}
    for rule, names in values.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        text = f"{len(names)}: {', '.join(names[:SHOWN])}{more}"
        found[f"{prefix}: {rule}"] = dg.MetadataValue.md(text)
    return found


def table(name: str, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the first rows as a table, or nothing if there are none."""
    if not rows:
        return {}
    schema = dg.TableSchema([dg.TableColumn(column, "string") for column in rows[0]])
    records = [dg.TableRecord(dict(row)) for row in rows[:SHOWN]]
    return {name: dg.MetadataValue.table(records, schema=schema)}


def doc_link(base: str, page: str, title: str) -> str:
    """Return a Markdown link to a page of ``docs/``; without ``base``, the page's path."""
    return f"[{title}]({base.rstrip('/')}/{page})" if base else f"`docs/{page}`"


def summary(text: str) -> dict[str, Any]:
    """Return the line that sums the materialization up."""
    return {"summary": dg.MetadataValue.md(text)}
