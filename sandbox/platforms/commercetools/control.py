"""Control calls of a project, ``/_sandbox/commercetools/{project}/...``.

What a merchant and shoppers do, and what arrived at the store:

    POST  orders                place orders: a JSON list of order documents (the vendor's, with the
                                shorthand of documents.py; ``payments`` are created and referred to)
                                -> {"ids": [...], "existing": [...]}
    POST  place                 place neutral orders: [{number, at, email, currency, lines: [{sku,
                                quantity, price}], shipping: {method, price}, address: {...}}]
    PATCH orders/{id}           change an order as a merchant does: fields by name; ``custom`` adds
                                to the custom fields
    POST  orders/{id}/state     any of {orderState, shipmentState, paymentState}
    POST  orders/{id}/workflow  {"state": key, "sku" | "slug"?, "quantity"?}: move units of an item,
                                or the order, to a state of a workflow
    POST  orders/{id}/touch     change nothing but version and time, or {"at": time}
    ...   seed/...              the same of a seed's documents, which have one form for all stores:
                                POST seed/{orders, catalog, customers, locations}, PATCH
                                seed/orders/{id}, POST seed/orders/{id}/status {status_id}
    POST  customers             register customers, or change them by id: the vendor's fields, and
                                ``at`` -> {"ids": [...]}; DELETE customers/{id}
    POST  catalog               [{sku, name?, priceMode?, lastModifiedAt?} | {key?, variants}], by
                                hand: a product with the id of another replaces it; ``staged`` (data
                                that differ), ``published``, ``productType`` (its key); DELETE
                                catalog/{id}, GET catalog
    POST  product-types         [{key, attributes: [{name, type: text | ltext, level?}]}]
    POST  states                [{key, type?, name?, transitions?: [key]}]
    POST  categories            [{id?, key?, name, parent?: id}]; a text is the name in English
    POST  channels              [{key, roles?}]; POST stores [{key}]; DELETE orders/{id}
    POST  stock                 [{sku, channel?: key, quantity, reserved?}]: set levels without
                                counting a write; ``quantity`` is on stock, ``reserved`` of it;
                                a quantity of null deletes the entry
    POST  carts                 [{lineItems: [{sku, quantity, channel?: key}]}]: carts that reserve
                                -> {"ids": [...]}; carts/{id}/order, carts/{id}/expire
    POST  prices                [{sku, currency, cents, country?, channel?: key}]: set by hand
    POST  payments/settle       {"state": "Success" | "Failure" | "Pending", "renamed"?: true}:
                                decide all open refunds as a payment service -> {"settled": n}
    POST  orders/{id}/refunds   {"amount"?, "lines"?: [{id, quantity}]}: a refund that the merchant
                                makes by hand, and a return of the lines
    POST  settings              any of {client_secret, scopes, lifetime, messages, clock_offset_s,
                                reservation_minutes}
    POST  expire                forget all tokens
    GET   counts                JSON
    GET   truth                 what the store holds, neutrally (sandbox/kit/truth.py)
    GET   dump/orders           NDJSON, whole documents
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.commercetools import payments
from sandbox.platforms.commercetools.carts import expire_cart, order_cart, put_carts
from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.customers import delete_customer, put_customers
from sandbox.platforms.commercetools.documents import complete, new_id
from sandbox.platforms.commercetools.money import money
from sandbox.platforms.commercetools.neutral_orders import neutral
from sandbox.platforms.commercetools.orders import STATES
from sandbox.platforms.commercetools.prices import Prices
from sandbox.platforms.commercetools.products import Products, listed
from sandbox.platforms.commercetools.replies import ODD, json_reply, ndjson_reply
from sandbox.platforms.commercetools.seed_orders import (
    change_of,
    customers_of,
    order_of,
    products_of,
)
from sandbox.platforms.commercetools.states import by_hand, put_states
from sandbox.platforms.commercetools.truth import truth_of
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
FIRST_NUMBER = 5_000_001
"""Of orders that a seed leaves without one."""


class Control:
    """Answers the control calls of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lists: dict[str, Callable[[list[Json]], Json]] = {
            "orders": self._place,
            "place": lambda rows: self._place([neutral(row) for row in rows]),
            "catalog": self._catalog,
            "product-types": lambda rows: Products(self._project).put_types(rows),
            "categories": lambda rows: Products(self._project).put_categories(rows),
            "channels": self._channels,
            "stores": self._stores,
            "states": lambda rows: put_states(self._project, rows),
            "stock": self._stock,
            "customers": lambda rows: put_customers(self._project, rows),
            "carts": lambda rows: put_carts(self._project, rows),
            "prices": lambda rows: {"set": Prices(self._project).set_by_hand(rows)},
        }

    def handle(self, request: Request) -> Response:
        """Answer a call; any error is a 400 with ``{"error": ...}``."""
        try:
            return self._route(request, request.path.strip("/").split("/"))
        except Refused as refusal:
            return json_reply({"error": refusal.response.body.decode()}, 400)
        except (*ODD, RecursionError) as reason:
            return json_reply({"error": f"{type(reason).__name__}: {reason}"}, 400)

    def _route(self, request: Request, parts: list[str]) -> Response:
        body = orjson.loads(request.body) if request.body.strip() else {}
        match request.method, parts:
            case "POST", [name] if name in self._lists:
                rows = body if isinstance(body, list) else [body]
                return json_reply(self._lists[name](rows))
            case _, ["seed", *rest]:
                return json_reply(self._seed(request.method, rest, body))
            case "PATCH", ["orders", identifier]:
                return json_reply(self._change(identifier, body))
            case "POST", ["orders", identifier, "state"]:
                changes = {name: body[name] for name in STATES if name in body}
                return json_reply(self._change(identifier, changes))
            case "POST", ["orders", identifier, "workflow"]:
                return json_reply(by_hand(self._project, identifier, body))
            case "POST", ["orders", identifier, "touch"]:
                return json_reply(self._change(identifier, {}, body.get("at")))
            case "POST", ["orders", identifier, "refunds"]:
                return json_reply(payments.refund_by_hand(self._project, identifier, body))
            case "POST", ["payments", "settle"]:
                renamed = bool(body.get("renamed", False))
                return json_reply(payments.settle(self._project, body["state"], renamed=renamed))
            case "POST", ["carts", identifier, "order"]:
                return json_reply(order_cart(self._project, identifier))
            case "POST", ["carts", identifier, "expire"]:
                return json_reply(expire_cart(self._project, identifier))
            case "DELETE", ["catalog", identifier]:
                return json_reply(Products(self._project).remove_by_hand(identifier))
            case "GET", ["catalog"]:
                return listed(self._project)
            case "DELETE", ["orders", identifier]:
                return json_reply(self._delete_order(identifier))
            case "DELETE", ["customers", identifier]:
                return json_reply(delete_customer(self._project, identifier))
            case "POST", ["settings"]:
                return json_reply(self._configure(body))
            case "POST", ["expire"]:
                self._project.access.tokens.clear()
                return json_reply({})
            case "GET", ["counts"]:
                return json_reply(dict(self._project.counts))
            case "GET", ["truth"]:
                return json_reply(truth_of(self._project))
            case "GET", ["dump", "orders"]:
                return ndjson_reply(list(self._project.orders))
        return json_reply({"error": "no such control"}, 404)

    def _place(self, documents: list[Json]) -> Json:
        table, ids, existing = self._project.orders, [], []
        for given in documents:
            number, identifier = given.get("orderNumber"), given.get("id", "")
            if table.get(identifier) or (number and table.find("orderNumber", number)):
                existing.append(identifier or number)
                continue
            paid = [self._payment(p, given) for p in given.get("payments", [])]
            document = {name: value for name, value in given.items() if name != "payments"}
            order = complete(document, self._project.clock.now())
            if paid:
                order["paymentInfo"] = {"payments": paid}
            message = {"type": "OrderCreated", "order": order}
            self._project.keep(table, order, [message], is_new=True)
            ids.append(order["id"])
        return {"ids": ids, "existing": existing}

    def _seed(self, method: str, parts: list[str], body: Any) -> Json:
        match method, parts:
            case "POST", ["orders"]:
                first = FIRST_NUMBER + len(self._project.orders)
                numbered = [{"id": first + n} | row for n, row in enumerate(body)]
                return self._place([order_of(row, self._project.instance) for row in numbered])
            case "POST", ["catalog"]:
                known = self._project.products
                rows = [row for row in products_of(body) if known.find("key", row["key"]) is None]
                return self._catalog(rows)
            case "POST", ["customers"]:
                return put_customers(self._project, customers_of(body, self._project.instance))
            case "POST", ["categories"]:
                names = {"parent_id": "parent"}
                rows = [{names.get(n, n): v for n, v in row.items()} for row in body]
                return Products(self._project).put_categories(rows)
            case "POST", ["locations"]:
                return {}  # stock is kept without a channel, unless the project has some
            case ("PATCH", ["orders", identifier]) | ("POST", ["orders", identifier, "status"]):
                return self._change(identifier, change_of(body))
        raise ValueError(f"no control of a seed: {method} {'/'.join(parts)}")

    def _payment(self, given: Json, order: Json) -> Json:
        currency = order.get("currency") or "USD"
        made: Json = self._project.envelope() | {
            "paymentMethodInfo": {},
            "paymentStatus": {},
            "transactions": [],
            "interfaceInteractions": [],
        }
        made |= given | {"amountPlanned": money(given.get("amountPlanned", 0), currency)}
        made["transactions"] = [
            {"id": new_id(), "state": "Success"} | t | {"amount": money(t["amount"], currency)}
            for t in made["transactions"]
        ]
        self._project.keep(self._project.payments, made, [], is_new=True)
        return {"typeId": "payment", "id": made["id"]}

    def _change(self, identifier: str, change: Json, at: str | None = None) -> Json:
        order = self._project.orders.need(identifier)
        messages: list[Json] = [
            {"type": f"Order{name[0].upper()}{name[1:]}Changed".replace("OrderOrder", "Order")}
            | {name: change[name]}
            for name in STATES
            if name in change and change[name] != order.get(name)
        ]
        if change.get("custom") and order.get("custom"):
            own = order["custom"]
            fields = own.get("fields", {}) | change["custom"].get("fields", {})
            change = change | {"custom": own | {"fields": fields}}
        order |= change
        moment = normalised(at) if at else None
        return self._project.keep(self._project.orders, order, messages, at=moment)

    def _catalog(self, rows: list[Json]) -> Json:
        return {"ids": Products(self._project).put_by_hand(rows)}

    def _channels(self, rows: list[Json]) -> Json:
        ids = []
        for row in rows:
            made = self._project.envelope() | {"roles": ["InventorySupply"]} | row
            self._project.keep(self._project.channels, made, [], is_new=True)
            ids.append(made["id"])
        return {"ids": ids}

    def _delete_order(self, identifier: str) -> Json:
        order = self._project.orders.need(identifier)
        self._project.orders.remove(identifier)
        self._project.note("order", order, {"type": "OrderDeleted"})
        return {}

    def _stores(self, rows: list[Json]) -> Json:
        empty: Json = {
            "languages": ["en"],
            "countries": [],
            "distributionChannels": [],
            "supplyChannels": [],
            "productSelections": [],
        }
        for row in rows:
            made = self._project.envelope() | empty | row
            self._project.keep(self._project.stores, made, [], is_new=True)
        return {"keys": [row["key"] for row in rows]}

    def _stock(self, rows: list[Json]) -> Json:
        project = self._project
        for row in rows:
            key = row.get("channel")
            channel = project.channels.need(key, "key")["id"] if key else ""
            identifier = project.entries.get((row["sku"], channel))
            entry = project.inventory.need(identifier) if identifier else None
            if row["quantity"] is None:
                project.inventory.remove(project.entries.pop((row["sku"], channel)))
                continue
            levels = {
                "quantityOnStock": row["quantity"],
                "availableQuantity": row["quantity"] - row.get("reserved", 0),
            }
            if entry is not None:
                project.keep(project.inventory, entry | levels, [])
                continue
            made = project.envelope() | {"sku": row["sku"]} | levels
            if channel:
                made["supplyChannel"] = {"typeId": "channel", "id": channel}
            project.keep(project.inventory, made, [], is_new=True)
        return {"set": len(rows)}

    def _configure(self, body: Json) -> Json:
        project = self._project
        for name in ("client_id", "client_secret", "scopes", "lifetime"):
            if name in body:
                setattr(project.access, name, body[name])
        if body.keys() & {"client_id", "client_secret", "scopes"}:
            project.access.tokens.clear()
        if minutes := body.get("reservation_minutes"):
            project.reservations = {"reservationExpirationInMinutes": minutes}
        project.has_messages = body.get("messages", project.has_messages)
        project.clock.offset = body.get("clock_offset_s", project.clock.offset)
        return {"scopes": project.access.scopes, "messages": project.has_messages}
