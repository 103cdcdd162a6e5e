"""One simulated org, called in this process, and the order that most tests place."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from sandbox.platforms.salesforce.org import DATA, Org
from sandbox.system import Request, Response

Json = dict[str, Any]
AT = "2026-03-04T10:00:00Z"
STREET = {"Street": "123 Main Street", "City": "Austin", "State": "TX", "PostalCode": "78701"}
PLACE = {**STREET, "Country": "US"}


class Caller:
    """An org with a session of its own."""

    def __init__(self, name: str = "acme") -> None:
        self.org = Org(name)
        self.renew()

    def token(self, **form: str) -> Response:
        """Ask for a token."""
        given = {
            "grant_type": "client_credentials",
            "client_id": "lockstep",
            "client_secret": f"sandbox-secret-{self.org.instance}",
        }
        body = urlencode(given | form).encode()
        headers = {"host": "127.0.0.1:7000"}
        return self.org.handle(Request("POST", "/services/oauth2/token", {}, headers, body))

    def renew(self) -> None:
        """Use a new token."""
        self.session = orjson.loads(self.token().body)["access_token"]

    def call(self, method: str, path: str, body: object = None, **query: str) -> Response:
        """Call the data API."""
        params = {name: [value] for name, value in query.items()}
        headers = {"authorization": f"Bearer {self.session}"}
        content = b"" if body is None else orjson.dumps(body)
        return self.org.handle(Request(method, f"{DATA}{path}", params, headers, content))

    def query(self, text: str) -> Json:
        """Run a query that must succeed."""
        answer = self.call("GET", "/query", q=text)
        assert answer.status == 200, answer.body
        found: Json = orjson.loads(answer.body)
        return found

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Make a control call that must succeed."""
        content = b"" if body is None else orjson.dumps(body)
        answer = self.org.control(Request(method, f"/{path}", {}, {}, content))
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)

    def place(self, *numbers: str, **changes: Any) -> list[str]:
        """Place orders and return their ids."""
        ids: list[str] = self.control("orders", [an_order(n, **changes) for n in numbers])["ids"]
        return ids


def an_order(number: str, at: str = AT, **changes: Any) -> Json:
    """Return an order of three mugs and a shirt, with a discount, shipping and tax."""
    group = {f"DeliverTo{name}": value for name, value in PLACE.items()} | {
        "DeliverToName": "Jane Doe",
        "EmailAddress": "jane.doe@example.com",
        "PhoneNumber": "+1 512-555-0100",
        "method": "Ground",
    }
    return {
        "OrderNumber": number,
        "Status": "Approved",
        "OrderedDate": at,
        "at": at,
        "CurrencyIsoCode": "USD",
        "TaxLocaleType": "Net",
        "name": "Jane Doe",
        "BillingEmailAddress": "jane.doe@example.com",
        "BillingPhoneNumber": "+1 512-555-0100",
        **{f"Billing{name}": value for name, value in PLACE.items()},
        "GrandTotalAmount": 54.13,
        "TotalTaxAmount": 4.13,
        "groups": [group],
        "items": [
            an_item(
                "MUG",
                3,
                10.0,
                2.48,
                adjustments=[{"Name": "SPRING", "Amount": -3.0, "TotalAmtWithTax": -3.25}],
            ),
            an_item("SHIRT-S", 1, 18.0, 1.24),
            an_item("Shipping", 1, 5.0, 0.41, Type="Delivery Charge"),
        ],
        "payments": [
            {
                "Method": "Visa",
                "AuthorizationAmount": 54.13,
                "authorizations": [
                    {
                        "GatewayRefNumber": "auth-1",
                        "Amount": 54.13,
                        "Status": "Processed",
                        "EffectiveDate": at,
                    },
                ],
            },
        ],
        **changes,
    }


def an_item(sku: str, quantity: int, price: float, tax: float, **changes: Any) -> Json:
    """Return an item of an order, priced without its tax."""
    adjustments = changes.get("adjustments", [])
    off = sum(each["Amount"] for each in adjustments)
    line = round(quantity * price, 2)
    return {
        "sku": sku,
        "Name": sku.title(),
        "Type": "Order Product",
        "Quantity": float(quantity),
        "UnitPrice": price,
        "GrossUnitPrice": price,
        "TotalLineAmount": line,
        "TotalLineAmountWithTax": line,
        "TotalPrice": line + off,
        "TotalTaxAmount": tax,
        "TotalAmtWithTax": round(line + off + tax, 2),
        "group": 0,
        **changes,
    }
