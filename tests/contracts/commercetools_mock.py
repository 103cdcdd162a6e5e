"""An independent simulation of commercetools, run by Node as a process of the test's own.

``make test`` installs it from the npm registry (``tests/contracts/npm``) where Node is present.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import loopback

Json = dict[str, Any]
INSTALLED = Path(sys.prefix) / "commercetools-mock"
START = Path(__file__).parent / "npm" / "start.mjs"
NODE_MAJOR = 20
SECONDS_TO_START = 60.0
ADDRESS: Json = {
    "firstName": "Jane", "lastName": "Doe", "streetName": "Main Street", "streetNumber": "123",
    "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US",
    "phone": "+15125550100", "email": "jane.doe@example.com",
}  # fmt: skip
WARRANTY: Json = {
    "type": {"name": "text"},
    "name": "warranty",
    "label": {"en": "Warranty"},
    "isRequired": False,
}
TAX: Json = {"name": "20 %", "amount": 0.2, "includedInPrice": False, "country": "US"}


def needs_mock() -> str:
    """Return the path of Node; skip the test where Node or the simulation is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"needs Node {NODE_MAJOR} or newer on the PATH (Debian's package nodejs)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < NODE_MAJOR:
        pytest.skip(f"needs Node {NODE_MAJOR} or newer, this is {version.strip()}")
    if not (INSTALLED / ".installed").is_file():
        pytest.skip("needs @labdigital/commercetools-mock (make commercetools-mock installs it)")
    return node


@contextmanager
def running_mock() -> Iterator[str]:
    """Start the simulation on a free port of 127.0.0.1, and yield its URL."""
    command = [needs_mock(), str(START), str(INSTALLED)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        limit = Timer(SECONDS_TO_START, process.kill)
        limit.start()
        port = process.stdout.readline().strip()
        limit.cancel()
        assert port.isdigit(), f"the simulation did not start: {process.stderr.read()[-2000:]}"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            process.wait(timeout=30)


class MockProject:
    """One project of the simulation, set up through the vendor's own API."""

    def __init__(self, url: str) -> None:
        self.url, self.name = url, f"p{uuid4().hex[:10]}"
        self.api = loopback.client(f"{url}/{self.name}")
        form = {"grant_type": "client_credentials"}
        answer = loopback.request("POST", f"{url}/oauth/token", data=form, auth=("any", "any"))
        self.api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._made: dict[str, str] = {}

    def make(self, path: str, draft: Json) -> Json:
        """Create a resource."""
        answer = self.api.post(f"/{path}", json=draft)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def get(self, path: str, **query: Any) -> Any:
        """Read a resource."""
        answer = self.api.get(f"/{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def update(self, path: str, resource: Json, *actions: Json) -> httpx.Response:
        """Update a resource in the version that is given."""
        body = {"version": resource["version"], "actions": list(actions)}
        return self.api.post(f"/{path}/{resource['id']}", json=body)

    def product(self, *skus: str) -> None:
        """Publish a product whose variants have these SKUs."""
        plain = {"name": "Plain", "key": "plain", "description": "-", "attributes": [WARRANTY]}
        kind = self._once("product-types", plain)
        first, *others = ({"sku": sku} for sku in skus)
        draft = {
            "productType": {"typeId": "product-type", "id": kind},
            "name": {"en": skus[0]},
            "slug": {"en": skus[0].lower()},
            "masterVariant": first,
            "variants": others,
            "publish": True,
            "priceMode": "Standalone",
        }
        self.make("products", draft)

    def order(self, number: str, **fields: Any) -> Json:
        """Import an order of two lines, 20 % tax on top, 5.00 for shipping and a payment.

        The products must exist: MUG and LAMP.
        """
        lines = [import_line("MUG", 3, 1000), import_line("LAMP", 1, 1500)]
        shipping = {
            "shippingMethodName": "Ground",
            "price": _cents(500),
            "shippingRate": {"price": _cents(500)},
            "shippingMethod": {"typeId": "shipping-method", "id": self._shipping_method()},
        }
        draft: Json = {
            "orderNumber": number,
            "customerEmail": "jane.doe@example.com",
            "totalPrice": _cents(5000),
            "shippingAddress": ADDRESS,
            "billingAddress": ADDRESS,
            "lineItems": lines,
            "shippingInfo": shipping,
        }
        order = self.make("orders/import", draft | fields)
        payment = self.make("payments", _payment(6000))
        action = {"action": "addPayment", "payment": {"typeId": "payment", "id": payment["id"]}}
        changed: Json = self.update("orders", order, action).json()
        return changed

    def _shipping_method(self) -> str:
        rates = {"name": "Standard", "key": "standard", "rates": [TAX]}
        tax = self._once("tax-categories", rates)
        zone = self._once("zones", {"name": "US", "key": "us", "locations": [{"country": "US"}]})
        rate = {"zone": {"typeId": "zone", "id": zone}, "shippingRates": [{"price": _cents(500)}]}
        draft = {
            "key": "ground",
            "name": "Ground",
            "isDefault": True,
            "zoneRates": [rate],
            "taxCategory": {"typeId": "tax-category", "id": tax},
        }
        return self._once("shipping-methods", draft)

    def _once(self, path: str, draft: Json) -> str:
        if path not in self._made:
            self._made[path] = self.make(path, draft)["id"]
        return self._made[path]

    def close(self) -> None:
        """Close the client."""
        self.api.close()


def _cents(amount: int) -> Json:
    return {"currencyCode": "USD", "centAmount": amount}


def import_line(sku: str, quantity: int, price: int) -> Json:
    """Return a line of an order to import; ``price`` in cents."""
    return {
        "name": {"en": sku},
        "variant": {"sku": sku},
        "quantity": quantity,
        "price": {"value": _cents(price)},
        "taxRate": TAX,
    }


def _payment(amount: int) -> Json:
    authorization = {
        "type": "Authorization",
        "state": "Success",
        "amount": _cents(amount),
        "interactionId": "auth-1",
        "timestamp": "2026-03-04T10:00:00.000Z",
    }
    return {
        "interfaceId": "psp-1",
        "amountPlanned": _cents(amount),
        "transactions": [authorization],
        "paymentMethodInfo": {"paymentInterface": "STRIPE", "method": "CREDIT_CARD"},
    }
