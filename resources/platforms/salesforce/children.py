"""Completes a record whose list of children came in part: the rest is fetched by its own locator.

A record that is whole keeps its exact bytes. Otherwise the lists are replaced by whole ones, each
row with the bytes that it came in.
"""

from __future__ import annotations

import re

import msgspec

from resources.platforms.salesforce.answers_payload import Result
from resources.platforms.salesforce.client import QueryClient

_UNFINISHED = re.compile(rb'"done"\s*:\s*false')
_OBJECTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LISTS = msgspec.json.Decoder(Result)
DEEPEST = 5
"""Levels of sub-queries that the vendor allows."""


def complete(raw: msgspec.Raw, queries: QueryClient, level: int = 1) -> msgspec.Raw:
    """Return a record with all of its children, at any level; one that is no object as it is."""
    if level > DEEPEST or _UNFINISHED.search(bytes(raw)) is None:
        return raw
    try:
        fields = _OBJECTS.decode(raw)
    except (ValueError, RecursionError):
        return raw
    for name, value in fields.items():
        if _UNFINISHED.search(bytes(value)) is None:
            continue
        try:
            result = _LISTS.decode(value)
        except (ValueError, RecursionError):
            continue  # a text, or a record that is referred to
        rows = [*result.records, *(row for page in queries.rest(result) for row in page)]
        whole = {
            "totalSize": len(rows),
            "done": True,
            "records": [complete(row, queries, level + 1) for row in rows],
        }
        fields[name] = msgspec.Raw(msgspec.json.encode(whole))
    return msgspec.Raw(msgspec.json.encode(fields))
