"""A simulated commercetools project, written from the official OpenAPI and RAML files.

It is never derived from our client. It is mounted at ``/commercetools/{project}``, which stands for
both hosts: ``/oauth/token`` is the authorization host's, ``/{projectKey}/...`` the API's. What the
vendor leaves open is decided as follows: an update without a change keeps the version, all actions
of a call succeed or fail together, a second delivery with the same key is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from sandbox.kit.refused import Refused
from sandbox.platforms.commercetools.access import Access
from sandbox.platforms.commercetools.clock import Clock
from sandbox.platforms.commercetools.control import Control
from sandbox.platforms.commercetools.documents import new_id
from sandbox.platforms.commercetools.inventory import Inventory
from sandbox.platforms.commercetools.orders import Orders
from sandbox.platforms.commercetools.payments import Payments
from sandbox.platforms.commercetools.prices import Prices
from sandbox.platforms.commercetools.products import Products
from sandbox.platforms.commercetools.replies import (
    ODD,
    error,
    invalid_input,
    json_reply,
    parse_object,
    refuse,
)
from sandbox.platforms.commercetools.states import initial
from sandbox.platforms.commercetools.table import Table
from sandbox.system import Request, Response

Json = dict[str, Any]
READ_ONLY = (
    "customers", "carts", "channels", "stores", "product-projections", "product-types", "states",
    "categories",
)  # fmt: skip
CLIENT = {"clientId": "lockstep", "isPlatformClient": False}


class Project:
    """``sandbox.system.System`` for one project."""

    kind = "commercetools"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.clock, self.access = Clock(), Access(instance)
        self.has_messages = True
        self.reservations: Json = {}
        self.counts: Counter[str] = Counter()
        self._build()

    def _build(self) -> None:
        self.orders = Table("order", ("orderNumber",))
        self.payments, self.channels = Table("payment", ("key",)), Table("channel", ("key",))
        self.inventory, self.stores = Table("inventory-entry", ("key",)), Table("store", ("key",))
        self.products = Table("product", ("key",))
        self.catalogue = Table("product", ("key",))
        self.categories = Table("category", ("key",))
        self.product_types = Table("product-type", ("key",))
        self.customers = Table("customer", ("key",))
        self.states = Table("state", ("key",))
        self.messages, self.carts = Table("message"), Table("cart", ("key",))
        self.subscriptions = Table("subscription", ("key",))
        self.entries: dict[tuple[str, str], str] = {}
        self._sequences: Counter[str] = Counter()
        self._orders, self._inventory = Orders(self), Inventory(self)
        self.prices = Table("standalone-price", ("key",))
        self._payments, self._prices = Payments(self), Prices(self)
        self._products = Products(self)
        self._control = Control(self)
        self.states.put(initial(self))

    @property
    def tables(self) -> dict[str, Table]:
        """Return all tables by the path that lists them."""
        return {
            "orders": self.orders,
            "payments": self.payments,
            "customers": self.customers,
            "inventory": self.inventory,
            "channels": self.channels,
            "stores": self.stores,
            "states": self.states,
            "product-projections": self.products,
            "products": self.catalogue,
            "product-types": self.product_types,
            "categories": self.categories,
            "messages": self.messages,
            "carts": self.carts,
            "subscriptions": self.subscriptions,
            "standalone-prices": self.prices,
        }

    def handle(self, request: Request) -> Response:
        """Answer a call to either host, with the project's own date."""
        self.counts["requests"] += 1
        response = self._answer(request)
        response.headers["Date"] = self.clock.http()
        return response

    def _answer(self, request: Request) -> Response:
        if request.path == "/oauth/token" and request.method == "POST":
            return self.access.token(request)
        try:
            return self._route(request, request.path.strip("/").split("/"))
        except Refused as refusal:
            return refusal.response
        except (*ODD, RecursionError) as reason:
            what = type(reason).__name__
            return error(400, "InvalidInput", f"Request body does not contain valid JSON: {what}")

    def _route(self, request: Request, parts: list[str]) -> Response:
        resource = parts[1] if len(parts) > 1 else ""
        self.access.check(request, resource)
        if parts[0] != self.instance:
            raise refuse(404, "ResourceNotFound", f"No project '{parts[0]}'.")
        if not resource:
            return json_reply(self.settings())
        if resource == "orders":
            return self._orders.handle(request, parts[2:])
        if resource == "inventory":
            return self._inventory.handle(request, parts[2:])
        if resource == "payments":
            return self._payments.handle(request, parts[2:])
        if resource == "standalone-prices":
            return self._prices.handle(request, parts[2:])
        if resource == "products":
            return self._products.handle(request, parts[2:])
        if resource == "subscriptions":
            return self._subscriptions(request, parts[2:])
        if resource == "product-projections":
            return self._products.projections(request, parts[2:])
        if resource in READ_ONLY or resource == "messages":
            return self.read(request, self.tables[resource], parts[2:])
        raise refuse(404, "ResourceNotFound", "The Resource was not found.")

    def read(self, request: Request, table: Table, parts: list[str]) -> Response:
        """Answer a query of a table, or one of its resources."""
        if request.method != "GET" or len(parts) > 1:
            raise refuse(404, "ResourceNotFound", "The Resource was not found.")
        if not parts:
            return json_reply(table.query(request))
        return json_reply(table.named(parts[0]))

    def resource(
        self,
        request: Request,
        table: Table,
        parts: list[str],
        *,
        update: Callable[[Json, Json], Json],
        create: Callable[[Json], Json] | None = None,
    ) -> Response:
        """Answer the calls about a table whose resources are read, made and updated."""
        if request.method == "GET":
            return self.read(request, table, parts)
        if request.method == "POST" and not parts and create is not None:
            return json_reply(create(parse_object(request.body)), 201)
        if request.method == "POST" and len(parts) == 1:
            return json_reply(update(table.named(parts[0]), parse_object(request.body)))
        raise refuse(404, "ResourceNotFound", "The Resource was not found.")

    def _subscriptions(self, request: Request, parts: list[str]) -> Response:
        """Keep subscriptions, without sending anything; the queue is a test's own server."""
        table = self.subscriptions
        if request.method == "GET":
            return self.read(request, table, parts)
        if request.method == "DELETE" and len(parts) == 1:
            found = table.named(parts[0])
            table.remove(found["id"])
            return json_reply(found)
        if request.method != "POST" or parts:
            raise refuse(404, "ResourceNotFound", "The Resource was not found.")
        draft = parse_object(request.body)
        if not isinstance(draft.get("destination"), dict):
            raise invalid_input("Request body does not contain valid JSON: destination")
        kept = {n: draft.get(n) or [] for n in ("messages", "changes", "events")}
        made: Json = self.envelope() | {"destination": draft["destination"], "status": "Healthy"}
        made |= kept | {"format": draft.get("format") or {"type": "Platform"}}
        made |= {"key": draft["key"]} if draft.get("key") else {}
        table.put(made)
        return json_reply(made, 201)

    def settings(self) -> Json:
        """Return the project's own resource."""
        return {
            "key": self.instance,
            "name": f"Project {self.instance}",
            "version": 1,
            "countries": ["US", "DE"],
            "currencies": ["USD", "EUR"],
            "languages": ["en", "de"],
            "createdAt": "2020-01-01T00:00:00.000Z",
            "messages": {"enabled": self.has_messages, "deleteDaysAfterCreation": 15},
            "carts": {"deleteDaysAfterLastModification": 90},
            "inventory": {"releaseExpiredReservations": True, **self.reservations},
            "discounts": {"discountCombinationMode": "Stacking"},
        }

    def envelope(self) -> Json:
        """Return the fields of a new resource."""
        now = self.clock.now()
        return {"id": new_id(), "version": 1, "createdAt": now, "lastModifiedAt": now}

    def keep(
        self,
        table: Table,
        document: Json,
        messages: list[Json],
        *,
        is_new: bool = False,
        at: str | None = None,
    ) -> Json:
        """Store a created or changed resource, with its next version and its messages."""
        if not is_new:
            document["version"] += 1
            document["lastModifiedAt"] = at or self.clock.now()
            document["lastModifiedBy"] = dict(CLIENT)
        table.put(document)
        if table is self.inventory:
            channel = document.get("supplyChannel", {}).get("id", "")
            self.entries[document["sku"], channel] = document["id"]
        for message in messages:
            self.note(table.kind, document, message)
        return document

    def note(self, kind: str, document: Json, message: Json) -> None:
        """Record a message about a resource, where the project has them switched on."""
        if not self.has_messages:
            return
        self._sequences[document["id"]] += 1
        made = self.envelope() | {
            "sequenceNumber": self._sequences[document["id"]],
            "resource": {"typeId": kind, "id": document["id"]},
            "resourceVersion": document["version"],
        }
        if document.get("orderNumber"):
            made["resourceUserProvidedIdentifiers"] = {"orderNumber": document["orderNumber"]}
        self.messages.put(made | message)

    def count(self, what: str) -> None:
        """Count an effect."""
        self.counts[what] += 1

    def control(self, request: Request) -> Response:
        """Answer a control call."""
        return self._control.handle(request)

    async def close(self) -> None:
        """Do nothing: there is no background work."""

    def snapshot(self) -> bytes:
        """Serialise the project."""
        access = self.access
        state = {
            "tables": {name: table.state() for name, table in self.tables.items()},
            "entries": [[*key, identifier] for key, identifier in self.entries.items()],
            "sequences": dict(self._sequences),
            "counts": dict(self.counts),
            "messages": self.has_messages,
            "access": [access.client_id, access.client_secret, access.scopes, access.lifetime],
        }
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes) -> None:
        """Restore what ``snapshot`` returned; tokens have to be fetched again."""
        kept = msgspec.msgpack.decode(state)
        self._build()
        for name, rows in kept["tables"].items():
            self.tables[name].restore(rows)
        self.entries = {(sku, channel): found for sku, channel, found in kept["entries"]}
        self._sequences, self.counts = Counter(kept["sequences"]), Counter(kept["counts"])
        self.has_messages, access = kept["messages"], self.access
        access.client_id, access.client_secret, access.scopes, access.lifetime = kept["access"]
