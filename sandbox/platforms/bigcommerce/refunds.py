"""Refunds by the payment actions (orders.v3.yml): quote, refund, list.

What the vendor leaves open is decided as follows: a refund's payment is declined after the answer,
a second refund of the same units is refused, and the payments must be one of the quoted ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce import dates, money
from sandbox.platforms.bigcommerce.replies import json_reply, parse_object, v3_error
from sandbox.platforms.bigcommerce.shapes import ODD
from sandbox.platforms.bigcommerce.statuses import NAMES, PARTIALLY_REFUNDED, REFUNDED
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.store import BigCommerceStore

Json = dict[str, Any]

CENT = Decimal("0.01")
STORE_CREDIT, CUSTOM = "storecredit", "custom"
NOT_FOUND = "The requested resource was not found."


class RefundsApi:
    """Answers the payment actions of one store."""

    def __init__(self, store: BigCommerceStore) -> None:
        self._store = store

    def handle(self, parts: list[str], request: Request) -> Response:
        """Answer ``/v3/orders...``; ``parts`` is the path after ``orders``."""
        match request.method, parts:
            case "GET", ["payment_actions", "refunds", number] if number.isdigit():
                return self._one(int(number))
            case "GET", [order, "payment_actions", "refunds"] if order.isdigit():
                found = [_shown(refund) for refund in self._load(int(order))["refunds"]]
                return json_reply({"data": found, "meta": {}})
            case "POST", [order, "payment_actions", "refund_quotes"] if order.isdigit():
                document = self._load(int(order))
                quote = self._quote(document, _items(document, parse_object(request.body, "v3")))
                return json_reply({"data": quote, "meta": {}}, 201)
            case "POST", [order, "payment_actions", "refunds"] if order.isdigit():
                return self._create(self._load(int(order)), parse_object(request.body, "v3"))
        raise Refused(v3_error(404, NOT_FOUND))

    def _load(self, number: int) -> Json:
        document = self._store.book.load(number)
        if document is None:
            raise Refused(v3_error(404, f"Order {number} was not found."))
        document.setdefault("refunds", [])
        return document

    def _one(self, number: int) -> Response:
        for order_id in self._store.book.by_id:
            for refund in self._load(order_id)["refunds"]:
                if refund["id"] == number:
                    return json_reply({"data": _shown(refund), "meta": {}})
        raise Refused(v3_error(404, NOT_FOUND))

    def _quote(self, document: Json, items: list[tuple[Json, Json]]) -> Json:
        order = document["order"]
        total = sum((_worth(line, item["quantity"]) for line, item in items), Decimal(0))
        tax = sum(
            (
                (money.amount(line["price_tax"]) * item["quantity"]).quantize(CENT, ROUND_HALF_UP)
                for line, item in items
            ),
            Decimal(0),
        )
        return {
            "order_id": order["id"],
            "total_refund_amount": float(total),
            "total_refund_tax_amount": float(tax),
            "order_level_refund_amount": 0,
            "rounding": 0,
            "adjustment": "0",
            "tax_inclusive": True,
            "refund_methods": [
                [_option(provider, total, offline=offline)]
                for provider, offline in self._providers(order)
            ],
        }

    def _providers(self, order: Json) -> list[tuple[str, bool]]:
        """Return the providers that an order can be refunded by, and which only note it."""
        own = "".join(order["payment_method"].lower().split())
        online = own != "manual" and self._store.refunds_online
        return [(STORE_CREDIT, False), *([(own, False)] if online else []), (CUSTOM, True)]

    def _create(self, document: Json, body: Json) -> Response:
        items = _items(document, body)
        quote = self._quote(document, items)
        payments = body.get("payments")
        if not isinstance(payments, list) or not payments:
            raise _invalid("payments must be a list of payments.")
        try:
            given = {p["provider_id"]: money.to_decimal(p["amount"]) for p in payments}
        except ODD as reason:
            raise _invalid(f"payments can't be read: {reason}") from reason
        ways = [
            {option["provider_id"]: money.to_decimal(option["amount"]) for option in method}
            for method in quote["refund_methods"]
        ]
        if given not in ways:
            raise _invalid("The payments do not match a refund method of the quote.")
        if STORE_CREDIT in given and not document["order"]["customer_id"]:
            raise _invalid("Unable to provide store credit for a guest customer.")
        refund = make_refund(self._store, document, items, payments)
        answered = _shown(refund)
        answered["payments"] = [
            payment | {"is_declined": False, "declined_message": ""}
            for payment in answered["payments"]
        ]
        return json_reply({"data": answered, "meta": {}}, 201)


def make_refund(
    store: BigCommerceStore,
    document: Json,
    items: list[tuple[Json, Json]],
    payments: list[Json],
) -> Json:
    """Refund units of lines, move the order's status, and send the event."""
    refund = _refund(store, document["order"]["id"], items, payments)
    for line, item in items:
        line["quantity_refunded"] += item["quantity"]
        line["is_refunded"] = line["quantity_refunded"] == line["quantity"]
        refunded = money.amount(line["price_inc_tax"]) * line["quantity_refunded"]
        line["refund_amount"] = money.format_or_keep(refunded)
    order = document["order"]
    whole = all(line["is_refunded"] for line in document["products"])
    order["status_id"] = REFUNDED if whole else PARTIALLY_REFUNDED
    order["status"] = order["custom_status"] = NAMES[order["status_id"]]
    order["payment_status"] = "refunded" if whole else "partially refunded"
    document.setdefault("refunds", []).append(refund)
    store.refund_log.append(orjson.dumps(refund))
    store.keep(document)
    about = {"type": "order", "id": order["id"], "refund": {"refund_id": refund["id"]}}
    store.webhooks.emit("store/order/refund/created", about)
    return refund


