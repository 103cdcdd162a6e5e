"""``/v3/customers`` and ``/v3/customers/addresses`` (customers.v3.yml), for reading.

Quirks of the vendor's documentation: a list of customers holds ten addresses of each at most, and
``address_count`` how many there are; pages are continued by a cursor, which is by id, or by number;
a change of an address makes an event of its own, and none of the customer. Whether it moves the
customer's ``date_modified`` is open: here it does not, which is the harder case.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.kit.truth import TrueCustomer
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.paging import Query, envelope, integer_set, paging_v3, text_set
from sandbox.platforms.bigcommerce.replies import json_reply, v3_error
from sandbox.system import Request, Response

Json = dict[str, Any]
LISTED_ADDRESSES = 10
MOST = 250
CUSTOMER_FIELDS = (
    "email", "first_name", "last_name", "company", "phone", "notes", "tax_exempt_category",
    "customer_group_id", "accepts_product_review_abandoned_cart_emails", "channel_ids",
    "origin_channel_id", "registration_ip_address",
)  # fmt: skip
ADDRESS_FIELDS = (
    "first_name", "last_name", "company", "address1", "address2", "city", "state_or_province",
    "postal_code", "country_code", "country", "phone", "address_type",
)  # fmt: skip
SORTS = {
    f"{name}:{way}": (name, way == "desc")
    for name in ("date_created", "date_modified", "last_name")
    for way in ("asc", "desc")
}
Emit = Callable[[str, Json], None]


class Customers:
    """The customers of one store, each with its addresses, and the calls that read them."""

    def __init__(self, now: Callable[[], int], emit: Emit) -> None:
        self._now, self._emit = now, emit
        self.customers: dict[int, Json] = {}
        self._last = {"customer": 0, "address": 0}

    # -- what shoppers and the merchant do

    def put(self, given: Json) -> int:
        """Register a customer, or change the one with the given id; return the id.

        ``addresses`` are added or changed by their ids. Unknown fields are refused.
        """
        addresses = given.get("addresses", [])
        fields = {name: value for name, value in given.items() if name != "addresses"}
        if unknown := fields.keys() - {*CUSTOMER_FIELDS, "id", "date_modified", "date_created"}:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        number = int(fields.get("id") or self._last["customer"] + 1)
        is_new = number not in self.customers
        now = dates.to_iso(self._now())
        if is_new:
            self._last["customer"] = max(self._last["customer"], number)
            self.customers[number] = {
                **dict.fromkeys(CUSTOMER_FIELDS, ""),
                "id": number,
                "customer_group_id": 0,
                "accepts_product_review_abandoned_cart_emails": False,
                "channel_ids": None,
                "origin_channel_id": 1,
                "date_created": now,
                "addresses": {},
            }
        customer = self.customers[number]
        customer |= {"date_modified": now} | fields
        for address in addresses:
            self._put_address(customer, address)
        event = "created" if is_new else "updated"
        self._emit(f"store/customer/{event}", {"type": "customer", "id": number})
        return number

    def put_address(self, number: int, given: Json) -> int:
        """Add an address, or change the one with the given id; the customer's time stays."""
        customer = self._customer(number)
        is_new = str(given.get("id", "")) not in customer["addresses"]
        identity = self._put_address(customer, given)
        self._emit_address("created" if is_new else "updated", number, identity)
        return identity

    def remove_address(self, number: int, identity: int) -> None:
        """Remove an address; the customer's time stays."""
        if self._customer(number)["addresses"].pop(str(identity), None) is None:
            raise ValueError(f"customer {number} has no address {identity}")
        self._emit_address("deleted", number, identity)

    def remove(self, number: int) -> None:
        """Delete a customer, of which nothing is left."""
        del self.customers[self._customer(number)["id"]]
        self._emit("store/customer/deleted", {"type": "customer", "id": number})

    def _emit_address(self, event: str, number: int, identity: int) -> None:
        about = {"type": "customer", "id": identity, "address": {"customer_id": number}}
        self._emit(f"store/customer/address/{event}", about)

    def _customer(self, number: int) -> Json:
        if number not in self.customers:
            raise ValueError(f"no customer {number}")
        return self.customers[number]

    def _put_address(self, customer: Json, given: Json) -> int:
        if unknown := given.keys() - {*ADDRESS_FIELDS, "id"}:
            raise ValueError(f"unknown fields of an address: {', '.join(sorted(unknown))}")
        identity = int(given.get("id") or self._last["address"] + 1)
        self._last["address"] = max(self._last["address"], identity)
        empty = {**dict.fromkeys(ADDRESS_FIELDS, ""), "address_type": "residential"}
        before = customer["addresses"].get(str(identity), empty)
        own = {"id": identity, "customer_id": customer["id"]}
        customer["addresses"][str(identity)] = {**before, **given, **own}
        return identity

    # -- the store's API

    def handle(self, parts: list[str], request: Request) -> Response:
        """Answer a call; ``parts`` is the path after ``customers``."""
        match request.method, parts:
            case "GET", []:
                return self._list(request.query)
            case "GET", ["addresses"]:
                return self._addresses(request.query)
        raise Refused(v3_error(404, "The requested resource was not found."))

    def _list(self, query: Query) -> Response:
        page, limit = paging_v3(query, 50, MOST)
        found = list(self._matching(query))
        sort = query.get("sort", [""])[-1]
        if sort and sort not in SORTS:
            raise Refused(v3_error(422, "sort is invalid", {"sort": "error.expected.sort"}))
        name, is_reversed = SORTS.get(sort, ("id", False))
        found.sort(key=lambda customer: (customer[name], customer["id"]), reverse=is_reversed)
        after = query.get("after", [""])[-1]
        if not after and page > 1:
            rows = found[(page - 1) * limit : page * limit]
            return envelope([self._shown(c, query) for c in rows], len(found), page, limit, query)
        rest = found
        if after:
            last = _last_of(after)
            rest = [customer for customer in found if customer["id"] > last]
        rows = rest[:limit]
        return self._page([self._shown(c, query) for c in rows], len(found), limit, bool(after))

    def _page(self, rows: list[Json], total: int, limit: int, is_continued: bool) -> Response:
        """Answer a page with cursors; a first page has the numbers of both kinds of paging."""
        cursors: Json = {"count": len(rows), "per_page": limit, "links": {}}
        if rows:
            cursors |= {"start_cursor": _cursor(rows[0]), "end_cursor": _cursor(rows[-1])}
        meta: Json = {"cursor_pagination": cursors}
        if not is_continued:
            meta["pagination"] = {
                "total": total,
                "count": len(rows),
                "per_page": limit,
                "current_page": 1,
                "total_pages": max(1, math.ceil(total / limit)),
                "links": {},
            }
        return json_reply({"data": rows, "meta": meta})

    def _matching(self, query: Query) -> Iterator[Json]:
        ids, emails = integer_set(query, "id:in"), text_set(query, "email:in")
        bounds = [
            (name, edge, _moment(query[f"{name}:{edge}"][-1], f"{name}:{edge}"))
            for name in ("date_created", "date_modified")
            for edge in ("min", "max")
            if f"{name}:{edge}" in query
        ]
        for customer in self.customers.values():
            if ids is not None and customer["id"] not in ids:
                continue
            if emails is not None and customer["email"] not in emails:
                continue
            if all(_is_within(customer[name], edge, limit) for name, edge, limit in bounds):
                yield customer

    def _shown(self, customer: Json, query: Query) -> Json:
        addresses = list(customer["addresses"].values())
        shown = {name: value for name, value in customer.items() if name != "addresses"}
        shown |= {"address_count": len(addresses), "attribute_count": 0}
        shown["authentication"] = {"force_password_reset": False}
        if "addresses" in (text_set(query, "include") or ()):
            shown["addresses"] = addresses[:LISTED_ADDRESSES]
        return shown

    def _addresses(self, query: Query) -> Response:
        page, limit = paging_v3(query, 50, MOST)
        owners, ids = integer_set(query, "customer_id:in"), integer_set(query, "id:in")
        found = sorted(
            (
                address
                for customer in self.customers.values()
                for address in customer["addresses"].values()
                if (owners is None or customer["id"] in owners)
                and (ids is None or address["id"] in ids)
            ),
            key=lambda address: int(address["id"]),
        )
        return envelope(found[(page - 1) * limit : page * limit], len(found), page, limit, query)

    # -- what is true, and kept

    def truth(self) -> list[TrueCustomer]:
        """Return all customers neutrally."""
        return [
            {
                "id": str(customer["id"]),
                "active": True,
                "email": customer["email"],
                "first_name": customer["first_name"],
                "last_name": customer["last_name"],
                "addresses": sorted(
                    [str(address["id"]), address["city"]]
                    for address in customer["addresses"].values()
                ),
            }
            for customer in self.customers.values()
        ]

    def state(self) -> Json:
        """Return what a snapshot keeps."""
        return {"customers": list(self.customers.values()), "last": self._last}

    def restore(self, kept: Json) -> None:
        """Restore what ``state`` returned."""
        self.customers = {customer["id"]: customer for customer in kept.get("customers", ())}
        self._last = kept.get("last", self._last)


def _cursor(customer: Json) -> str:
    return base64.urlsafe_b64encode(orjson.dumps({"id": customer["id"]})).decode().rstrip("=")


def _last_of(cursor: str) -> int:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(content["id"])
    except (ValueError, KeyError, TypeError) as reason:
        raise Refused(v3_error(422, "The cursor is invalid.", {"after": "invalid"})) from reason


def _moment(text: str, name: str) -> float:
    try:
        return dates.to_epoch(text)
    except (ValueError, TypeError) as reason:
        raise Refused(v3_error(422, f"{name} is invalid", {name: "error.date"})) from reason


def _is_within(written: Any, edge: str, limit: float) -> bool:
    """Return whether a date lies within a bound, which is inclusive; dirt lies in every span."""
    try:
        moment = dates.to_epoch(written)
    except (ValueError, TypeError, AttributeError):
        return True
    return moment >= limit if edge == "min" else moment <= limit
