"""``/v2/orders/{id}/shipments``: what the store accepts, and the effect on the order."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.bigcommerce import dates, documents, money
from sandbox.platforms.bigcommerce.carriers import CUSTOM_PROVIDER, PROVIDERS, TRACKING_CARRIERS
from sandbox.platforms.bigcommerce.lines import PERSON
from sandbox.platforms.bigcommerce.replies import refuse_v2
from sandbox.platforms.bigcommerce.statuses import NAMES, PARTIALLY_SHIPPED, SHIPPED

Json = dict[str, Any]

LENGTHS = {
    "tracking_number": 50,
    "tracking_link": 500,
    "comments": 65535,
    "tracking_carrier": 255,
    "shipping_method": 255,
}
WRITABLE = {*LENGTHS, "order_address_id", "merchant_shipping_cost", "shipping_provider"}


def create(document: Json, body: Any, number: int, now: int) -> Json:
    """Add a shipment to an order document and return it; an invalid one is refused with 400."""
    _check_fields(body, WRITABLE | {"items"})
    for name in ("order_address_id", "items"):
        if not body.get(name):
            raise refuse_v2(400, f"The required field '{name}' was not supplied.")
    address = next(
        (
            entry
            for entry in document["shipping_addresses"]
            if entry["id"] == body["order_address_id"]
        ),
        None,
    )
    if address is None:
        raise refuse_v2(
            400,
            "The field 'order_address_id' is invalid: "
            f"order has no address {body['order_address_id']}.",
        )
    chosen = _check_items(document, body["items"], address["id"])
    for line, quantity in chosen:
        line["quantity_shipped"] += quantity
    shipment = _build(document, body, address, number, now)
    shipment["items"] = [
        {"order_product_id": line["id"], "product_id": line["product_id"], "quantity": quantity}
        for line, quantity in chosen
    ]
    document["shipments"].append(shipment)
    documents.recount(document)
    _advance(document, now)
    return shipment


def _build(document: Json, body: Json, address: Json, number: int, now: int) -> Json:
    order = document["order"]
    shipment: Json = {
        "id": number,
        "order_id": order["id"],
        "customer_id": int(order["customer_id"]),
        "order_address_id": address["id"],
        "date_created": dates.to_rfc2822(now),
        "tracking_number": "",
        "merchant_shipping_cost": money.ZERO,
        "shipping_method": address["shipping_method"],
        "comments": "",
        "shipping_provider": "",
        "tracking_carrier": "",
        "tracking_link": "",
        "billing_address": {key: order["billing_address"][key] for key in PERSON},
        "shipping_address": {key: address[key] for key in PERSON},
        "items": [],
    }
    return describe(shipment | {key: value for key, value in body.items() if key != "items"})


def describe(shipment: Json) -> Json:
    """Fill in the generated fields; the merchant's own link clears ``generated_tracking_link``."""
    provider, carrier, number = (
        shipment["shipping_provider"],
        shipment["tracking_carrier"],
        shipment["tracking_number"],
    )
    slug = carrier or provider
    generated = (
        f"https://track.aftership.com/{slug}/{number}"
        if slug and number and not shipment["tracking_link"]
        else ""
    )
    shipment["merchant_shipping_cost"] = money.to_money(shipment["merchant_shipping_cost"])
    shipment["shipping_provider_display_name"] = PROVIDERS.get(provider, provider)
    shipment["generated_tracking_link"] = generated
    return shipment


def _check_fields(body: Any, allowed: set[str]) -> None:
    if not isinstance(body, dict):
        raise refuse_v2(400, "The request body must be a JSON object.")
    for name in sorted(set(body) - allowed):
        raise refuse_v2(
            400,
            f"The field '{name}' cannot be written to. "
            "Please remove it from your request before trying again.",
        )
    for name, longest in LENGTHS.items():
        value = body.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            raise refuse_v2(
                400,
                f"The field '{name}' is invalid: at most {longest} characters of text are allowed.",
            )
    provider, carrier = body.get("shipping_provider", ""), body.get("tracking_carrier", "")
    if str(provider) not in PROVIDERS and not CUSTOM_PROVIDER.fullmatch(str(provider)):
        raise refuse_v2(
            400, f"The field 'shipping_provider' is invalid: {provider!r} is not a known provider."
        )
    try:
        money.to_decimal(body.get("merchant_shipping_cost"))
    except ValueError as reason:
        raise refuse_v2(400, f"The field 'merchant_shipping_cost' is invalid: {reason}") from reason
    if carrier and carrier not in TRACKING_CARRIERS:
        raise refuse_v2(
            400, f"The field 'tracking_carrier' is invalid: {carrier!r} is not a known carrier."
        )


def _check_items(document: Json, items: Any, address_id: int) -> list[tuple[Json, int]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise refuse_v2(400, "The field 'items' is invalid: it must be a list of objects.")
    known = {line["id"]: line for line in document["products"]}
    chosen: dict[int, int] = {}
    for item in items:
        for name in sorted(set(item) - {"order_product_id", "quantity"}):
            raise refuse_v2(
                400,
                f"The field 'items.{name}' cannot be written to. "
                "Please remove it from your request before trying again.",
            )
        number, quantity = item.get("order_product_id", 0), item.get("quantity")
        line = known.get(number) if isinstance(number, int) else None
        if line is None:
            raise refuse_v2(
                400,
                f"The field 'order_product_id' is invalid: order has no product {number}.",
            )
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            raise refuse_v2(
                400, f"The field 'quantity' is invalid: {quantity!r} of order product {line['id']}."
            )
        if line["type"] != "physical":
            raise refuse_v2(
                400, f"The order product {line['id']} is {line['type']} and cannot be shipped."
            )
        if line["order_address_id"] != address_id:
            raise refuse_v2(
                400, f"The order product {line['id']} does not ship to the address {address_id}."
            )
        chosen[line["id"]] = chosen.get(line["id"], 0) + quantity
        left = line["quantity"] - line["quantity_shipped"]
        if chosen[line["id"]] > left:
            raise refuse_v2(
                400,
                f"The quantity of order product {line['id']} is too large: "
                f"{chosen[line['id']]} requested, {left} left to ship.",
            )
    return [(known[number], quantity) for number, quantity in chosen.items()]


def _advance(document: Json, now: int) -> None:
    """Move the order to Shipped when no unit with an address is left, else to Partially Shipped."""
    order = document["order"]
    physical = [line for line in document["products"] if line["order_address_id"]]
    full = all(
        line["quantity_shipped"] + line["quantity_refunded"] >= line["quantity"]
        for line in physical
    )
    order["status_id"] = SHIPPED if full else PARTIALLY_SHIPPED
    order["status"] = order["custom_status"] = NAMES[order["status_id"]]
    if full:
        order["date_shipped"] = dates.to_rfc2822(now)


def update(shipment: Json, body: Any) -> None:
    """Change a shipment in place; its items can't be changed, only deleted and created again."""
    _check_fields(body, WRITABLE)
    shipment |= body
    describe(shipment)


def delete(document: Json, chosen: list[Json]) -> None:
    """Remove shipments and free their quantities; the order keeps its status, as at the vendor."""
    known = {line["id"]: line for line in document["products"]}
    for shipment in chosen:
        for item in shipment["items"]:
            if item["order_product_id"] in known:
                known[item["order_product_id"]]["quantity_shipped"] -= item["quantity"]
        document["shipments"].remove(shipment)
    documents.recount(document)
