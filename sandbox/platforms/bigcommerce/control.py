"""Control calls of a store, ``/_sandbox/bigcommerce/{store_hash}/...``.

What a merchant and shoppers do, and what arrived at the store:

    POST  orders                  place orders: a JSON list (or one object, or NDJSON) of order
                                  documents, see below -> {"ids": [...], "existing": [...]}; an id
                                  that exists is left unchanged and listed in ``existing``
    PATCH orders/{id}             change an order as a merchant does: header fields,
                                  ``billing_address``, ``products`` by line id (quantity 0 removes,
                                  no id adds), ``shipping_addresses`` by id, ``fees`` as a whole;
                                  ``date_modified`` as given, else now
    POST  orders/{id}/status      {"status_id": n}
    ...   seed/...                the same: a seed's documents, which other stores take, too
    POST  orders/{id}/shipments/{id}/copy   duplicate a shipment
    POST  orders/{id}/transactions          add a transaction, or change the one with the given id
    POST  orders/{id}/refunds     {"lines": [{id, quantity}]}: paid by hand, without lines all that
                                  is left; {"declined": why}: their providers decline those made
    POST  orders/{id}/messages, orders/{id}/metafields   only their events; a metafield may have
                                  {id, event: created|updated|deleted}
    POST  customers               register customers, or change them by id: fields of
                                  customers.v3.yml, with ``addresses`` -> {"ids": [...]}
    POST  customers/{id}/addresses          add an address, or change the one with the given id
    DELETE customers/{id}, customers/{id}/addresses/{id}
    POST  catalog                 [{id?, sku, name, price, inventory_tracking: none|product|variant,
                                    variants?: [{id?, sku, price?}], brand_id?, categories?,
                                    images?, custom_fields?, date_modified?, ...}]
    DELETE catalog/{id}
    POST  brands, categories      [{id, name, parent_id?}]
    POST  pricelists              [{id?, name}]
    POST  prices                  [{sku, price, sale_price?, price_list?, currency?}]: set by hand;
                                  without a price list the catalog's, in USD
    POST  locations               [{id?, code, label, ...}]; location 1 (code BCLOC) exists; the
                                  lowest id is the default location
    POST  channels                [{id?, name, status, type, platform, ...}] as in channels.v3.yml;
                                  channel 1 exists
    POST  stock                   [{sku|variant_id|product_id, location_id, quantity}]: set levels
                                  without counting a write
    POST  settings                any of {token, scopes, quota, window_ms,
                                  deduct_stock_on_order, inventory_delay_ms, clock_offset_s,
                                  refunds_declined, refunds_online};
                                  ``scopes`` are those of the token (scopes.py)
    POST  hooks                   how webhooks are sent (sandbox/courier.py), any of {retries:
                                  [seconds], delay, duplicates, losses, seed, secret, switch_off:
                                  true} -> {"hooks": [...], "options": ..., "counts": ...}; {} only
                                  reports
    GET   hooks/acknowledged      the ids of the webhooks answered with 2xx
    GET   settings, counts, products   JSON
    GET   truth                   JSON: all orders and levels in the form of sandbox/kit/truth.py
    GET   effects/shipments, effects/status_changes, dump/orders, dump/shipments, dump/inventory
                                  NDJSON

An **order document** is BigCommerce's V2 order (``GET /v2/orders/{id}``; every field optional) plus
embedded lists::

    {"id": 1001, "status_id": 11, "date_created": "<RFC 2822 | ISO 8601 | epoch seconds>",
     "date_modified": ..., "customer_id": 0, "currency_code": "USD",
     "is_tax_inclusive_pricing": false, "billing_address": {..., "email": "jo@example.com"},
     "products": [{"sku": "A-1", "product_id": 111, "variant_id": 7, "name": "A", "quantity": 2,
                   "price_ex_tax": "10.00", "price_inc_tax": "11.00", "address_index": 0,
                   "pickup_index": null, "type": "physical",
                   "applied_discounts": [{"amount": "1.00", "code": "TEN", "target": "order"}]}],
     "shipping_addresses": [{"first_name": "Jo", ..., "country_iso2": "US",
                             "shipping_method": "Ground", "cost_ex_tax": 5, "cost_inc_tax": 5.5}],
     "pickups": [{"pickup_method_id": 1, "location": {"id": 1, "code": "STORE-1"}}],
     "downloads": {"recipient_email": "..."}, "gift_certificates": {"recipient_email": "..."},
     "coupons": [{"code": "TEN", "amount": 10, "type": 1, "discount": 1}],
     "taxes": [{"name": "VAT", "rate": "10", "line_amount": "2.00", "order_product_id": "12",
                "line_item_type": "item"}],
     "fees": [{"display_name_customer": "Fee", "cost_ex_tax": 1, "cost_inc_tax": 1.1}],
     "transactions": [{"event": "authorization", "method": "credit_card", "amount": 22,
                       "gateway": "stripe", "gateway_transaction_id": "ch_1"}]}

Given ids and dates are kept; missing ones are assigned. ``address_index``/``pickup_index`` assign a
line to the n-th address or pick-up (default: the first address; none for digital lines and gift
certificates); ``order_address_id`` together with an address's ``id`` does the same. Unknown fields
are refused.

Money may be a number or a string and is kept with four decimals. A text that is not an amount, or
not a date, is served unchanged and counts as nothing: dirt, as imports and plug-ins leave it; the
store's own API refuses such values. An order whose ``date_modified`` can't be read is listed by its
``date_created``, else by the time it was placed.

Missing totals are computed: line totals from unit price and quantity; the order's subtotal,
shipping, handling and wrapping from lines and addresses; total = their sum + fees -
``discount_amount`` - ``coupon_discount`` (set these two to discount the order;
``applied_discounts`` alone do not change its total).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.amend import amend
from sandbox.platforms.bigcommerce.inventory import complete_location
from sandbox.platforms.bigcommerce.merchant import Merchant
from sandbox.platforms.bigcommerce.replies import json_reply, ndjson_reply
from sandbox.platforms.bigcommerce.settings import configure, counts_of, settings_of
from sandbox.platforms.bigcommerce.shapes import ODD
from sandbox.platforms.bigcommerce.truth import dump_inventory, dump_order, truth_of
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.store import BigCommerceStore

Json = dict[str, Any]


class Control:
    """Answers the control calls of one store."""

    def __init__(self, store: BigCommerceStore) -> None:
        self.store = store

    def handle(self, request: Request) -> Response:
        """Answer a call; any error is a 400 with ``{"error": ...}``."""
        try:
            parts = request.path.strip("/").split("/")
            # The form of this store's orders is that of the seeds.
            return self._route(request.method, parts[parts[0] == "seed" :], request.body)
        except Refused as refusal:
            return json_reply({"error": refusal.response.body.decode()}, 400)
        except (*ODD, RecursionError) as reason:
            return json_reply({"error": f"{type(reason).__name__}: {reason}"}, 400)

    def _route(self, method: str, parts: list[str], body: bytes) -> Response:
        match method, parts:
            case "POST", ["orders"]:
                return json_reply(self._place(_entries(body)))
            case "PATCH", ["orders", number]:
                return self._change(int(number), orjson.loads(body))
            case "POST", ["orders", number, "status"]:
                return self._change(int(number), {"status_id": orjson.loads(body)["status_id"]})
            case "POST", ["orders", number, "shipments", shipment, "copy"]:
                return self._copy_shipment(int(number), int(shipment))
            case "POST", [
                "orders",
                number,
                ("transactions" | "refunds" | "messages" | "metafields") as name,
            ]:
                return json_reply(self._act(int(number), name, orjson.loads(body)))
            case (("POST" | "DELETE"), ["customers", *rest]):
                return json_reply(self._customers(method, rest, body))
            case _, [("catalog" | "brands" | "categories" | "pricelists" | "prices"), *_]:
                return json_reply(self._goods(method, parts, body))
            case "POST", ["locations"]:
                return json_reply({"ids": [self._add_location(entry) for entry in _entries(body)]})
            case "POST", ["channels"]:
                return json_reply(
                    {"ids": [self.store.channels.put(entry) for entry in _entries(body)]}
                )
            case "POST", ["stock"]:
                return json_reply({"set": self._set_stock(_entries(body))})
            case "POST", ["settings"]:
                configure(self.store, orjson.loads(body))
                return json_reply(settings_of(self.store))
            case "POST", ["hooks"]:
                return json_reply(self.store.webhooks.control(orjson.loads(body)))
            case "GET", _:
                return self._show("/".join(parts))
        return json_reply({"error": "no such control"}, 404)

    def _goods(self, method: str, parts: list[str], body: bytes) -> Json:
        """Set products, their brands and categories, and prices."""
        catalog, prices = self.store.catalog, self.store.prices
        match method, parts:
            case "POST", ["catalog"]:
                now = self.store.now()
                return {"ids": [catalog.put(entry, now) for entry in _entries(body)]}
            case "DELETE", ["catalog", number]:
                catalog.remove(int(number))
                return {}
            case "POST", [("brands" | "categories") as name]:
                entries = _entries(body)
                named = {int(entry["id"]): str(entry["name"]) for entry in entries}
                getattr(catalog, name).update(named)
                if name == "categories":
                    above = {int(one["id"]): int(one.get("parent_id") or 0) for one in entries}
                    catalog.parents |= {
                        number: parent for number, parent in above.items() if parent
                    }
                return {"ids": list(named)}
            case "POST", ["pricelists"]:
                return {"ids": [prices.put_list(entry) for entry in _entries(body)]}
            case "POST", ["prices"]:
                return {"set": prices.set_by_hand(_entries(body))}
        raise ValueError("no such control of products")

    def _show(self, name: str) -> Response:
        store = self.store
        store.stock.settle(store.now_exact())
        if name == "settings":
            return json_reply(settings_of(store))
        if name == "products":
            sold = store.catalog
            shown = {"products": sold.products, "variants": sold.variants}
            return json_reply({name: list(rows.values()) for name, rows in shown.items()})
        if name == "counts":
            return json_reply(counts_of(store))
        if name == "hooks/acknowledged":
            return json_reply(list(store.webhooks.courier.acknowledged))
        if name == "effects/shipments":
            return ndjson_reply(store.shipment_log)
        if name == "effects/status_changes":
            return ndjson_reply(store.status_log)
        if name == "dump/orders":
            return ndjson_reply([dump_order(store, number) for number in store.book.by_id])
        if name == "dump/shipments":
            return ndjson_reply([orjson.dumps(shipment) for shipment in self._shipments()])
        if name == "truth":
            return json_reply(truth_of(store))
        if name == "dump/inventory":
            return ndjson_reply(dump_inventory(store))
        return json_reply({"error": "no such control"}, 404)

    def _shipments(self) -> Iterator[Json]:
        """Yield the current shipments; ``effects/shipments`` also has the deleted ones."""
        for number in self.store.book.by_id:
            document = self.store.book.load(number)
            if document is not None:
                yield from document["shipments"]

    def _place(self, documents: list[Json]) -> Json:
        existing = [
            document["id"]
            for document in documents
            if document.get("id") in self.store.book.records
        ]
        fresh = [
            document for document in documents if document.get("id") not in self.store.book.records
        ]
        return {"ids": self.store.place(fresh), "existing": existing}

    def _change(self, number: int, change: Json) -> Response:
        document = self.store.book.load(number)
        if document is None:
            return json_reply({"error": f"no order {number}"}, 404)
        dated = change.pop("date_modified", None)
        amend(document, change, self.store.ids, clear_discounts=False)
        self.store.keep(document, None if dated is None else int(dates.to_epoch(dated)))
        return json_reply(document)

    def _act(self, number: int, name: str, body: Json) -> Json:
        document = self.store.book.load(number)
        if document is None:
            raise ValueError(f"no order {number}")
        return Merchant(self.store).act(document, name, body)

    def _customers(self, method: str, rest: list[str], body: bytes) -> Json:
        customers = self.store.customers
        match method, rest:
            case "POST", []:
                return {"ids": [customers.put(entry) for entry in _entries(body)]}
            case "POST", [number, "addresses"]:
                return {"id": customers.put_address(int(number), orjson.loads(body))}
            case "DELETE", [number, "addresses", identity]:
                customers.remove_address(int(number), int(identity))
            case "DELETE", [number]:
                customers.remove(int(number))
            case _:
                raise ValueError("no such control of customers")
        return {}

    def _copy_shipment(self, number: int, shipment_id: int) -> Response:
        """Duplicate a shipment, bypassing the API's rules, as a bad import does."""
        document = self.store.book.load(number)
        known = {entry["id"]: entry for entry in document["shipments"]} if document else {}
        if document is None or shipment_id not in known:
            return json_reply({"error": f"no shipment {shipment_id} of order {number}"}, 404)
        copy = known[shipment_id] | {"id": self.store.ids.take("shipment")}
        document["shipments"].append(copy)
        self.store.keep(document)
        return json_reply({"id": copy["id"]})

    def _add_location(self, given: Json) -> int:
        number = int(given.get("id") or max(self.store.stock.locations, default=0) + 1)
        self.store.stock.locations[number] = complete_location(given, number, self.store.now())
        return number

    def _set_stock(self, entries: list[Json]) -> int:
        for entry in entries:
            self.store.stock.put(entry, entry["location_id"], int(entry["quantity"]))
        return len(entries)


def _entries(body: bytes) -> list[Json]:
    """Parse a JSON list, one JSON object, or NDJSON."""
    text = body.strip()
    if text.startswith(b"["):
        entries: list[Json] = orjson.loads(text)
        return entries
    return [orjson.loads(line) for line in text.splitlines() if line.strip()]
