"""Completes a given order document to the one that the store keeps.

A complete document has ``order`` (the header as in ``GET /v2/orders/{id}``, without links) beside
the lists ``products``, ``shipping_addresses``, ``pickups``, ``coupons``, ``taxes``, ``fees``,
``transactions``, ``shipments`` and the objects ``downloads`` and ``gift_certificates``. The form of
given documents is described in control.py.
"""

from __future__ import annotations

from typing import Any

from sandbox.platforms.bigcommerce import dates, lines, money
from sandbox.platforms.bigcommerce.header import HEADER, HEADER_MONEY, complete_header
from sandbox.platforms.bigcommerce.shapes import check_shapes

Json = dict[str, Any]

EMBEDDED = (
    "products",
    "shipping_addresses",
    "pickups",
    "downloads",
    "gift_certificates",
    "coupons",
    "taxes",
    "fees",
    "transactions",
)


class Ids:
    """Assigns ids, one sequence per kind of record; given ids are never assigned again."""

    def __init__(self, last: dict[str, int] | None = None) -> None:
        self.last = last or {"order": 99}

    def take(self, kind: str, given: int | None = None) -> int:
        """Use the given id, or the next free one."""
        number = int(given) if given else self.last.get(kind, 0) + 1
        self.last[kind] = max(self.last.get(kind, 0), number)
        return number


def complete(given: Json, ids: Ids, now: int) -> Json:
    """Build the complete document; given ids and dates are kept, also texts that are not valid.

    Raises ValueError for a field that orders don't have.
    """
    header = {key: value for key, value in given.items() if key not in EMBEDDED}
    if unknown := set(header) - set(HEADER):
        raise ValueError(f"an order has no field {min(unknown)!r}")
    header["id"] = ids.take("order", header.get("id"))
    if "currency_code" in header or "default_currency_code" in header:
        paid = header.setdefault("default_currency_code", header.get("currency_code"))
        header.setdefault("currency_code", paid)
    document: Json = {"shipments": []}
    document["shipping_addresses"] = _with_ids(
        given, "shipping_addresses", "address", ids, header["id"], lines.complete_address
    )
    document["pickups"] = _with_ids(given, "pickups", "pickup", ids, None, complete_pickup)
    document["order"] = header
    document["products"] = [
        complete_line_of(document, item, ids) for item in given.get("products") or ()
    ]
    document["fees"] = _with_ids(given, "fees", "fee", ids, None, complete_fee)
    document["coupons"] = _with_ids(given, "coupons", "coupon", ids, header["id"], complete_coupon)
    document["taxes"] = _with_ids(given, "taxes", "tax", ids, header["id"], complete_tax)
    document["transactions"] = [
        complete_transaction(item, header, ids, now) for item in given.get("transactions") or ()
    ]
    email = (header.get("billing_address") or {}).get("email", "")
    document["downloads"] = {"recipient_email": email} | (given.get("downloads") or {})
    document["gift_certificates"] = {"recipient_email": email} | (
        given.get("gift_certificates") or {}
    )
    document["order"] = complete_header(header, document, now)
    recount(document)
    return document


def _with_ids(
    given: Json, key: str, kind: str, ids: Ids, order_id: int | None, build: Any
) -> list[Json]:
    built = []
    for item in given.get(key) or ():
        entry = build(item)
        entry["id"] = ids.take(kind, item.get("id"))
        if order_id is not None:
            entry["order_id"] = order_id
        built.append(entry)
    return built


def complete_line_of(document: Json, given: Json, ids: Ids) -> Json:
    """Fill in a line and its address or pick-up; digital and gift certificate lines have none."""
    item = dict(given)
    address, pickup = item.pop("address_index", None), item.pop("pickup_index", None)
    if unknown := set(item) - set(lines.LINE):
        raise ValueError(f"an order product has no field {min(unknown)!r}")
    line = lines.complete_line(item, bool(document["order"].get("is_tax_inclusive_pricing", False)))
    line["id"] = ids.take("line", item.get("id"))
    line["order_id"] = document["order"]["id"]
    for option in line["product_options"]:
        option["order_product_id"] = line["id"]
    addresses, pickups = document["shipping_addresses"], document["pickups"]
    if line["type"] != "physical":
        line["order_address_id"] = line["order_pickup_method_id"] = 0
    elif pickup is not None:
        line["order_pickup_method_id"] = pickups[pickup]["id"]
    elif not line["order_address_id"] and not line["order_pickup_method_id"] and addresses:
        line["order_address_id"] = addresses[address or 0]["id"]
    return line


