"""Settings and documents that the tests of the Anchanto connector share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson

from domain.policies import SecretRef
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.retries import RetryPolicy
from resources.oms.anchanto.client import Reader
from resources.oms.anchanto.payload import join_order
from resources.oms.anchanto.settings import AnchantoSettings

Json = dict[str, Any]
Handler = Callable[[httpx.Request], httpx.Response]


def settings_of(**changes: Any) -> AnchantoSettings:
    """Build settings of an account."""
    values: Json = {
        "experimental": True,
        "base_url": "http://127.0.0.1:9/rest/v1",
        "account": "acme",
        "store_code": "WEB",
        "email": "sync@example.com",
        "password": SecretRef(env="ANCHANTO_PASSWORD"),
    }
    return AnchantoSettings.model_validate({**values, **changes})


def policy_of() -> ClientPolicy:
    """Build what the clients of an account share."""
    return ClientPolicy(
        system="anchanto",
        base_url="http://127.0.0.1:9/rest/v1",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=10_000, window_seconds=1),
        retry=RetryPolicy(attempts=2, base=0.001, cap=0.001),
    )


def reader_of(handler: Handler, settings: AnchantoSettings | None = None) -> Reader:
    """Build a reader whose calls are answered in this process."""
    client = ApiClient(policy_of(), transport=httpx.MockTransport(handler))
    return Reader(client, (settings or settings_of()).wire)


def listed(rows: Sequence[Json], request: httpx.Request) -> httpx.Response:
    """Answer the page of a list that is asked for."""
    number, size = (int(request.url.params[f"page[{name}]"]) for name in ("number", "size"))
    page = rows[(number - 1) * size : number * size]
    return httpx.Response(200, content=orjson.dumps({"data": page}))


def order_row(**fields: Any) -> Json:
    """Return an order as reads answer it: 2 SKU-1 and 1 SKU-2, at the warehouse."""
    document: Json = {
        "number": "T-1",
        "store_code": "WEB",
        "external_id": "1",
        "status": "Ready_for_Fulfilment",
        "created_at": "2026-03-04T05:00:00Z",
        "updated_at": "2026-03-04T05:06:07Z",
        "order_items": [
            {"line_id": "11", "sku": "SKU-1", "quantity": 2},
            {"line_id": "12", "sku": "SKU-2", "quantity": "1"},
        ],
    }
    return {"id": 1, "attributes": document | fields}


def shipment_row(*items: tuple[str, object], **fields: Any) -> Json:
    """Return a shipment that is ready to ship, of SKUs and units."""
    return {
        "order_number": "T-1",
        "shipment_number": "S1",
        "tracking_number": "1Z5R89390357567127",
        "carrier_code": "UPS",
        "carrier_name": "UPS Ground",
        "manifest_number": "",
        "status": "Ready_to_Ship",
        "shipped_at": None,
        "items": [{"sku": sku, "quantity": quantity} for sku, quantity in items],
    } | fields


def captured(*shipments: Json, **fields: Any) -> bytes:
    """Return an order with its shipments, as it is captured."""
    return join_order(orjson.dumps(order_row(**fields)), [orjson.dumps(row) for row in shipments])
