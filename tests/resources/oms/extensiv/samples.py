"""Settings and documents that the tests of the Extensiv connector share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import orjson

from domain.policies import SecretRef
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.retries import RetryPolicy
from resources.oms.extensiv.settings import ExtensivSettings

Json = dict[str, Any]
Handler = Callable[[httpx.Request], httpx.Response]


def settings_of(**changes: Any) -> ExtensivSettings:
    """Build settings of an account."""
    values: Json = {
        "base_url": "http://127.0.0.1:9/v1",
        "merchant": "acme",
        "cart_user": "1",
        "cart_key": SecretRef(env="CART_KEY"),
        "merchant_user": "2",
        "merchant_key": SecretRef(env="MERCHANT_KEY"),
    }
    return ExtensivSettings(**{**values, **changes})


def client_of(handler: Handler) -> ApiClient:
    """Build a client whose calls are answered in this process."""
    policy = ClientPolicy(
        system="extensiv",
        base_url="http://127.0.0.1:9/v1",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=10_000, window_seconds=1),
        retry=RetryPolicy(attempts=2, base=0.001, cap=0.001),
    )
    return ApiClient(policy, transport=httpx.MockTransport(handler))


def always(answer: httpx.Response) -> Handler:
    """Answer every call equally."""
    return lambda _: answer


def ok(response: Any, **headers: str) -> httpx.Response:
    """Answer a success."""
    body = orjson.dumps({"success_code": True, "response": response})
    return httpx.Response(200, content=body, headers=headers)


def refused(code: str, message: str, **more: Any) -> httpx.Response:
    """Answer a business error, in a 200."""
    body = {"success_code": False, "error_code": code, "message": message, **more}
    return httpx.Response(200, content=orjson.dumps(body))


def view(*shipments: Json, **fields: Any) -> bytes:
    """Return an order as the account shows it: 2 SKU-1 and 1 SKU-2 at the warehouse."""
    document: Json = {
        "cust_ref": "T-1",
        "order_status": "at_wms",
        "updated_date_time": "2026-03-04T05:06:07+00:00",
        "on_hold": "N",
        "sending_canceled": "N",
        "custom_field_1": "1",
        "items": [
            {"line_item_id": "11", "item": "SKU-1", "quantity": "2"},
            {"line_item_id": "12", "item": "SKU-2", "quantity": "1"},
        ],
        "shipments": list(shipments),
    }
    return orjson.dumps(document | fields)


def shipment(*items: tuple[str, object], **fields: Any) -> Json:
    """Return a shipment of SKUs and units in carton 1."""
    return {
        "carrier": "UPS",
        "method": "Ground",
        "tracking_no": "1Z5R89390357567127",
        "date": "2026-03-05",
        "items": [{"item": sku, "quantity": n, "carton_num": 1} for sku, n in items],
    } | fields
