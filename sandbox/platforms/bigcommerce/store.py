"""A simulated BigCommerce store, written from the vendor's OpenAPI files and documentation.

It is never derived from our client. It is mounted at ``/bigcommerce/{store_hash}``, which replaces
``https://api.bigcommerce.com`` in a client's base URL. What the vendor leaves open is decided as
follows: bounds are inclusive, archived orders are listed only with ``is_deleted=true``, every
change bumps ``date_modified``, any status may follow any, and an inventory batch with one bad item
is refused as a whole.
"""

from __future__ import annotations

import time
from collections import Counter
from email.utils import formatdate
from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce import documents
from sandbox.platforms.bigcommerce.book import OrderBook, Record
from sandbox.platforms.bigcommerce.catalog import Catalog
from sandbox.platforms.bigcommerce.catalog_api import CatalogApi
from sandbox.platforms.bigcommerce.channels import Channels
from sandbox.platforms.bigcommerce.control import Control
from sandbox.platforms.bigcommerce.customers import Customers
from sandbox.platforms.bigcommerce.inventory import InventoryApi, complete_location
from sandbox.platforms.bigcommerce.orders import OrdersApi
from sandbox.platforms.bigcommerce.paging import envelope
from sandbox.platforms.bigcommerce.persistence import dump_store, load_store
from sandbox.platforms.bigcommerce.prices import Prices
from sandbox.platforms.bigcommerce.ratelimit import RateLimit
from sandbox.platforms.bigcommerce.refunds import RefundsApi
from sandbox.platforms.bigcommerce.rendering import Links, compression_sample
from sandbox.platforms.bigcommerce.replies import error, json_reply, v3_error
from sandbox.platforms.bigcommerce.scopes import EVERY, lacking
from sandbox.platforms.bigcommerce.statuses import PLACED
from sandbox.platforms.bigcommerce.stock import Stock
from sandbox.platforms.bigcommerce.storeinfo import store_information
from sandbox.platforms.bigcommerce.webhooks import Webhooks
from sandbox.system import Request, Response

Json = dict[str, Any]


