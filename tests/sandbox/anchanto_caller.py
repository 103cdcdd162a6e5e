"""A raw caller of a simulated Anchanto account, independent of the product's client."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import orjson

from sandbox.oms.anchanto import AnchantoAccount
from sandbox.system import Request, Response

Json = dict[str, Any]

BASE = "/rest/v1"
LOGIN = {"api_user": {"email": "sync@example.com", "password": "sandbox-anchanto-password"}}


def order_of(number: str = "T-1", **changes: Any) -> Json:
    """Return an order of two lines: 2 x 10.00 + 5.10 - 2.00 + 7.00 + 1.00."""
    return {
        "number": number,
        "store_code": "WEB",
        "status": "New",
        "currency_code": "USD",
        "order_date": "2026-03-04T05:06:07Z",
        "customer": {"name": "Ada Osei", "email": "ada@example.com", "phone": "+15125550100"},
        "shipping_address": {
            "first_name": "Ada",
            "last_name": "Osei",
            "address1": "1 Mill Lane",
            "city": "Austin",
            "state": "TX",
            "zipcode": "78701",
            "country_iso": "US",
        },
        "totals": {"subtotal": 25.1, "discount": 2.0, "shipping": 7.0, "tax": 1.0, "paid": 31.1},
        "order_items": [
            {"line_id": "11", "sku": "SKU-1", "quantity": 2, "unit_price": 10.0, "discount": 2.0},
            {"line_id": "12", "sku": "SKU-2", "quantity": 1, "unit_price": 5.1},
        ],
        **changes,
    }


class Caller:
    """One account with three SKUs and 100 of each in the warehouse EAST."""

    def __init__(self, account: AnchantoAccount | None = None, **settings: Any) -> None:
        self.account = account or AnchantoAccount("acme")
        self.control("settings", {"requests_per_second": 0, **settings})
        self.control("items", [{"sku": f"SKU-{n}", "name": f"Thing {n}"} for n in (1, 2, 3)])
        self.control(
            "supply", [{"item": f"SKU-{n}", "location": "EAST", "quantity": 100} for n in (1, 2, 3)]
        )
        self.jwt: str = self.ok("POST", "/login", LOGIN)["jwt"]

    def send(self, method: str, path: str, body: Any = None, jwt: str | None = None) -> Response:
        """Call the API with the token."""
        path, _, query = f"{BASE}{path}".partition("?")
        token = getattr(self, "jwt", "") if jwt is None else jwt
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        headers = {"authorization": token, "x-correlation-id": "ord-1"}
        return self.account.handle(Request(method, path, parse_qs(query), headers, content))

    def ok(self, method: str, path: str, body: Any = None) -> Json:
        """Call the API, require success and return the answer."""
        answer = self.send(method, path, body)
        assert answer.status == 200, answer.body
        found: Json = orjson.loads(answer.body)
        return found

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Call the API, require a refusal and return its status and text."""
        answer = self.send(method, path, body)
        found = orjson.loads(answer.body)
        assert found["response"] == "error", found
        return answer.status, found["message"]

    def create(self, number: str = "T-1", **changes: Any) -> Json:
        """Create an order and return what the account names of it."""
        found: Json = self.ok("POST", "/orders", {"order": order_of(number, **changes)})["data"]
        return found

    def view(self, number: str = "T-1") -> Json:
        """Read an order."""
        found: Json = self.ok("GET", f"/orders/{number}")["data"]["attributes"]
        return found

    def listed(self, query: str = "", path: str = "/orders", name: str = "number") -> list[str]:
        """Return the numbers in a list."""
        return [row["attributes"][name] for row in self.ok("GET", f"{path}?{query}")["data"]]

    def shipments(self, number: str = "T-1") -> list[Json]:
        """Return the shipments of an order."""
        rows = self.ok("GET", f"/shipments?filter[order_number][]={number}")["data"]
        return [row["attributes"] for row in rows]

    def stock(self) -> dict[tuple[str, str], tuple[float, float, float]]:
        """Return available, on hand and reserved units by SKU and warehouse."""
        rows = [row["attributes"] for row in self.ok("GET", "/stocks")["data"]]
        return {
            (row["sku"], row["warehouse_code"]): (row["available"], row["on_hand"], row["reserved"])
            for row in rows
        }

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call that must succeed."""
        answer = self.account.control(
            Request(method, f"/{path}", {}, {}, b"" if body is None else orjson.dumps(body))
        )
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)

    def advance(self, to: str, **plan: Any) -> Any:
        """Advance; deterministic unless rates are given."""
        rates = {"split_rate": 0, "partial_rate": 0, "cancel_rate": 0}
        return self.control("advance", {"to": to, **rates, **plan})

    def at(self, moment: str) -> None:
        """Freeze the account's clock."""
        self.control("clock", {"now": moment, "freeze": True})
