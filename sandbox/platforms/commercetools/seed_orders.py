"""Reads a seed's orders (sandbox/seed/documents.py), as a merchant's import would write them here.

What the vendor has no field for is written the way that its documentation suggests: handling, gift
wrap, fees and gift certificates are custom line items, several addresses the shipping mode
Multiple, a pick-up a shipping method with a custom field, a download another product type. The
amounts are the seed's, so that an order that does not add up there does not add up here. An amount
or a date that is not one can't be written: ``ValueError``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from sandbox.platforms.commercetools.clock import written
from sandbox.platforms.commercetools.seed_lines import custom_item, line_item
from sandbox.platforms.commercetools.seed_money import Pricing

Json = dict[str, Any]
STATES: dict[int, tuple[str, str, str]] = {
    0: ("Open", "Pending", "Pending"),
    1: ("Open", "Pending", "Pending"),
    2: ("Confirmed", "Paid", "Shipped"),
    3: ("Confirmed", "Paid", "Partial"),
    4: ("Complete", "CreditOwed", "Shipped"),
    5: ("Cancelled", "Pending", "Pending"),
    6: ("Open", "Failed", "Pending"),
    7: ("Open", "Pending", "Pending"),
    8: ("Confirmed", "Paid", "Ready"),
    9: ("Confirmed", "Paid", "Ready"),
    10: ("Complete", "Paid", "Shipped"),
    11: ("Confirmed", "Paid", "Pending"),
    12: ("Open", "BalanceDue", "Pending"),
    13: ("Open", "BalanceDue", "Pending"),
    14: ("Complete", "Paid", "Shipped"),
}
"""Status of the seed -> order state, payment state, shipment state."""
STATE_NAMES = ("orderState", "paymentState", "shipmentState")
METHODS = {"store_credit": "Store Credit", "gift_certificate": "Gift Certificate"}
EVENTS = {"authorization": "Authorization", "purchase": "Charge", "capture": "Charge"}
NOTE_FIELD, PICKUP_FIELD = "customerMessage", "pickupLocation"
"""The project's custom fields of orders."""


class Place(NamedTuple):
    """Where units go: the key and the document of an address."""

    key: str
    address: Json


def order_of(seed: Json, instance: str) -> Json:
    """Return the order of a seed; its ids follow from those of the seed."""
    number = str(seed["id"])
    identity = uuid5(NAMESPACE_URL, f"{instance}/{number}")
    pricing = Pricing.of(seed)
    places = [
        Place(f"address-{n}", _address(each) | {"key": f"address-{n}"})
        for n, each in enumerate(seed.get("shipping_addresses") or (), 1)
    ]
    order: Json = {
        "id": str(identity),
        "orderNumber": number,
        "createdAt": _moment(seed, "date_created"),
        "lastModifiedAt": _moment(seed, "date_modified"),
        "currency": pricing.currency,
        "locale": seed.get("customer_locale") or "en",
        "customerEmail": str(seed["billing_address"].get("email", "")),
        "billingAddress": _address(seed["billing_address"]),
        "payments": _payments(seed, pricing),
        **dict(zip(STATE_NAMES, STATES[int(seed["status_id"])], strict=True)),
    }
    items = seed.get("products") or []
    kept = [each for each in items if each["type"] != "giftcertificate"]
    order["lineItems"] = [
        line_item(each, pricing, str(uuid5(identity, f"line/{each.get('id', n)}")), places)
        for n, each in enumerate(kept)
    ]
    order["customLineItems"] = _custom_items(seed, pricing)
    order |= _shipping(seed, pricing, places) | pricing.totals(seed)
    return order | _custom_fields(seed)


def change_of(change: Json) -> Json:
    """Return a change of a seed's order as fields of the order."""
    changed: Json = {}
    if "status_id" in change:
        changed |= dict(zip(STATE_NAMES, STATES[int(change["status_id"])], strict=True))
        if int(change["status_id"]) == 5:
            changed = {"orderState": "Cancelled"}
    if "customer_message" in change:
        changed |= _custom_fields(change)
    if unknown := sorted(change.keys() - {"status_id", "customer_message"}):
        raise ValueError(f"a seed's order can't be changed in {', '.join(unknown)}")
    return changed


def products_of(rows: list[Json]) -> list[Json]:
    """Return the products of a seed in the form of the control call ``catalog``."""
    return [
        {
            "key": f"product-{row['id']}",
            "name": row["name"],
            "priceMode": "Standalone",
            "variants": [{"sku": each["sku"]} for each in row.get("variants") or [row]],
        }
        for row in rows
    ]