def _refund(
    store: BigCommerceStore,
    order_id: int,
    items: list[tuple[Json, Json]],
    payments: list[Json],
) -> Json:
    """Build the refund as the store's API shows it; providers may decline its payments."""
    number, declined = store.ids.take("refund"), store.refunds_declined
    return {
        "id": number,
        "order_id": order_id,
        "user_id": 1,
        "created": dates.to_iso(store.now()),
        "reason": "",
        "total_amount": float(
            sum((_worth(line, item["quantity"]) for line, item in items), Decimal(0))
        ),
        "total_tax": 0,
        "uses_merchant_override_values": False,
        "items": [
            {
                "item_type": "PRODUCT",
                "item_id": line["id"],
                "reason": item.get("reason", ""),
                "quantity": item["quantity"],
                "requested_amount": None,
            }
            for line, item in items
        ],
        "payments": [
            {
                "id": store.ids.take("refund_payment"),
                "provider_id": payment["provider_id"],
                "amount": float(money.to_decimal(payment["amount"])),
                "offline": bool(payment.get("offline", False)),
                "is_declined": declined,
                "declined_message": "The card was closed." if declined else "",
            }
            for payment in payments
        ],
    }


def decline_refunds(store: BigCommerceStore, document: Json, why: str) -> Json:
    """Let the providers decline an order's refunds, which they were asked to pay before."""
    refunds = document.get("refunds") or []
    for payment in (payment for refund in refunds for payment in refund["payments"]):
        payment |= {"is_declined": True, "declined_message": why}
    store.keep(document)
    return {"declined": len(refunds)}


def _items(document: Json, body: Mapping[str, Any]) -> list[tuple[Json, Json]]:
    """Return the lines of a request with their items, or refuse it with 422."""
    given = body.get("items")
    if not isinstance(given, list) or not given:
        raise _invalid("items must be a list of items.")
    known = {line["id"]: line for line in document["products"]}
    chosen: list[tuple[Json, Json]] = []
    wanted: dict[int, int] = {}
    for item in given:
        if not isinstance(item, dict) or item.get("item_type") != "PRODUCT":
            raise _invalid("This simulation refunds items of the type PRODUCT only.")
        line, quantity = known.get(item.get("item_id")), item.get("quantity")
        if line is None:
            raise _invalid(f"The order has no product {item.get('item_id')}.")
        if type(quantity) is not int or quantity < 1:
            raise _invalid(f"The quantity of the product {line['id']} must be a positive integer.")
        wanted[line["id"]] = wanted.get(line["id"], 0) + quantity
        left = line["quantity"] - line["quantity_refunded"]
        if wanted[line["id"]] > left:
            raise _invalid(f"Only {left} units of the product {line['id']} can be refunded.")
        chosen.append((line, item))
    return chosen


def _worth(line: Json, quantity: int) -> Decimal:
    """Return what the shopper paid for the next units of a line that are refunded."""
    paid, ordered = money.amount(line["discounted_total_inc_tax"]), int(line["quantity"])
    before = int(line["quantity_refunded"])

    def of(units: int) -> Decimal:
        return (paid * Decimal(units) / Decimal(ordered)).quantize(CENT, ROUND_HALF_UP)

    return of(before + quantity) - of(before)


def _option(provider: str, amount: Decimal, *, offline: bool) -> Json:
    return {
        "provider_id": provider,
        "provider_description": provider.title(),
        "amount": float(amount),
        "offline": offline,
        "offline_provider": offline,
        "offline_reason": "This is an offline payment provider." if offline else "",
    }


def _shown(refund: Json) -> Json:
    return dict(refund)


def _invalid(title: str) -> Refused:
    return Refused(v3_error(422, title))
