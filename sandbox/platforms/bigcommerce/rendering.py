"""Renders a complete order document as V2 serves it: header, links, consignments.

The order list is the hot path, so header and expanded consignments are rendered to bytes once and
joined for each answer.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.platforms.bigcommerce import documents, lines, money

Json = dict[str, Any]


class Links:
    """Builds the ``{url, resource}`` links of one store.

    They have the vendor's host; their paths resolve at whatever host the store is called.
    """

    def __init__(self, store_hash: str) -> None:
        self.base = f"https://api.bigcommerce.com/stores/{store_hash}/v2"

    def to(self, order_id: int, resource: str) -> Json:
        """Link to a resource of an order."""
        path = f"/orders/{order_id}/{resource}"
        return {"url": self.base + path, "resource": path}


def render_head(document: Json, links: Links) -> bytes:
    """Render the header and its links without the closing brace, so that more fields can follow."""
    order = document["order"]
    number = order["id"]
    order = order | {
        "products": links.to(number, "products"),
        "shipping_addresses": links.to(number, "shippingaddresses"),
        "coupons": links.to(number, "coupons"),
    }
    return orjson.dumps(order)[:-1]


def consignments(document: Json, links: Links, expanded: bool) -> Json:
    """Build the consignments object; ``expanded`` has order products instead of links to them."""
    number = document["order"]["id"]

    def items(chosen: list[Json]) -> list[Json]:
        return (
            chosen if expanded else [links.to(number, f"products/{line['id']}") for line in chosen]
        )

    products = document["products"]
    digital = [line for line in products if line["type"] == "digital"]
    certificates = [line for line in products if line["type"] == "giftcertificate"]
    return {
        "pickups": [
            pickup
            | {
                "line_items": items(
                    [line for line in products if line["order_pickup_method_id"] == pickup["id"]]
                )
            }
            for pickup in document["pickups"]
        ],
        "shipping": [
            _shipping(
                address,
                items([line for line in products if line["order_address_id"] == address["id"]]),
                number,
                links,
            )
            for address in document["shipping_addresses"]
        ],
        "downloads": [document["downloads"] | {"line_items": items(digital)}] if digital else [],
        "email": {
            "gift_certificates": [
                document["gift_certificates"] | {"line_items": items(certificates)}
            ]
            if certificates
            else []
        },
    }


def _shipping(address: Json, items: list[Json], number: int, links: Links) -> Json:
    """Build one entry; costs are numbers here, strings in ``/shipping_addresses``."""
    entry = {key: value for key, value in address.items() if key != "order_id"}
    entry |= {key: money.number_or_text(entry[key]) for key in lines.COSTS}
    quotes = links.to(number, f"consignments/shipping/{address['id']}/shipping_quotes")
    return entry | {"line_items": items, "shipping_quotes": quotes}


def shipping_address(address: Json, links: Links) -> Json:
    """Build one entry of ``GET /v2/orders/{id}/shipping_addresses``."""
    quotes = links.to(address["order_id"], f"shippingaddresses/{address['id']}/shippingquotes")
    return address | {"shipping_quotes": quotes}


def compression_sample(links: Links) -> bytes:
    """Build the compression dictionary: one order in all its forms."""
    line = {"sku": "SKU-1", "name": "Sample", "price_ex_tax": "10", "price_inc_tax": "11"}
    given = {
        "products": [line, line],
        "shipping_addresses": [{"city": "Austin"}],
        "billing_address": {"email": "jane@example.com"},
    }
    document = documents.complete(given, documents.Ids(), 1_700_000_000)
    expanded = orjson.dumps(consignments(document, links, expanded=True))
    return orjson.dumps(document) + expanded + render_head(document, links)
