"""Answers queries: conditions, order, parents' fields, children, and pages by a locator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.salesforce.book import Book
from sandbox.platforms.salesforce.conditions import (
    _comparable,
    _compared,
    _comparisons,
    _id,
    _lowest,
    _sortable,
)
from sandbox.platforms.salesforce.replies import refuse
from sandbox.platforms.salesforce.schema import CHILDREN, OBJECTS
from sandbox.platforms.salesforce.soql import Comparison, Joined, Query, parse

Json = dict[str, Any]
MOST, LEAST = 2000, 200
"""Bounds of a page (``Sforce-Query-Options: batchSize``)."""
DEEPEST = 5
"""Levels of a query with its sub-queries, since version 58."""


@dataclass(slots=True)
class Cursor:
    """What is left of a result; ``batch`` rows come with each answer."""

    name: str
    query: Query
    ids: list[str]
    total: int
    batch: int
    served: int = 0


class Queries:
    """The queries of one org, and their open cursors."""

    def __init__(self, book: Book, version: str) -> None:
        self._book, self._version = book, version
        self._cursors: dict[str, Cursor] = {}
        self.page = MOST
        """The longest page; the vendor may send fewer rows than were asked for."""
        self.child_page = MOST
        self.denied: list[str] = []

    def run(self, text: str, options: str = "", *, deleted: bool = False) -> Json:
        """Answer a query."""
        query = parse(text)
        name = self._object(query.source)
        self._check(name, query, 1)
        rows = self._matching(name, query, deleted=deleted)
        if query.counts:
            return {"totalSize": len(list(rows)), "done": True, "records": []}
        found = self._sorted(name, query, rows)
        asked = re.search(r"batchSize=(\d+)", options)
        batch = min(self.page, max(LEAST, min(MOST, int(asked[1]))) if asked else MOST)
        return self._page(Cursor(name, query, [row["Id"] for row in found], len(found), batch))

    def more(self, locator: str) -> Json:
        """Answer the next page of a result."""
        identifier, _, start = locator.partition("-")
        cursor = self._cursors.get(identifier)
        if cursor is None or not start.isdigit():
            raise refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        cursor.served = int(start)
        return self._page(cursor, identifier)

    def forget(self) -> None:
        """Let all cursors expire."""
        self._cursors.clear()

    def _page(self, cursor: Cursor, locator: str = "") -> Json:
        rows = cursor.ids[cursor.served : cursor.served + cursor.batch]
        records = [self._shown(cursor.name, cursor.query, self._row(cursor.name, i)) for i in rows]
        cursor.served += len(rows)
        answer: Json = {"totalSize": cursor.total, "done": cursor.served >= len(cursor.ids)}
        if not answer["done"]:
            locator = locator or f"01gLk{len(self._cursors):010d}AAA"
            self._cursors[locator] = cursor
            path = f"/services/data/{self._version}/query/{locator}-{cursor.served}"
            answer["nextRecordsUrl"] = path
        return answer | {"records": records}

    def _row(self, name: str, identifier: str) -> Json:
        row = self._book.get(name, identifier)
        assert row is not None
        return row

    def _object(self, written: str) -> str:
        for name in OBJECTS:
            if name.upper() == written.upper() and name not in self.denied:
                return name
        message = f"sObject type '{written}' is not supported."
        raise refuse(400, "INVALID_TYPE", message)

    def _check(self, name: str, query: Query, level: int) -> None:
        """Refuse fields and relationships that the objects do not have."""
        if level > DEEPEST:
            raise refuse(400, "MALFORMED_QUERY", "too many levels of sub-queries")
        paths = [*query.paths, *(path for path, _ in query.order)]
        for path in [*paths, *(each.path for each in _comparisons(query.where))]:
            self._owner(name, path)
        for each in _comparisons(query.where):
            self._check_values(name, each)
        for child in query.children:
            self._check(self._child(name, child.source)[0], child, level + 1)

    def _owner(self, name: str, path: str) -> tuple[str, str]:
        """Return the object and the field that a path ends at."""
        *steps, field = path.split(".")
        for step in steps:
            parents = OBJECTS[name].parents.values()
            found = [parent.object for parent in parents if parent.name == step]
            if not found:
                raise _no_field(name, step)
            name = found[0]
        if field not in OBJECTS[name].fields or name in self.denied:
            raise _no_field(name, field)
        return name, field

    def _check_values(self, name: str, comparison: Comparison) -> None:
        owner, field = self._owner(name, comparison.path)
        wanted = OBJECTS[owner].type_of(field)
        for literal in comparison.values:
            kind = "string" if wanted == "id" else wanted
            if literal.kind not in (kind, "null"):
                message = (
                    f"value of filter criterion for field '{field}' must be of type {wanted}"
                    + ("" if kind == "string" else " and should not be enclosed in quotes")
                )
                raise refuse(400, "INVALID_FIELD", message)
            if wanted == "id" and literal.value and len(literal.value) not in (15, 18):
                message = f"invalid ID field: {literal.value}"
                raise refuse(400, "INVALID_QUERY_FILTER_OPERATOR", message)

    def _child(self, name: str, relationship: str) -> tuple[str, str]:
        found = CHILDREN.get((name, relationship))
        if found is None or found[0] in self.denied:
            message = (
                f"Didn't understand relationship '{relationship}' in FROM part of query call. If "
                "you are attempting to use a custom relationship, be sure to append the '__r'."
            )
            raise refuse(400, "INVALID_TYPE", message)
        return found

    def _matching(self, name: str, query: Query, *, deleted: bool) -> Iterator[Json]:
        ids = self._named(name, query.where)
        if ids is None:
            rows = self._book.since(name, _lowest(query.where), deleted=deleted)
        else:
            found = (self._book.get(name, each) for each in dict.fromkeys(ids))
            rows = (row for row in found if row is not None and (deleted or not row["IsDeleted"]))
        return (row for row in rows if query.where is None or self._holds(name, query.where, row))

    def _named(self, name: str, where: Comparison | Joined | None) -> list[str] | None:
        """Return the ids that a condition limits its records to, ``None`` if it names none."""
        if isinstance(where, Joined):
            found = [self._named(name, part) for part in where.parts] if where.word == "AND" else []
            return next((ids for ids in found if ids is not None), None)
        if where is None or where.sign not in ("=", "IN"):
            return None
        is_reference = where.path in OBJECTS[name].parents
        if where.path != "Id" and not is_reference:
            return None
        values = [_id(each.value) for each in where.values if each.value]
        if is_reference:
            return self._book.ids_of_children(name, where.path, values)
        return values

    def _sorted(self, name: str, query: Query, rows: Iterator[Json]) -> list[Json]:
        names = [path for path, descending in query.order if not descending]
        is_ordered = names in (["SystemModstamp"], ["SystemModstamp", "Id"])
        if is_ordered and query.limit is not None and self._named(name, query.where) is None:
            return [row for _, row in zip(range(query.limit), rows, strict=False)]
        found = list(rows)
        if not query.order:
            found.sort(key=lambda row: row["Id"])
        for path, descending in reversed(query.order):
            found.sort(key=lambda row: _sortable(self._value(name, path, row)), reverse=descending)
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]

    def _value(self, name: str, path: str, row: Json) -> Any:
        *steps, field = path.split(".")
        for step in steps:
            name, found = self._parent(name, step, row)
            if found is None:
                return None
            row = found
        return row[field]

    def _parent(self, name: str, step: str, row: Json) -> tuple[str, Json | None]:
        for reference, parent in OBJECTS[name].parents.items():
            if parent.name == step:
                identifier = row[reference]
                return parent.object, self._book.get(
                    parent.object, identifier
                ) if identifier else None
        raise _no_field(name, step)

    def _holds(self, name: str, where: Comparison | Joined, row: Json) -> bool:
        if isinstance(where, Joined):
            results = (self._holds(name, part, row) for part in where.parts)
            if where.word == "NOT":
                return not next(results)
            return all(results) if where.word == "AND" else any(results)
        value = self._value(name, where.path, row)
        wanted = [_comparable(each.kind, each.value) for each in where.values]
        if where.path.rpartition(".")[2] == "Id" or where.path in OBJECTS[name].parents:
            wanted = [_id(each) if each else each for each in wanted]
        return _compared(value, where.sign, wanted)

    def _shown(self, name: str, query: Query, row: Json) -> Json:
        url = f"/services/data/{self._version}/sobjects/{name}/{row['Id']}"
        shown: Json = {"attributes": {"type": name, "url": url}}
        for path in query.paths:
            self._show(name, path.split("."), row, shown)
        for child in query.children:
            shown[child.source] = self._children(name, child, row)
        return shown

    def _show(self, name: str, steps: list[str], row: Json, shown: Json) -> None:
        step, *rest = steps
        if not rest:
            shown[step] = row[step]
            return
        kind, parent = self._parent(name, step, row)
        if parent is None:
            shown[step] = None
            return
        url = f"/services/data/{self._version}/sobjects/{kind}/{parent['Id']}"
        inner = shown.setdefault(step, {"attributes": {"type": kind, "url": url}})
        self._show(kind, rest, parent, inner)

    def _children(self, name: str, child: Query, row: Json) -> Json | None:
        """Return a sub-query's result; one without rows is null."""
        kind, reference = self._child(name, child.source)
        rows = iter(self._book.children(kind, reference, row["Id"]))
        where = child.where
        kept = (each for each in rows if where is None or self._holds(kind, where, each))
        found = self._sorted(kind, child, kept)
        if not found:
            return None
        ids = [each["Id"] for each in found]
        return self._page(Cursor(kind, child, ids, len(ids), self.child_page))


def _no_field(name: str, field: str) -> Exception:
    message = f"No such column '{field}' on entity '{name}'. If you are attempting to use a custom "
    message += "field, be sure to append the '__c' after the custom field name."
    return refuse(400, "INVALID_FIELD", message)
