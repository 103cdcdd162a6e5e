"""Paths into a captured document, in the notation that rejections show: ``consignments.shipping[0].zip``, ``OrderLine[17].Quantity``.

``[0]`` is a place in a list, counted from 0, or else the id of one of its entries; where it could be both, ``[#0]`` means the place and
``[=0]`` the id. A path may leave out the part of the document that holds the record itself (``order``), and ``lines[1001].sku`` finds
the entry with that id wherever it stands, since a canonical line has the source's id. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from domain.errors import PermanentError

Place = tuple[str | int, ...]
"""Keys and list positions from the document's root."""
_TOKEN = re.compile(r"(?P<dot>\.)?(?:(?P<name>[^.\[\]]+)|\[(?P<entry>[^\[\]]+)\])")
_SHOWN = 40


class Found(NamedTuple):
    """What a path leads to; ``is_new`` where its last field is not there yet."""

    place: Place
    value: Any
    is_new: bool = False


class _Step(NamedTuple):
    text: str
    is_entry: bool

    def __str__(self) -> str:
        return f"[{self.text}]" if self.is_entry else self.text


def find(document: Any, path: str, addable: Collection[str] = ()) -> Found:
    """Return where a path leads; the last field of a path in ``addable`` may be missing.

    Raises ``PermanentError`` that names the path and what exists at the place where it ends.
    """
    steps = _parsed(path)
    place, node, left = _start(document, path, steps)
    for number, step in enumerate(left):
        if step.is_entry:
            position = _position(node, step, place, path)
            place, node = (*place, position), node[position]
            continue
        if not isinstance(node, dict) or step.text not in node:
            if isinstance(node, dict) and number == len(left) - 1 and path in addable:
                return Found((*place, step.text), None, is_new=True)
            raise _absent(path, place, node)
        place, node = (*place, step.text), node[step.text]
    return Found(place, node)


def put(document: Any, place: Place, value: Any) -> None:
    """Set the value at a place. Raises ``LookupError`` or ``TypeError`` where the document has no such place."""
    node = document
    for key in place[:-1]:
        node = node[key]
    if isinstance(node, list) and not 0 <= int(place[-1]) < len(node):
        raise LookupError(written(place))
    node[place[-1]] = value


def written(place: Place) -> str:
    """Write a place as a path."""
    return (
        "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(
            "."
        )
        or "the record"
    )


def _parsed(path: str) -> list[_Step]:
    steps: list[_Step] = []
    end = 0
    for match in _TOKEN.finditer(path):
        is_entry = match["entry"] is not None
        joined = match["dot"] is None if is_entry or not steps else match["dot"] is not None
        if match.start() != end or not joined:
            break
        steps.append(_Step(match["entry"] if is_entry else match["name"], is_entry))
        end = match.end()
    if not steps or end != len(path):
        raise PermanentError(
            f"{path!r} is not a path; write it as a rejection's field shows it, such as consignments.shipping[0].zip"
        )
    return steps


def _start(document: Any, path: str, steps: list[_Step]) -> tuple[Place, Any, list[_Step]]:
    """Return from where the path goes: the root, the one part of it that knows the first name, or an entry with the path's id."""
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
            return (*found[0],), _at(document, found[0]), steps[2:]
    parts = [key for key, part in document.items() if isinstance(part, dict) and len(document) <= 3]
    home: Place = (parts[0],) if len(parts) == 1 else ()
    raise _absent(path, home, _at(document, home))


def _position(node: Any, step: _Step, place: Place, path: str) -> int:
    if not isinstance(node, list):
        raise _absent(path, place, node)
    text = step.text.lstrip("#=")
    by_place = (
        int(text)
        if text.isdecimal() and len(text) < 10 and int(text) < len(node) and step.text[0] != "="
        else None
    )
    owner = str(place[-1]) if place else ""
    by_id = [
        i for i, entry in enumerate(node) if step.text[0] != "#" and _has_id(entry, text, owner)
    ]
    candidates = set(by_id) | ({by_place} if by_place is not None else set())
    if len(candidates) > 1:
        raise PermanentError(
            f"{path!r} is not clear: write [#{text}] for the place in the list, counted from 0, or [={text}] for the id"
        )
    if not candidates:
        raise _absent(path, place, node)
    return candidates.pop()


def _has_id(entry: Any, text: str, owner: str = "") -> bool:
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
    for key in place:
        document = document[key]
    return document


def _absent(path: str, place: Place, node: Any) -> PermanentError:
    if isinstance(node, dict):
        names = sorted(node)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        there = f"has {', '.join(names[:_SHOWN])}{more}" if names else "is empty"
    elif isinstance(node, list):
        there = (
            f"is a list of {len(node)}; name an entry by its place, from [0] on, or by its id"
            if node
            else "is an empty list"
        )
    else:
        there = "is a single value"
    return PermanentError(f"There is no {path!r} in the captured record: {written(place)} {there}.")
