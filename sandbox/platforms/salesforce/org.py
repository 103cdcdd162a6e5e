"""A simulated Salesforce org, written from platforms.md section 3 and the vendor's references.

It is never derived from our client. It is mounted at ``/salesforce/{org}``, which stands for the
My Domain and for the instance. What the vendor leaves open is decided as follows: a row that fails
in a collection fails the composite around it, and nothing of an all-or-none composite is kept.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.access import Access
from sandbox.platforms.salesforce.book import Book
from sandbox.platforms.salesforce.bulk import Bulk
from sandbox.platforms.salesforce.clock import Clock
from sandbox.platforms.salesforce.composite import Composites
from sandbox.platforms.salesforce.contents import delivered
from sandbox.platforms.salesforce.control import Control
from sandbox.platforms.salesforce.inventory import Inventory
from sandbox.platforms.salesforce.prices import standard
from sandbox.platforms.salesforce.query import Queries
from sandbox.platforms.salesforce.reads import Reads
from sandbox.platforms.salesforce.replies import ODD, RowRefused, error, json_reply, parsed, refuse
from sandbox.platforms.salesforce.schema import OBJECTS
from sandbox.platforms.salesforce.writes import Writes
from sandbox.system import Request, Response

Json = dict[str, Any]
VERSION = "v66.0"
DATA = f"/services/data/{VERSION}"
DAILY = 100_000
MAIN_LOCATION = "WAREHOUSE"
"""External reference of the location that each org has."""


class Org:
    """``sandbox.system.System`` for one org."""

    kind = "salesforce"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.clock = Clock()
        self.access = Access(instance, self.clock)
        self.counts: Counter[str] = Counter()
        self.daily, self.used = DAILY, 0
        self.locks: Counter[str] = Counter()
        """Id of a parent -> how many more writes of its children find it locked."""
        self._build()

    def _build(self) -> None:
        self.book = Book(self.clock)
        self.products: dict[str, str] = {}
        """SKU -> id."""
        self.queries = Queries(self.book, VERSION)
        self.reads = Reads(self, DATA)
        self.writes, self.inventory = Writes(self), Inventory(self)
        self.composites, self.bulk = Composites(self), Bulk(self)
        self._control = Control(self)
        self.queries.denied = self.access.denied
        self.locate(MAIN_LOCATION)
        standard(self.book)

    def handle(self, request: Request) -> Response:
        """Answer a call."""
        self.counts["requests"] += 1
        if request.path == "/services/oauth2/token" and request.method == "POST":
            answer = self.access.token(request)
            answer.headers["Date"] = self.clock.http()
            return answer
        try:
            self.access.check(request)
            self.used += 1
            response = self._limited(request)
        except Refused as refusal:
            response = refusal.response
        response.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.daily}"
        response.headers["Date"] = self.clock.http()
        return response

    def _limited(self, request: Request) -> Response:
        if self.used > self.daily:
            return error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return self.answer(request)

    def answer(self, request: Request) -> Response:
        """Answer a call that is allowed, or a part of a composite."""
        try:
            return self._route(request)
        except RowRefused as refusal:
            return refusal.response()
        except (*ODD, RecursionError) as reason:
            return error(400, "JSON_PARSER_ERROR", f"Unexpected value: {type(reason).__name__}")

    def _route(self, request: Request) -> Response:
        prefix, path = request.path[: len(DATA)], request.path[len(DATA) :]
        if prefix != DATA or not path.startswith("/"):
            raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
        query = request.query
        match request.method, path.strip("/").split("/"):
            case "GET", ["query" | "queryAll" as call]:
                text, options = query["q"][0], request.headers.get("sforce-query-options", "")
                found = self.queries.run(text, options, deleted=call == "queryAll")
                return json_reply(found)
            case "GET", ["query", locator]:
                return json_reply(self.queries.more(locator))
            case "GET", ["sobjects"]:
                return self.reads.described()
            case "GET", ["sobjects", name, "describe"]:
                return self.reads.describe(name)
            case "GET", ["limits"]:
                left = max(self.daily - self.used, 0)
                return json_reply({"DailyApiRequests": {"Max": self.daily, "Remaining": left}})
            case "POST", ["composite"]:
                return self.composites.answer(parsed(request.body), self.answer)
            case "POST" | "PATCH", ["composite", "sobjects"]:
                return self.writes.collection(parsed(request.body))
            case "DELETE", ["composite", "sobjects"]:
                ids = ",".join(request.query.get("ids", [])).split(",")
                is_whole = request.query.get("allOrNone") == ["true"]
                return self.writes.deletions(ids, is_whole=is_whole)
            case "POST", ["composite", "sobjects", name]:
                return self.reads.several(name, parsed(request.body))
            case "PATCH", ["composite", "sobjects", name, field]:
                return self.writes.collection(parsed(request.body), name, field)
            case _, ["jobs", kind, *rest]:
                return self.bulk.answer(request, kind, rest)
            case _, ["commerce", "oci", *rest]:
                return self._inventory(request, rest)
            case "GET", ["connect", "cms", "delivery", "channels", channel, "contents", "query"]:
                return json_reply(delivered(self.book, channel, request.query))
            case _, ["sobjects", name, *rest]:
                return self._record(request, name, rest)
        raise refuse(404, "NOT_FOUND", "The requested resource does not exist")

    def _inventory(self, request: Request, rest: list[str]) -> Response:
        """Answer a call of Omnichannel Inventory."""
        match request.method, rest:
            case "POST", ["availability-records", "actions", "batch-update"]:
                return self.inventory.update(parsed(request.body))
            case "POST", ["availability-records", "uploads"]:
                return self.inventory.upload(request)
            case "GET", ["availability-records", "uploads", upload]:
                return self.inventory.uploaded(upload)
            case "POST", ["availability", "availability-records", "actions", "get-availability"]:
                return self.inventory.availability(parsed(request.body))
        raise refuse(404, "NOT_FOUND", "The requested resource does not exist")

    def _record(self, request: Request, name: str, rest: list[str]) -> Response:
        values = parsed(request.body) if request.body else {}
        match request.method, rest:
            case "POST", []:
                return self.writes.create(name, values)
            case "PATCH", [identifier]:
                return self.writes.change(name, identifier, values)
            case "DELETE", [identifier]:
                return self.writes.delete(name, identifier)
            case "GET", [identifier]:
                return self.reads.one(name, identifier, request)
            case "GET", [field, value]:
                return self.reads.by_key(name, field, value)
            case "PATCH", [field, value]:
                update_only = request.query.get("updateOnly") == ["true"]
                return self.writes.upsert(name, field, value, values, update_only=update_only)
        raise refuse(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed.")

    def lock(self, name: str, values: Json) -> None:
        """Refuse a write while one of its parents is locked."""
        for reference in OBJECTS[name].parents:
            parent = values.get(reference)
            if parent and self.locks[parent] > 0:
                self.locks[parent] -= 1
                message = "unable to obtain exclusive access to this record or 1 records"
                raise RowRefused("UNABLE_TO_LOCK_ROW", f"{message}: {parent}")

    def locate(self, ExternalReference: str, Name: str = "") -> Json:  # noqa: N803 - its fields
        """Return a location of stock, which is made if it is missing."""
        for row in self.book.rows("Location"):
            if row["ExternalReference"] == ExternalReference:
                return row
        values = {"Name": Name or ExternalReference, "ExternalReference": ExternalReference}
        return self.book.put("Location", values | {"IsInventoryLocation": True})

    def control(self, request: Request) -> Response:
        """Answer a control call."""
        return self._control.handle(request)

    async def close(self) -> None:
        """Do nothing: there is no background work."""

    def snapshot(self) -> bytes:
        """Serialise the org."""
        access = self.access
        state = {
            "book": self.book.state(),
            "levels": self.inventory.state(),
            "counts": dict(self.counts),
            "access": [access.client_id, access.client_secret, access.public_key],
        }
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes) -> None:
        """Restore what ``snapshot`` returned; tokens have to be fetched again."""
        kept = msgspec.msgpack.decode(state)
        self._build()
        self.book.restore(kept["book"])
        self.products = {row["StockKeepingUnit"]: row["Id"] for row in self.book.rows("Product2")}
        self.inventory.restore(kept["levels"])
        self.counts = Counter(kept["counts"])
        access = self.access
        access.client_id, access.client_secret, *rest = kept["access"]
        access.public_key = rest[0] if rest else ""
