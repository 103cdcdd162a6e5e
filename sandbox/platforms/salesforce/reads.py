"""Reads of single records, of several by id, and descriptions of objects.

Source: platforms.md 3.5; resources-sobject-rows and resources-composite-sobjects-collections of the
vendor's REST reference. An external id that several records have is answered 300 with their paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.platforms.salesforce.replies import RowRefused, json_reply, refuse
from sandbox.platforms.salesforce.schema import OBJECTS
from sandbox.platforms.salesforce.sobject import SYSTEM
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST_READ = 2_000
MISSING = "The requested resource does not exist"


class Reads:
    """The reads of one org that are not queries."""

    def __init__(self, org: Org, data: str) -> None:
        self._org, self._data = org, data

    def one(self, name: str, identifier: str, request: Request) -> Response:
        """Answer ``GET /sobjects/{name}/{id}``, with all fields or those of ``fields``."""
        row = self._org.book.get(self._known(name), identifier)
        if row is None:
            raise RowRefused("NOT_FOUND", MISSING, status=404)
        if row["IsDeleted"]:
            raise RowRefused("ENTITY_IS_DELETED", "entity is deleted", status=404)
        asked = ",".join(request.query.get("fields", []))
        return json_reply(self._shown(name, row, asked.split(",") if asked else []))

    def by_key(self, name: str, field: str, value: str) -> Response:
        """Answer ``GET /sobjects/{name}/{field}/{value}``."""
        found = self._org.book.by_key(self._known(name), field, value)
        if not found:
            raise RowRefused("NOT_FOUND", MISSING, status=404)
        return self.several_found(name, found) or json_reply(self._shown(name, found[0], []))

    def several_found(self, name: str, found: list[Json]) -> Response | None:
        """Return the answer where an external id is of more than one record."""
        if len(found) < 2:
            return None
        return json_reply([f"{self._data}/sobjects/{name}/{row['Id']}" for row in found], 300)

    def several(self, name: str, body: Json) -> Response:
        """Answer ``POST /composite/sobjects/{name}``: a record for each id, or null."""
        ids, fields = body["ids"], body["fields"]
        if len(ids) > MOST_READ:
            message = f"record limit reached. cannot submit more than {MOST_READ} records"
            raise refuse(400, "EXCEEDED_ID_LIMIT", message)
        rows = (self._org.book.get(self._known(name), each) for each in ids)
        shown = [
            None if row is None or row["IsDeleted"] else self._shown(name, row, fields)
            for row in rows
        ]
        return json_reply(shown)

    def described(self) -> Response:
        """Answer ``GET /sobjects``."""
        names = [name for name in OBJECTS if name not in self._org.access.denied]
        return json_reply(
            {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list(map(_summary, names))}
        )

    def describe(self, name: str) -> Response:
        """Answer ``GET /sobjects/{name}/describe``."""
        kind = OBJECTS[self._known(name)]
        fields = list[Json]()
        for each in sorted(kind.fields):
            is_open = each not in SYSTEM and each != "Id" and each not in kind.read_only
            field: Json = {"name": each, "type": kind.type_of(each)}
            field |= {"createable": is_open, "updateable": is_open}
            is_key = each in kind.external_ids
            fields.append(field | {"externalId": is_key, "unique": is_key})
        return json_reply(_summary(name) | {"fields": fields})

    def _known(self, name: str) -> str:
        if name not in OBJECTS or name in self._org.access.denied:
            raise RowRefused("NOT_FOUND", MISSING, status=404)
        return name

    def _shown(self, name: str, row: Json, fields: list[str]) -> Json:
        unknown = [field for field in fields if field not in OBJECTS[name].fields]
        if unknown:
            message = f"No such column '{unknown[0]}' on sobject of type {name}"
            raise RowRefused("INVALID_FIELD", message, *unknown)
        chosen = {"Id": row["Id"]} | {field: row[field] for field in fields} if fields else row
        url = f"{self._data}/sobjects/{name}/{row['Id']}"
        return {"attributes": {"type": name, "url": url}} | chosen


def _summary(name: str) -> Json:
    rights = {"createable": True, "updateable": True, "queryable": True}
    return {"name": name, "keyPrefix": OBJECTS[name].prefix} | rights