class BigCommerceStore:
    """One store: orders, catalog, stock, quota, and a log of effects."""

    kind = "bigcommerce"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.links = Links(instance)
        self.token, self.scopes = f"sandbox-token-{instance}", frozenset(EVERY)
        self.deduct_stock_on_order = False
        self.refunds_declined, self.refunds_online = False, True
        self.clock_offset_s = 0.0
        self.limit = RateLimit()
        self.ids = documents.Ids()
        self.requests: Counter[str] = Counter()
        self.shipment_log: list[bytes] = []
        self.status_log: list[bytes] = []
        self.refund_log: list[bytes] = []
        self.catalog = Catalog()
        self.prices = Prices(self.catalog, self.now)
        self.channels = Channels(self.now)
        self.webhooks = Webhooks(instance, self.now)
        self.customers = Customers(self.now, self.webhooks.emit)
        self.build(OrderBook(self.links, compression_sample(self.links)))
        self.stock.locations[1] = complete_location(
            {"code": "BCLOC", "label": "Default location"}, 1, self.now()
        )

    def build(self, book: OrderBook) -> None:
        """Create the parts; stock starts empty."""
        self.book = book
        self.stock = Stock(self.catalog)
        self.orders = OrdersApi(self)
        self.refunds = RefundsApi(self)
        self.inventory = InventoryApi(self.stock, self.now_exact)
        self.catalog_api = CatalogApi(self.catalog, self.stock.catalog_level, self.now)
        self.controls = Control(self)

    def now_exact(self) -> float:
        """Return the store's time in seconds since 1970: real time plus the configured offset."""
        return time.time() + self.clock_offset_s

    def now(self) -> int:
        """Return the store's time in whole seconds."""
        return int(self.now_exact())

    def handle(self, request: Request) -> Response:
        """Answer a call of the management API, with rate-limit headers and the store's own date."""
        response = self._answer(request)
        response.headers.update(self.limit.headers())
        response.headers["Date"] = formatdate(self.now(), usegmt=True)
        return response

    def _answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        if len(parts) < 4 or parts[0] != "stores" or parts[2] not in ("v2", "v3"):
            return error("v3", 404, "The requested resource was not found.")
        version, family, rest = parts[2], parts[3], parts[4:]
        self.requests[_family(request.method, version, family, rest)] += 1
        if parts[1] != self.instance or request.headers.get("x-auth-token") != self.token:
            self.requests["unauthorized"] += 1
            return _unauthorized(version)
        if not self.limit.take():
            refused = error(version, 429, "Too many requests: the quota of this window is used up.")
            refused.headers["X-Retry-After"] = str(self.limit.retry_after())
            return refused
        if scope := lacking(self.scopes, request.method, version, family, rest):
            return error(
                version, 403, f"You don't have a required scope to access the endpoint: {scope}"
            )
        try:
            return self._route(version, family, rest, request)
        except Refused as refusal:
            return refusal.response

    def _route(self, version: str, family: str, rest: list[str], request: Request) -> Response:
        match version, family, rest:
            case "v2", "orders", _:
                return self.orders.handle(rest, request)
            case "v2", "order_statuses", _:
                return self.orders.statuses(rest)
            case "v2", "time", []:
                return json_reply({"time": self.now()})
            case "v2", "store", []:
                return json_reply(store_information(self.instance))
            case "v3", "orders", [number, "transactions"] if number.isdigit():
                return self._transactions(int(number), request)
            case "v3", "customers", _:
                return self.customers.handle(rest, request)
            case "v3", "orders", [*_, "payment_actions", _] | ["payment_actions", *_]:
                return self.refunds.handle(rest, request)
            case "v3", "hooks", _:
                return self.webhooks.handle(rest, request)
            case "v3", "channels", _:
                return self.channels.handle(rest, request)
            case "v3", "inventory", _:
                return self.inventory.handle(rest, request)
            case "v3", "pricelists", _:
                return self.prices.handle(rest, request)
            case "v3", "catalog", ["products"] if request.method == "PUT":
                return self.prices.update_products(request)
            case "v3", "catalog", ["variants"] if request.method == "PUT":
                return self.prices.update_variants(request)
            case "v3", "catalog", _:
                self.stock.settle(self.now_exact())
                return self.catalog_api.handle(rest, request)
        return error(version, 404, "The requested resource was not found.")

    def _transactions(self, number: int, request: Request) -> Response:
        document = self.book.load(number)
        if document is None:
            return v3_error(404, f"Order {number} was not found.")
        found = document["transactions"]
        return (
            envelope(found, len(found), 1, max(50, len(found)), request.query)
            if found
            else Response(204)
        )

    def control(self, request: Request) -> Response:
        """Answer a control call (control.py)."""
        return self.controls.handle(request)

    def place(self, given: list[Json]) -> list[int]:
        """Place new orders and return their ids; all of them or, if one is invalid, none."""
        last = dict(self.ids.last)
        try:
            made = [documents.complete(document, self.ids, self.now()) for document in given]
        except Exception:
            self.ids.last = last
            raise
        numbers = [document["order"]["id"] for document in made]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two of the orders have the same id")
        self.book.add(made, self.now())
        for number in numbers:
            self.webhooks.emit("store/order/created", {"type": "order", "id": number})
        for document in made if self.deduct_stock_on_order else ():
            if document["order"]["status_id"] in PLACED:
                for line in document["products"]:
                    self.stock.deduct(line["sku"], line["variant_id"], line["quantity"])
        return numbers

    def keep(self, document: Json, dated: int | None = None) -> None:
        """Store a changed order, date it (by default now) and log a change of status."""
        now = self.now() if dated is None else dated
        record = self.book.records[document["order"]["id"]]
        status = document["order"]["status_id"]
        if status != record.status_id:
            change = {"order_id": record.id, "from": record.status_id, "to": status, "at": now}
            self.status_log.append(orjson.dumps(change))
        self.book.save(document, now)
        self._notify_change(record, status, is_deleted=document["order"]["is_deleted"])

    def _notify_change(self, before: Record, status: int, *, is_deleted: bool) -> None:
        """Send the webhooks of a changed order."""
        about = {"type": "order", "id": before.id}
        self.webhooks.emit("store/order/updated", about)
        if status != before.status_id:
            change = {"previous_status_id": before.status_id, "new_status_id": status}
            self.webhooks.emit("store/order/statusUpdated", about | {"status": change})
        if is_deleted and not before.is_deleted:
            self.webhooks.emit("store/order/archived", about)

    def ship(self, document: Json, shipment: Json) -> None:
        """Store an order with its new shipment, and log the shipment as an effect."""
        self.ids.take("shipment", shipment["id"])
        fields = (
            "order_id",
            "order_address_id",
            "tracking_number",
            "tracking_carrier",
            "shipping_provider",
            "shipping_method",
            "tracking_link",
            "items",
        )
        effect = (
            {"shipment_id": shipment["id"]}
            | {key: shipment[key] for key in fields}
            | {"at": self.now()}
        )
        self.shipment_log.append(orjson.dumps(effect))
        self.keep(document)
        self.notify_shipments("created", [shipment])

    def notify_shipments(self, event: str, shipments: list[Json]) -> None:
        """Send the webhooks of shipments that were created, updated or deleted."""
        for shipment in shipments:
            about = {"type": "shipment", "id": shipment["id"], "orderId": shipment["order_id"]}
            self.webhooks.emit(f"store/shipment/{event}", about)

    async def close(self) -> None:
        """Cancel pending webhooks."""
        await self.webhooks.courier.close()

    def snapshot(self) -> bytes:
        """Serialise the store."""
        return dump_store(self)

    def restore(self, state: bytes) -> None:
        """Restore what ``snapshot`` returned."""
        load_store(self, state)


def _family(method: str, version: str, family: str, rest: list[str]) -> str:
    """Return the endpoint of a call without ids, such as ``POST v2/orders/{id}/shipments``."""
    return " ".join(
        (
            method,
            "/".join((version, family, *("{id}" if part.isdigit() else part for part in rest))),
        )
    )


def _unauthorized(version: str) -> Response:
    title = (
        "Unauthorized - the v3 Auth client ID or token in the request "
        "are not a valid combination for this store."
    )
    return error(version, 401, title)
