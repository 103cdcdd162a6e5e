"""One kind of resource: documents by id, their order by time of change, queries and pages.

Documents are kept as JSON, so that a hundred thousand orders fit into memory. The order by
(``lastModifiedAt``, ``id``) is an index: a keyset query reads no more documents than it returns.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from sandbox.platforms.commercetools.predicates import Predicate
from sandbox.platforms.commercetools.replies import invalid_input, not_found
from sandbox.system import Request

Json = dict[str, Any]
Key = tuple[str, str]
LIMIT, MOST, DEEPEST, COUNTED = 20, 500, 10_000, 10_000
"""Default page, longest page, highest offset, highest ``total`` (platforms.md 2.3)."""


class Table:
    """All resources of one type."""

    def __init__(self, kind: str, keys: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self._rows: dict[str, bytes] = {}
        self._stamps: dict[str, str] = {}
        self._order: list[Key] = []
        self._keys: dict[str, dict[str, str]] = {name: {} for name in keys}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Json]:
        for row in list(self._rows.values()):
            yield orjson.loads(row)

    def get(self, identifier: str) -> Json | None:
        """Return a resource."""
        row = self._rows.get(identifier)
        return None if row is None else orjson.loads(row)

    def find(self, name: str, value: str) -> Json | None:
        """Return the resource with a unique field (``key``, ``orderNumber``)."""
        identifier = self._keys[name].get(value)
        return None if identifier is None else self.get(identifier)

    def need(self, identifier: str, name: str = "id") -> Json:
        """Return a resource, or refuse with 404."""
        found = self.get(identifier) if name == "id" else self.find(name, identifier)
        if found is None:
            raise not_found(f"{'ID' if name == 'id' else name} '{identifier}'")
        return found

    def named(self, part: str) -> Json:
        """Return the resource that a part of a path names, by its id or as ``key=...``."""
        name, _, value = part.rpartition("=")
        return self.need(value, name or "id")

    def put(self, document: Json) -> None:
        """Store a new or changed resource."""
        identifier, stamp = document["id"], document["lastModifiedAt"]
        self.remove(identifier)
        self._rows[identifier], self._stamps[identifier] = orjson.dumps(document), stamp
        insort(self._order, (stamp, identifier))
        for name, index in self._keys.items():
            if (value := document.get(name)) is not None:
                index[value] = identifier

    def remove(self, identifier: str) -> None:
        """Forget a resource, if it is there."""
        old = self.get(identifier)
        if old is None:
            return
        for name, index in self._keys.items():
            if old.get(name) is not None:
                index.pop(old[name], None)
        del self._order[bisect_left(self._order, (self._stamps.pop(identifier), identifier))]
        del self._rows[identifier]

    def query(self, request: Request) -> Json:
        """Answer a query: ``where``, ``sort``, ``limit``, ``offset``, ``withTotal``."""
        query = request.query
        limit, offset = _number(query, "limit", LIMIT, MOST), _number(query, "offset", 0, DEEPEST)
        variables = {n[4:]: v[-1] for n, v in query.items() if n.startswith("var.")}
        tests = [Predicate(text, variables) for text in query.get("where", ())]
        counts = query.get("withTotal", ["true"])[-1] != "false"
        found: list[Json] = []
        number = 0
        for document in self._sorted(query.get("sort", []), tests):
            if all(test.matches(document) for test in tests):
                number += 1
                if offset < number <= offset + limit:
                    found.append(document)
                elif number > offset + limit and (not counts or number >= COUNTED):
                    break
        answer: Json = {"limit": limit, "offset": offset, "count": len(found), "results": found}
        return answer | ({"total": number} if counts else {})

    def _sorted(self, sorts: list[str], tests: list[Predicate]) -> Iterator[Json]:
        keys = [_sort_of(text) for text in sorts]
        if keys in ([("lastModifiedAt", False)], [("lastModifiedAt", False), ("id", False)]):
            yield from self._from_index(tests)
            return
        documents = list(self)
        for path, descending in reversed(keys or [("id", False)]):
            documents.sort(key=partial(_sortable, path), reverse=descending)
        yield from documents

    def _from_index(self, tests: list[Predicate]) -> Iterator[Json]:
        bounds = [b for test in tests for b in test.bounds if b[0] == "lastModifiedAt"]
        first = max((v for _, sign, v in bounds if sign in (">", ">=", "=")), default="")
        last = min((v for _, sign, v in bounds if sign in ("<", "<=", "=")), default="\uffff")
        for stamp, identifier in self._order[bisect_left(self._order, (first, "")) :]:
            if stamp > last:
                return
            yield orjson.loads(self._rows[identifier])

    def state(self) -> list[bytes]:
        """Return all resources as JSON."""
        return list(self._rows.values())

    def restore(self, rows: list[bytes]) -> None:
        """Restore what ``state`` returned."""
        for row in rows:
            self.put(orjson.loads(row))


def _number(query: dict[str, list[str]], name: str, default: int, highest: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not text.isdigit() or int(text) > highest:
        raise invalid_input(f"Malformed parameter: {name}: must be between 0 and {highest}.")
    return int(text)


def _sort_of(text: str) -> tuple[str, bool]:
    path, _, direction = text.strip().partition(" ")
    if direction.strip() not in ("", "asc", "desc") or not path:
        raise invalid_input(f"Malformed parameter: sort: {text!r}")
    return path, direction.strip() == "desc"


def _sortable(path: str, document: Json) -> tuple[int, Any]:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return (0, "") if value is None else (1, value)