def complete_pickup(given: Json) -> Json:
    """Fill in a pick-up consignment with its location."""
    location = {
        "id": 1,
        "name": "",
        "code": "",
        "address_line_1": "",
        "address_line_2": "",
        "city": "",
        "state": "",
    }
    location |= {"postal_code": "", "country_alpha2": "US", "email": "", "phone": ""}
    base = {"id": 0, "pickup_method_id": 1, "pickup_method_display_name": "Pick Up"}
    base |= {"collection_instructions": "", "collection_time_description": ""}
    return base | given | {"location": location | (given.get("location") or {})}


def complete_fee(given: Json) -> Json:
    """Fill in a fee."""
    ex = given.get("cost_ex_tax", given.get("cost_inc_tax", given.get("base_cost")))
    inc = given.get("cost_inc_tax", ex)
    name = given.get("display_name_customer") or given.get("display_name_merchant") or "Fee"
    fee = {
        "id": 0,
        "type": "custom_fee",
        "display_name_customer": name,
        "display_name_merchant": name,
        "source": "",
        "tax_class_id": None,
    }
    tax = money.amount(inc) - money.amount(ex)
    fee |= given | {
        "base_cost": given.get("base_cost", ex),
        "cost_ex_tax": ex,
        "cost_inc_tax": inc,
        "cost_tax": given.get("cost_tax", tax),
    }
    return fee | {
        key: money.format_or_keep(fee[key])
        for key in ("base_cost", "cost_ex_tax", "cost_inc_tax", "cost_tax")
    }


def complete_coupon(given: Json) -> Json:
    """Fill in a coupon use; ``amount`` is the coupon's value, ``discount`` its effect (numbers)."""
    discount = money.number_or_text(given.get("discount", given.get("amount", 0)) or 0)
    return (
        {"id": 0, "coupon_id": 1, "order_id": 0, "code": None, "amount": discount, "type": 2}
        | given
        | {"discount": discount}
    )


def complete_tax(given: Json) -> Json:
    """Fill in a tax entry."""
    tax = {
        "id": 0,
        "order_id": 0,
        "order_address_id": 0,
        "tax_rate_id": 1,
        "sales_tax_id": "",
        "tax_class_id": 0,
        "name": "Tax",
    }
    tax |= {
        "class": "Default Tax Class",
        "rate": "0",
        "priority": 0,
        "priority_amount": "0",
        "line_amount": "0",
        "order_pickup_method_id": 0,
    }
    tax |= given
    return tax | {
        key: money.format_or_keep(tax[key]) for key in ("rate", "priority_amount", "line_amount")
    }


def complete_transaction(given: Json, header: Json, ids: Ids, now: int) -> Json:
    """Fill in a transaction of the order with this header."""
    entry: Json = {
        "event": "purchase",
        "method": "credit_card",
        "currency": header.get("default_currency_code", "USD"),
    }
    entry |= {
        "gateway": "testgateway",
        "gateway_transaction_id": "",
        "test": False,
        "status": "ok",
        "fraud_review": False,
    }
    entry |= {"date_created": dates.to_iso(now), "amount": 0} | given
    return entry | {
        "id": ids.take("transaction", given.get("id")),
        "order_id": str(header["id"]),
        "amount": money.number_or_text(entry["amount"]),
    }


def check(given: Json) -> None:
    """Raise ValueError for a wrong shape, amount or date; only loaded orders may be dirty."""
    check_shapes(given)
    lists = ((lines.LINE_MONEY, "products"), (lines.COSTS, "shipping_addresses"))
    parts = [
        (HEADER_MONEY, given),
        *((names, entry) for names, key in lists for entry in given.get(key) or ()),
    ]
    for names, part in parts:
        for name in names:
            money.to_decimal(part.get(name))
    for name in ("date_created", "date_modified"):
        if given.get(name) and dates.parse_or_none(str(given[name])) is None:
            raise ValueError(f"The field '{name}' is invalid.")


def recount(document: Json) -> None:
    """Update the counters ``items_total`` and ``items_shipped`` of order and addresses."""
    products = document["products"]
    document["order"]["items_total"] = sum(line["quantity"] for line in products)
    document["order"]["items_shipped"] = sum(line["quantity_shipped"] for line in products)
    for address in document["shipping_addresses"]:
        own = [line for line in products if line["order_address_id"] == address["id"]]
        address["items_total"] = sum(line["quantity"] for line in own)
        address["items_shipped"] = sum(line["quantity_shipped"] for line in own)
