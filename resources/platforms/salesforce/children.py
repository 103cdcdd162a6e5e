"""Completes a record whose list of children came in part: the rest is fetched by its own locator.

A record that is whole keeps its exact bytes. Otherwise its unfinished lists are extended page by
page, at any level, each row with the bytes that it came in. Pure: the caller fetches.
"""

from __future__ import annotations

import re

import msgspec

from resources.platforms.salesforce.answers_payload import Result

_UNFINISHED = re.compile(rb'"done"\s*:\s*false')
_OBJECTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LISTS = msgspec.json.Decoder(Result)
DEEPEST = 5
"""Levels of sub-queries that the vendor allows."""


def unfinished(raw: msgspec.Raw, level: int = 1) -> str | None:
    """Return the locator of a list that is not whole, ``None`` if all are."""
    for _, result in _lists(raw, level):
        if not result.done:
            return result.nextRecordsUrl
        for row in result.records:
            if (locator := unfinished(row, level + 1)) is not None:
                return locator
    return None


def extended(raw: msgspec.Raw, locator: str, page: Result, level: int = 1) -> msgspec.Raw:
    """Return a record with a page added to the list that the locator is of."""
    found = _lists(raw, level)
    if not found:
        return raw
    fields = _OBJECTS.decode(raw)
    for name, result in found:
        if not result.done and result.nextRecordsUrl == locator:
            rows, last = [*result.records, *page.records], page
        else:
            rows, last = [extended(row, locator, page, level + 1) for row in result.records], result
        whole: dict[str, object] = {"totalSize": len(rows), "done": last.done}
        if not last.done:
            whole["nextRecordsUrl"] = last.nextRecordsUrl
        fields[name] = msgspec.Raw(msgspec.json.encode(whole | {"records": rows}))
    return msgspec.Raw(msgspec.json.encode(fields))


def _lists(raw: msgspec.Raw, level: int) -> list[tuple[str, Result]]:
    """Return the lists of a record in which something is unfinished, by field."""
    if level > DEEPEST or _UNFINISHED.search(bytes(raw)) is None:
        return []
    found = []
    try:
        fields = _OBJECTS.decode(raw)
    except (ValueError, RecursionError):
        return []
    for name, value in fields.items():
        if _UNFINISHED.search(bytes(value)) is not None:
            try:
                found.append((name, _LISTS.decode(value)))
            except (ValueError, RecursionError):
                continue  # a text, or a record that is referred to
    return found