def customers_of(rows: list[Json], instance: str) -> list[Json]:
    """Return the registered customers of a seed in the form of the control call ``customers``."""
    names = {
        "first_name": "firstName", "last_name": "lastName", "company": "company",
        "address1": "streetName", "address2": "additionalStreetInfo", "city": "city",
        "state_or_province": "state", "postal_code": "postalCode", "country_code": "country",
        "phone": "phone",
    }  # fmt: skip
    return [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{instance}/customer/{row['id']}")),
            "email": row["email"],
            "firstName": row["first_name"],
            "lastName": row["last_name"],
            "companyName": row["company"],
            "addresses": [
                {"id": f"A{each['id']}"}
                | {new: each[old] for old, new in names.items() if each.get(old)}
                for each in row["addresses"]
            ],
        }
        for row in rows
    ]


def _moment(seed: Json, name: str) -> str:
    value = seed.get(name)
    try:
        moment = parsedate_to_datetime(str(value))
    except ValueError:
        raise ValueError(f"{name}: {value!r} is not a date") from None
    return written(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _address(given: Json) -> Json:
    names = {
        "first_name": "firstName", "last_name": "lastName", "company": "company",
        "street_1": "streetName", "street_2": "additionalStreetInfo", "city": "city",
        "state": "state", "zip": "postalCode", "phone": "phone", "email": "email",
    }  # fmt: skip
    found = {new: given[old] for old, new in names.items() if given.get(old)}
    return found | {"country": given.get("country_iso2") or ""}


def _shipping(seed: Json, pricing: Pricing, places: list[Place]) -> Json:
    addresses = seed.get("shipping_addresses") or []
    infos = [
        {"shippingMethodName": each.get("shipping_method") or ""} | pricing.charge(each, "cost")
        for each in addresses
    ]
    if len(places) > 1:
        rows = zip(places, infos, strict=True)
        entries = [
            {"shippingKey": place.key, "shippingAddress": place.address, "shippingInfo": info}
            for place, info in rows
        ]
        return {"shippingMode": "Multiple", "shippingInfo": None, "shipping": entries}
    if places:
        return {"shippingInfo": infos[0], "shippingAddress": places[0].address}
    if pickups := seed.get("pickups"):
        name = pickups[0]["pickup_method_display_name"]
        return {"shippingInfo": {"shippingMethodName": name, "price": "0"}}
    return {}


def _custom_items(seed: Json, pricing: Pricing) -> list[Json]:
    found = []
    for each in seed.get("products") or ():
        if each["type"] == "giftcertificate":
            found.append(custom_item(each["name"], "gift-certificate", pricing.line(each)))
        found.append(custom_item("Gift wrap", "gift-wrap", pricing.charge(each, "wrapping_cost")))
    for each in seed.get("shipping_addresses") or ():
        found.append(custom_item("Handling", "handling", pricing.charge(each, "handling_cost")))
    for each in seed.get("fees") or ():
        name = each["display_name_customer"]
        found.append(custom_item(name, "fee", pricing.charge(each, "cost")))
    return [item for item in found if item["totalPrice"]["centAmount"]]


def _payments(seed: Json, pricing: Pricing) -> list[Json]:
    made = []
    for each in seed.get("transactions") or ():
        try:
            amount = Decimal(str(each["amount"]))
        except InvalidOperation:
            raise ValueError(f"transactions: {each['amount']!r} is not an amount") from None
        state = "Failure" if each.get("status") == "error" else "Success"
        reference = each.get("gateway_transaction_id") or ""
        event = {
            "type": EVENTS.get(each["event"], "Charge"),
            "state": state,
            "amount": str(amount),
            "interactionId": reference,
            "timestamp": written(datetime.fromisoformat(each["date_created"])),
        }
        method = METHODS.get(each["method"]) or seed.get("payment_method") or each["method"]
        made.append(
            {
                "interfaceId": reference,
                "amountPlanned": str(amount),
                "paymentMethodInfo": {"paymentInterface": each["gateway"], "method": method},
                "transactions": [event],
            }
        )
    if not made and (method := seed.get("payment_method")):
        info = {"paymentInterface": method, "method": method}
        total = str(pricing.amount(seed, "total_inc_tax"))
        made.append({"amountPlanned": total, "paymentMethodInfo": info, "transactions": []})
    return made


def _custom_fields(seed: Json) -> Json:
    fields = {}
    if message := seed.get("customer_message"):
        fields[NOTE_FIELD] = message
    for each in seed.get("pickups") or ():
        fields[PICKUP_FIELD] = each["location"]["code"]
    kind = {"typeId": "type", "id": str(uuid5(NAMESPACE_URL, "order-fields"))}
    return {"custom": {"type": kind, "fields": fields}} if fields else {}
