"""A client for one simulated BigCommerce store, and the order that most of its tests place."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from tests import loopback

Json = dict[str, Any]

EXPANDED = {"include": "consignments.line_items", "consignment_structure": "object"}
START = 1_700_000_000


class Store:
    """One store of the running sandbox, with a client for its API and one for its control."""

    def __init__(self, base: str, name: str) -> None:
        self.api = loopback.client(
            f"{base}/bigcommerce/{name}/stores/{name}",
            headers={"X-Auth-Token": f"sandbox-token-{name}"},
        )
        self.control = loopback.client(f"{base}/_sandbox/bigcommerce/{name}")

    def place(self, *orders: Json) -> list[int]:
        """Place orders and return their ids."""
        answer = self.control.post("/orders", json=list(orders))
        assert answer.status_code == 200, answer.text
        ids: list[int] = answer.json()["ids"]
        return ids

    def listed(self, **query: Any) -> list[int]:
        """List orders and return their ids."""
        answer = self.api.get("/v2/orders", params=query)
        assert answer.status_code in (200, 204), answer.text
        return [order["id"] for order in answer.json()] if answer.status_code == 200 else []

    def order(self, number: int) -> Json:
        """Read one order with its lines."""
        answer: Json = self.api.get(f"/v2/orders/{number}", params=EXPANDED).json()
        return answer

    def ship(self, number: int, items: dict[int, int], **fields: Any) -> httpx.Response:
        """Ship quantities by line id from the order's first address."""
        address = self.order(number)["consignments"]["shipping"][0]["id"]
        entries = [
            {"order_product_id": line, "quantity": quantity} for line, quantity in items.items()
        ]
        return self.api.post(
            f"/v2/orders/{number}/shipments",
            json={"order_address_id": address, "items": entries} | fields,
        )

    def lines(self, name: str) -> list[Json]:
        """Read an NDJSON control answer."""
        return [orjson.loads(line) for line in self.control.get(f"/{name}").content.splitlines()]


def an_order(**fields: Any) -> Json:
    """Return an order with two physical lines and a digital one."""
    lines = [
        {"sku": "A", "price_ex_tax": "10.00", "price_inc_tax": "11.00", "quantity": 2},
        {"sku": "B", "price_ex_tax": "5.00", "price_inc_tax": "5.50", "quantity": 1},
        {"sku": "D", "type": "digital", "price_ex_tax": "1.00"},
    ]
    address = {
        "first_name": "Jo",
        "city": "Austin",
        "zip": "78701",
        "cost_ex_tax": "4.00",
        "cost_inc_tax": "4.40",
    }
    billing = {"email": "jo@example.com", "zip": "78701"}
    return {
        "products": lines,
        "shipping_addresses": [address],
        "billing_address": billing,
        "date_created": START,
    } | fields
