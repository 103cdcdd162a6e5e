"""A sandbox of its own for each test module, emptied of faults between tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.app import running_sandbox
from tests import loopback
from tests.resources.platforms.bigcommerce.stores import ADDRESS, HASH

Json = dict[str, Any]


class Shop:
    """What a test does to the simulated store from the merchant's side."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = loopback.client(f"{url}/_sandbox/bigcommerce/{HASH}")

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Make a control call and return its answer."""
        answer = self._http.request(method, f"/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if "ndjson" not in answer.headers["content-type"] else answer.text

    def read(self, path: str) -> Any:
        """Read from the store's own API, apart from the client under test."""
        headers = {"X-Auth-Token": f"sandbox-token-{HASH}"}
        return (
            loopback.request(
                "GET", f"{self.url}/bigcommerce/{HASH}/stores/{HASH}/{path}", headers=headers
            )
            .raise_for_status()
            .json()
        )

    def place(self, *documents: Json) -> list[int]:
        """Place orders that map without a problem, but for what a document says."""
        base: dict[str, Any] = {
            "billing_address": ADDRESS,
            "payment_method": "Credit Card",
            "payment_status": "captured",
        }
        address = ADDRESS | {"shipping_method": "Ground", "cost_ex_tax": 5, "cost_inc_tax": 5.5}
        base |= {
            "shipping_addresses": [address],
            "products": [
                {
                    "sku": "A-1",
                    "product_id": 111,
                    "quantity": 2,
                    "price_ex_tax": 10,
                    "price_inc_tax": 11,
                }
            ],
        }
        ids: list[int] = self.control(
            "POST", "orders", [base | document for document in documents]
        )["ids"]
        return ids

    def fault(self, **rule: Any) -> None:
        """Put a fault before the store."""
        self.control("POST", "faults", [rule])

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh store."""
    with running_sandbox() as sandbox:
        shop = Shop(sandbox.url)
        yield shop
        shop.close()
