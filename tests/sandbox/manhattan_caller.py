"""A raw caller of a simulated Manhattan tenant, independent of the product's client."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from sandbox.oms.manhattan import ManhattanTenant
from sandbox.system import Request, Response

Json = dict[str, Any]

SAVE = "/order/api/order/order/save"
SEARCH = "/order/api/order/order/search"
BY_ID = "/order/api/order/order/orderId/"
NETWORK = "/inventory/api/availability/availabilitydetail"
LOCATION = "/inventory/api/availability/location/availabilitydetail"


class Caller:
    """One tenant with three items and 100 of each at DC1, and a token for it."""

    def __init__(self, tenant: ManhattanTenant | None = None) -> None:
        self.tenant = tenant or ManhattanTenant("acme")
        self.token = orjson.loads(self.ask_token().body)["access_token"]
        self.control(
            "items",
            [{"ItemId": f"SKU-{n}", "UOM": "EA", "Description": f"Thing {n}"} for n in (1, 2, 3)],
        )
        self.control(
            "supply", [{"item": f"SKU-{n}", "location": "DC1", "quantity": 100} for n in (1, 2, 3)]
        )

    def ask_token(
        self,
        form: str = "grant_type=password&username=sync&password=sandbox-password",
        secret: str = "sandbox-secret",
    ) -> Response:
        """Ask for a token with a form and a client secret."""
        basic = base64.b64encode(f"lockstep:{secret}".encode()).decode()
        return self.tenant.handle(
            Request("POST", "/oauth/token", {}, {"authorization": f"Basic {basic}"}, form.encode())
        )

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Json]:
        """Call the API and return the code and the envelope."""
        sent = {
            "authorization": f"Bearer {self.token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        answer = self.tenant.handle(
            Request(method, path, {}, sent, b"" if body is None else orjson.dumps(body))
        )
        return answer.status, orjson.loads(answer.body)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, require success without errors and return the data."""
        status, envelope = self.call(method, path, body)
        assert (status, envelope["success"]) == (200, True), envelope
        assert not [
            entry for entry in envelope["messages"]["Message"] if entry["Type"] == "ERROR"
        ], envelope
        return envelope["data"]

    def save(self, order: Json) -> Any:
        """Save an order that must be accepted."""
        return self.ok("POST", SAVE, order)

    def read(self, order_id: str) -> Any:
        """Read an order."""
        return self.ok("GET", f"{BY_ID}{order_id}")

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call that must succeed."""
        answer = self.tenant.control(
            Request(method, f"/{path}", {}, {}, b"" if body is None else orjson.dumps(body))
        )
        assert answer.status == 200, answer.body
        if answer.headers["Content-Type"] == "application/x-ndjson":
            return [orjson.loads(line) for line in answer.body.splitlines()]
        return orjson.loads(answer.body)

    def effects(self) -> dict[str, Json]:
        """Read what the tenant holds, by OrderId."""
        return {row["OrderId"]: row for row in self.control("effects/orders", method="GET")}

    def advance(self, to: str, **plan: Any) -> Any:
        """Advance the day; deterministic unless rates are given."""
        return self.control(
            "advance",
            {
                "to": to,
                "split_rate": 0,
                "partial_rate": 0,
                "cancel_rate": 0,
                "no_carrier_rate": 0,
                **plan,
            },
        )


def order_of(order_id: str = "1001", quantities: tuple[int, ...] = (2,), **attributes: Any) -> Json:
    """Build a complete order with one line per quantity: SKU-1, SKU-2, ..."""
    lines = [
        {
            "OrderLineId": str(place),
            "ItemId": f"SKU-{place}",
            "Quantity": quantity,
            "UOM": "EA",
            "UnitPrice": 10.10,
            "ShippingMethodId": "Ground",
            "ShipToAddress": {"Address": {"FirstName": "Eva", "City": "Ghent", "Country": "BE"}},
            "OrderLineTaxDetail": [{"TaxDetailId": "vat", "TaxAmount": 0.40}],
        }
        for place, quantity in enumerate(quantities, 1)
    ]
    charge = {
        "ChargeDetailId": "shipping",
        "ChargeType": {"ChargeTypeId": "Shipping"},
        "ChargeTotal": 5.05,
    }
    base = {
        "OrderId": order_id,
        "AlternateOrderId": f"alt-{order_id}",
        "CurrencyCode": "EUR",
        "OrderChargeDetail": [charge],
    }
    return {**base, "OrderLine": lines, **attributes}


def codes_of(envelope: Json) -> list[str]:
    """List the codes of an answer's messages."""
    return [entry["Code"] for entry in envelope["messages"]["Message"]]
