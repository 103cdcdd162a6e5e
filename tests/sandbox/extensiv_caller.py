"""A raw caller of a simulated Integration Manager account, independent of the product's client."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

import orjson

from sandbox.oms.extensiv import ExtensivAccount
from sandbox.system import Request, Response

Json = dict[str, Any]

CREATE = "/v1/cart/orders/cartrover"
CANCEL = "/v1/cart/orders/cancel/cartrover"
STOCK = "/v1/merchant/inventory"


def order_of(cust_ref: str = "T-1", **changes: Any) -> Json:
    """Return an order of two lines whose amounts add up: 2 x 10.00 + 5.10 + 1.00 + 7.00 - 2.00."""
    return {
        "cust_ref": cust_ref,
        "cust_po_no": cust_ref.removeprefix("T-"),
        "order_date": "2026-03-04",
        "ship_first_name": "Ada",
        "ship_last_name": "Osei",
        "ship_address_1": "1 Mill Lane",
        "ship_city": "Austin",
        "ship_state": "TX",
        "ship_zip": "78701",
        "ship_country": "USA",
        "ship_code": "Ground",
        "sub_total": 25.1,
        "sales_tax": 1.0,
        "shipping_handling": 7.0,
        "order_discount": 2.0,
        "grand_total": 31.1,
        "items": [
            {
                "line_no": 1,
                "line_item_id": "11",
                "item": "SKU-1",
                "quantity": 2,
                "price": 10.0,
                "addl_discount": 2.0,
                "extended_amount": 20.0,
            },
            {"line_no": 2, "line_item_id": "12", "item": "SKU-2", "quantity": 1, "price": 5.1},
        ],
        **changes,
    }


class Caller:
    """One account with three products and 100 of each in the warehouse EAST."""

    def __init__(self, account: ExtensivAccount | None = None, **settings: Any) -> None:
        self.account = account or ExtensivAccount("acme")
        self.control("settings", {"bucket": 0, **settings})
        self.control("items", [{"sku": f"SKU-{n}", "name": f"Thing {n}"} for n in (1, 2, 3)])
        self.control(
            "supply", [{"item": f"SKU-{n}", "location": "EAST", "quantity": 100} for n in (1, 2, 3)]
        )

    def send(
        self, method: str, path: str, body: bytes = b"", *, level: str = "", key: str = ""
    ) -> Response:
        """Call the API with the key of the path's level."""
        path, _, query = path.partition("?")
        level = level or path.split("/")[2]
        given = f"{level}-user:{key or f'sandbox-{level}-key'}"
        headers = {"authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}
        return self.account.handle(Request(method, path, parse_qs(query), headers, body))

    def call(self, method: str, path: str, body: Any = None, **more: str) -> Json:
        """Call the API, which answers 200, and return the envelope."""
        answer = self.send(method, path, b"" if body is None else orjson.dumps(body), **more)
        assert answer.status == 200, answer.body
        envelope: Json = orjson.loads(answer.body)
        return envelope

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, require success and return what it answers."""
        envelope = self.call(method, path, body)
        assert envelope["success_code"] is True, envelope
        return envelope.get("response", envelope)

    def refused(self, method: str, path: str, body: Any = None) -> tuple[str, str]:
        """Call the API, require a refusal and return its code and text."""
        envelope = self.call(method, path, body)
        assert envelope["success_code"] is False, envelope
        return envelope["error_code"], envelope.get("message") or envelope["status_message"]

    def view(self, cust_ref: str = "T-1") -> Json:
        """Read an order."""
        found: Json = self.ok("GET", f"/v1/merchant/orders/{cust_ref}")
        return found

    def listed(self, name: str, query: str = "") -> list[str]:
        """Return the ids of the orders in a list."""
        rows = self.ok("GET", f"/v1/merchant/orders/list/{name}?{query}")
        return [row["cust_ref"] for row in rows]

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call that must succeed."""
        answer = self.account.control(
            Request(method, f"/{path}", {}, {}, b"" if body is None else orjson.dumps(body))
        )
        assert answer.status == 200, answer.body
        if answer.headers["Content-Type"] == "application/x-ndjson":
            return [orjson.loads(line) for line in answer.body.splitlines()]
        return orjson.loads(answer.body)

    def advance(self, to: str, **plan: Any) -> Any:
        """Advance; deterministic unless rates are given."""
        rates = {"split_rate": 0, "partial_rate": 0, "cancel_rate": 0}
        return self.control("advance", {"to": to, **rates, **plan})

    def at(self, moment: str) -> None:
        """Freeze the account's clock."""
        self.control("clock", {"now": moment, "freeze": True})
