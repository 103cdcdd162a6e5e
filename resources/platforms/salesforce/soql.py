"""Texts of queries: literals, lists and bounds. Nothing of a record gets into one unescaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": ""}
_ESCAPED = re.compile("|".join(map(re.escape, _ESCAPES)))
_ID = re.compile(r"[A-Za-z0-9]{18}")


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return f"'{_ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)}'"


def one_of(field: str, values: Iterable[str]) -> str:
    """Return a condition for a field with one of some values."""
    return f"{field} IN ({','.join(map(quoted, values))})"


def stamp(moment: datetime) -> str:
    """Return a time as a literal, cut to the second, which is all that the vendor's times have."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def all_of(conditions: Sequence[str]) -> str:
    """Return a clause for records that meet all conditions, each of which is one or in brackets."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def select(fields: str, source: str, rest: str = "") -> str:
    """Return a query, or a sub-query's text."""
    return f"SELECT {fields} FROM {source}{rest}"  # noqa: S608 - the texts are the connector's


def is_id(text: str) -> bool:
    """Return whether a text may be a record's id of 18 characters."""
    return _ID.fullmatch(text) is not None
