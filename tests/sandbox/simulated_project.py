"""A client for one simulated commercetools project, and the order that most tests place."""

from __future__ import annotations

from typing import Any

import httpx

from tests import loopback

Json = dict[str, Any]
AT = "2026-03-04T10:00:00.000Z"
ADDRESS: Json = {
    "firstName": "Jane", "lastName": "Doe", "streetName": "Main Street", "streetNumber": "123",
    "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US",
    "phone": "+15125550100", "email": "jane.doe@example.com",
}  # fmt: skip


class Project:
    """One project of the running sandbox, with clients for its API and its control."""

    def __init__(self, base: str, name: str) -> None:
        self.name, self.url = name, f"{base}/commercetools/{name}"
        self.control = loopback.client(f"{base}/_sandbox/commercetools/{name}")
        self.api = loopback.client(f"{self.url}/{name}")
        self.renew()

    def token(self, **changes: Any) -> httpx.Response:
        """Ask for a token."""
        given: Json = {
            "data": {"grant_type": "client_credentials"},
            "auth": ("lockstep", f"sandbox-secret-{self.name}"),
        }
        return loopback.request("POST", f"{self.url}/oauth/token", **(given | changes))

    def renew(self) -> None:
        """Use a new token."""
        token = self.token().raise_for_status().json()["access_token"]
        self.api.headers["Authorization"] = f"Bearer {token}"

    def set(self, path: str, body: Any, method: str = "POST") -> Json:
        """Make a control call that must succeed."""
        answer = self.control.request(method, f"/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def place(self, *orders: Json) -> list[str]:
        """Place orders and return their ids."""
        ids: list[str] = self.set("orders", list(orders))["ids"]
        return ids

    def order(self, identifier: str, **query: Any) -> Json:
        """Read one order."""
        found: Json = self.api.get(f"/orders/{identifier}", params=query).json()
        return found

    def update(self, order: Json, *actions: Json) -> httpx.Response:
        """Update an order in the version that is given."""
        body = {"version": order["version"], "actions": list(actions)}
        return self.api.post(f"/orders/{order['id']}", json=body)

    def query(self, path: str = "/orders", **query: Any) -> httpx.Response:
        """Query a resource."""
        return self.api.get(path, params=query)


def an_order(number: str = "1001", at: str = AT, **fields: Any) -> Json:
    """Return an order of two lines with 20 % tax, 5.00 for shipping and a payment."""
    payment = {
        "interfaceId": "psp-1",
        "amountPlanned": "46.80",
        "paymentMethodInfo": {"paymentInterface": "STRIPE", "method": "CREDIT_CARD"},
        "transactions": [
            {
                "type": "Authorization",
                "state": "Success",
                "amount": "46.80",
                "interactionId": "auth-1",
                "timestamp": at,
            },
        ],
    }
    return {
        "orderNumber": number,
        "createdAt": at,
        "currency": "USD",
        "customerEmail": "jane.doe@example.com",
        "locale": "en-US",
        "billingAddress": ADDRESS,
        "shippingAddress": ADDRESS,
        "shippingInfo": {"shippingMethodName": "Ground", "price": "5.00", "taxRate": 0.2},
        "lineItems": [
            {"sku": "MUG", "quantity": 3, "price": "10.00", "discounted": "8.00", "taxRate": 0.2},
            {"sku": "LAMP", "quantity": 1, "price": "10.00", "taxRate": 0.2},
        ],
        "payments": [payment],
    } | fields
