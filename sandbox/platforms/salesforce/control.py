"""Control calls of an org, ``/_sandbox/salesforce/{org}/...``.

What a merchant and shoppers do, and what arrived at the store:

    POST  orders                place orders: [{OrderSummary's fields, ``at``, ``name`` of a guest,
                                groups: [{fields, method}], items: [{fields, sku, group: index,
                                adjustments: [...]}],
                                payments: [{fields, authorizations, captures}]}]
                                -> {"ids": [...], "existing": [...]}
    PATCH orders/{id}           change an order summary as a merchant does: fields by name
    POST  orders/{id}/touch     change nothing but the time, or {"at": time}
    POST  touch/{object}/{id}   the same of any record
    POST  put/{object}          store a record as it is given, without any check -> {"id": ...}
    ...   seed/...              the same of a seed's documents, which have one form for all stores:
                                POST seed/{orders, catalog, customers, locations}, PATCH
                                seed/orders/{id}, POST seed/orders/{id}/status {status_id}
    POST  customers             register customers: [{FirstName, LastName, Email, company, at,
                                addresses: [{Name, Street, City, ...}]}], or change them by ``Id``
    DELETE customers/{id}       delete an account
    POST  requests              [{fields of Lockstep_Action__c, ``profile`` of the agent}], new
    POST  catalog               [{sku, name?, at?}]; POST locations [{ExternalReference, Name?}]
    POST  stock                 [{sku, location, quantity, reserved?}]: set levels uncounted;
                                a quantity of null deletes one
    POST  settings              any of {client_secret, public_key (PEM), approved, scope, daily,
                                used, page, child_page, denied, locks: {id: n}, clock_offset_s,
                                upload_polls}
    POST  expire                forget all sessions and cursors
    GET   counts, truth         JSON; GET dump/{object} NDJSON
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.orders import Orders
from sandbox.platforms.salesforce.replies import ODD, RowRefused, json_reply
from sandbox.platforms.salesforce.seed_orders import (
    change_of,
    customers_of,
    order_of,
    products_of,
)
from sandbox.platforms.salesforce.signature import is_signed
from sandbox.platforms.salesforce.truth import truth_of
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
FIRST_NUMBER = 5_000_001
"""Of orders that a seed leaves without one."""


class Control:
    """Answers the control calls of one org."""

    def __init__(self, org: Org) -> None:
        self._org, self._orders = org, Orders(org)
        self._lists: dict[str, Callable[[list[Json]], Json]] = {
            "orders": self._orders.place,
            "catalog": self._catalog,
            "locations": self._locations,
            "stock": self._stock,
            "customers": self._orders.customers,
            "requests": self._requests,
        }

    def handle(self, request: Request) -> Response:
        """Answer a call; any error is a 400 with ``{"error": ...}``."""
        try:
            return self._route(request, request.path.strip("/").split("/"))
        except Refused as refusal:
            return json_reply({"error": refusal.response.body.decode()}, 400)
        except (*ODD, RecursionError, RowRefused) as reason:
            return json_reply({"error": f"{type(reason).__name__}: {reason}"}, 400)

    def _route(self, request: Request, parts: list[str]) -> Response:
        body = orjson.loads(request.body) if request.body.strip() else {}
        org = self._org
        match request.method, parts:
            case "POST", [name] if name in self._lists:
                return json_reply(self._lists[name](body if isinstance(body, list) else [body]))
            case _, ["seed", *rest]:
                return json_reply(self._seed(request.method, rest, body))
            case "PATCH", ["orders", identifier]:
                return json_reply(org.book.put("OrderSummary", body | {"Id": identifier}))
            case "POST", ["orders", identifier, "touch"]:
                return json_reply(self._orders.touch("OrderSummary", identifier, body.get("at")))
            case "POST", ["touch", name, identifier]:
                return json_reply(self._orders.touch(name, identifier, body.get("at")))
            case "POST", ["put", name]:
                return json_reply({"id": org.book.put(name, body)["Id"]})
            case "DELETE", ["customers", identifier]:
                return json_reply(org.book.put("Account", {"Id": identifier, "IsDeleted": True}))
            case "POST", ["settings"]:
                return json_reply(self._configure(body))
            case "POST", ["expire"]:
                org.access.sessions.clear()
                org.queries.forget()
                return json_reply({})
            case "GET", ["counts"]:
                return json_reply(dict(org.counts))
            case "GET", ["truth"]:
                return json_reply(truth_of(org))
            case "GET", ["dump", name]:
                rows = b"".join(orjson.dumps(row) + b"\n" for row in org.book.rows(name))
                return Response(200, rows, {"Content-Type": "application/x-ndjson"})
        raise ValueError(f"no control call {request.method} {request.path}")

    def _seed(self, method: str, parts: list[str], body: Any) -> Json:
        match method, parts:
            case "POST", ["orders"]:
                first = FIRST_NUMBER + sum(1 for _ in self._org.book.rows("OrderSummary"))
                numbered = [{"id": first + n} | row for n, row in enumerate(body)]
                return self._orders.place([order_of(row) for row in numbered])
            case "POST", ["catalog"]:
                return self._catalog(products_of(body))
            case "POST", ["customers"]:
                return self._orders.customers(customers_of(body))
            case "POST", ["locations"]:
                return {}  # stock is kept at the locations that the org has
            case ("PATCH", ["orders", identifier]) | ("POST", ["orders", identifier, "status"]):
                change = change_of(body) | {"Id": identifier}
                return self._org.book.put("OrderSummary", change)
        raise ValueError(f"no control of a seed: {method} {'/'.join(parts)}")

    def _catalog(self, rows: list[Json]) -> Json:
        return {
            "ids": [
                self._orders.sell(r["sku"], r.get("name") or r["sku"], at=r.get("at")) for r in rows
            ]
        }

    def _locations(self, rows: list[Json]) -> Json:
        return {"ids": [self._org.locate(**row)["Id"] for row in rows]}

    def _stock(self, rows: list[Json]) -> Json:
        for row in rows:
            if row["quantity"] is None:
                self._org.inventory.levels.pop((row["sku"], row["location"]))
                continue
            values = {"onHand": row["quantity"], "reserved": row.get("reserved", 0)}
            self._org.inventory.set(row["sku"], row["location"], values)
        return {"set": len(rows)}

    def _requests(self, rows: list[Json]) -> Json:
        """Make requests as agents of some profile do."""
        book, ids = self._org.book, []
        for row in rows:
            name = row.pop("profile", "Support")
            known = (each for each in book.rows("Profile") if each["Name"] == name)
            profile = next(known, None) or book.put("Profile", {"Name": name})
            users = (each for each in book.rows("User") if each["ProfileId"] == profile["Id"])
            made = {"Username": "agent", "ProfileId": profile["Id"]}
            user = next(users, None) or book.put("User", made)
            values = {"Status__c": "New", "CreatedById": user["Id"]} | row
            ids.append(book.put("Lockstep_Action__c", values)["Id"])
        return {"ids": ids}

    def _configure(self, body: Json) -> Json:
        org = self._org
        if "client_secret" in body:
            org.access.client_secret = body["client_secret"]
            org.access.sessions.clear()
        if "public_key" in body:
            is_signed(body["public_key"], b"", "")  # raises if it is none
        for name in ("public_key", "approved", "scope"):
            setattr(org.access, name, body.get(name, getattr(org.access, name)))
        org.daily, org.used = body.get("daily", org.daily), body.get("used", org.used)
        org.queries.page = body.get("page", org.queries.page)
        org.queries.child_page = body.get("child_page", org.queries.child_page)
        if "denied" in body:
            org.access.denied[:] = body["denied"]
        org.locks.update(body.get("locks", {}))
        org.inventory.polls = body.get("upload_polls", org.inventory.polls)
        org.clock.offset = body.get("clock_offset_s", org.clock.offset)
        return {"daily": org.daily, "used": org.used}
