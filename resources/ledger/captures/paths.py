"""Paths into a captured document, as rejections show them: ``consignments.shipping[0].zip``.

``[0]`` is an index into a list or, failing that, the id of one of its entries. Where it could be
both, ``[#0]`` means the index and ``[=0]`` the id. A path may leave out the part of the document
that holds the record itself (``order``). ``lines[1001].sku`` finds the entry with that id anywhere,
since a line of the canonical order has the source's id.

A path is resolved to a place, which ``jsonpointer`` (RFC 6901) reads and writes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from jsonpointer import JsonPointer, JsonPointerException

from domain.errors import PermanentError

Place = tuple[str | int, ...]
"""Keys and list positions from the document's root."""
_TOKEN = re.compile(r"(?P<dot>\.)?(?:(?P<name>[^.\[\]]+)|\[(?P<entry>[^\[\]]+)\])")
_NAMES_SHOWN = 40
_INDEX_DIGITS = 9
"""More digits than any list has entries, and few enough for ``int``."""


class Found(NamedTuple):
    """Where a path leads; ``is_new`` where its last field does not exist yet."""

    place: Place
    value: Any
    is_new: bool = False


class _Step(NamedTuple):
    text: str
    is_entry: bool


def find(document: Any, path: str, addable: Collection[str] = ()) -> Found:
    """Return where a path leads; the last field of a path in ``addable`` may be missing.

    Raises ``PermanentError``, which names the path and what exists where it ends.
    """
    place, node, steps = _start(document, path, _parsed(path))
    for number, step in enumerate(steps):
        if step.is_entry:
            position = _position(node, step, place, path)
            place, node = (*place, position), node[position]
            continue
        if not isinstance(node, dict) or step.text not in node:
            if isinstance(node, dict) and number == len(steps) - 1 and path in addable:
                return Found((*place, step.text), None, is_new=True)
            raise _absent(path, place, node)
        place, node = (*place, step.text), node[step.text]
    return Found(place, node)


def put(document: Any, place: Place, value: Any) -> None:
    """Set the value at a place. Raises ``LookupError`` if the document has no such place."""
    try:
        JsonPointer.from_parts(place).set(document, value)
    except JsonPointerException:  # its text may quote the document
        raise LookupError(written(place)) from None


def written(place: Place) -> str:
    """Return a place as a path."""
    parts = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return parts.removeprefix(".") or "the record"


def _parsed(path: str) -> list[_Step]:
    steps: list[_Step] = []
    end = 0
    for match in _TOKEN.finditer(path):
        is_entry = match["entry"] is not None
        is_joined = match["dot"] is None if is_entry or not steps else match["dot"] is not None
        if match.start() != end or not is_joined:
            break
        steps.append(_Step(match["entry"] if is_entry else match["name"], is_entry))
        end = match.end()
    if not steps or end != len(path):
        raise PermanentError(
            f"{path!r} is not a path; write it as a rejection's field shows it, such as "
            "consignments.shipping[0].zip"
        )
    return steps


def _start(document: Any, path: str, steps: list[_Step]) -> tuple[Place, Any, list[_Step]]:
    """Return where the path starts, and the steps that are left from there.

    That is the root, else the only part of it that has the first name, else the only entry that has
    the path's id.
    """
    first = steps[0]
    if first.is_entry or not isinstance(document, dict) or first.text in document:
        return (), document, steps
    inside = [
        key for key, part in document.items() if isinstance(part, dict) and first.text in part
    ]
    if len(inside) == 1:
        return (inside[0],), document[inside[0]], steps
    if len(steps) > 1 and steps[1].is_entry:
        found = list(_entries(document, (), steps[1].text.removeprefix("=")))
        if len(found) == 1:
            return found[0], _at(document, found[0]), steps[2:]
    parts = [key for key, part in document.items() if isinstance(part, dict) and len(document) <= 3]
    record: Place = (parts[0],) if len(parts) == 1 else ()
    raise _absent(path, record, _at(document, record))


def _position(node: Any, step: _Step, place: Place, path: str) -> int:
    if not isinstance(node, list):
        raise _absent(path, place, node)
    text = step.text.lstrip("#=")
    candidates: set[int] = set()
    if step.text[0] != "#":
        owner = str(place[-1]) if place else ""
        candidates |= {i for i, entry in enumerate(node) if _has_id(entry, text, owner)}
    if step.text[0] != "=" and text.isdecimal() and len(text) <= _INDEX_DIGITS:
        candidates |= {int(text)} & set(range(len(node)))
    if len(candidates) > 1:
        raise PermanentError(
            f"{path!r} is not clear: write [#{text}] for the place in the list, counted from 0, or "
            f"[={text}] for the id"
        )
    if not candidates:
        raise _absent(path, place, node)
    return candidates.pop()


def _has_id(entry: Any, text: str, owner: str = "") -> bool:
    """Return whether a list's entry has this id, as ``id`` or under its list's name and ``Id``."""
    if not isinstance(entry, dict):
        return False
    return any(
        str(value) == text
        for key, value in entry.items()
        if key.lower() == "id" or (owner and key == f"{owner}Id")
    )


def _entries(node: Any, place: Place, text: str) -> Iterator[Place]:
    """Yield the places of list entries with this id."""
    if isinstance(node, dict):
        for key, part in node.items():
            yield from _entries(part, (*place, key), text)
    elif isinstance(node, list):
        for position, part in enumerate(node):
            if _has_id(part, text, str(place[-1]) if place else ""):
                yield (*place, position)
            yield from _entries(part, (*place, position), text)


def _at(document: Any, place: Place) -> Any:
    return JsonPointer.from_parts(place).resolve(document)


def _absent(path: str, place: Place, node: Any) -> PermanentError:
    if isinstance(node, dict):
        names = sorted(node)
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        there = f"has {', '.join(names[:_NAMES_SHOWN])}{more}" if names else "is empty"
    elif isinstance(node, list) and node:
        there = f"is a list of {len(node)}; name an entry by its place, from [0] on, or by its id"
    else:
        there = "is an empty list" if isinstance(node, list) else "is a single value"
    return PermanentError(f"There is no {path!r} in the captured record: {written(place)} {there}.")
