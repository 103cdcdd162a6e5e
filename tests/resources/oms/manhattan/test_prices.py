"""Reading the rows of the price component."""

from __future__ import annotations

import httpx
import orjson

from domain.records.record import LONGEST_KEY
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.prices import PricesSource
from tests.resources.oms.manhattan.samples import settings_of


def test_the_longest_sku_and_list_keep_their_key_when_the_price_changes() -> None:
    """Under an id of its content a price that waits for approval would be lost with a change."""
    sku, place = "S" * LONGEST_KEY, "L" * LONGEST_KEY
    start = "2026-05-01T00:00:00.000000+00:00"

    def ids(amount: str) -> set[str]:
        row = {"ItemId": sku, "CurrencyCode": "USD", "BasePrice": amount, "SellingPrice": None}
        row |= {"PriceListId": {"PriceListId": place}, "EffectiveDate": start}
        answer = orjson.dumps({"success": True, "data": [row]})
        client = ApiClient(
            ClientPolicy(
                system="manhattan",
                base_url="https://acme.omni.manh.com",
                auth=NoAuth(),
                limiter=Limiter(LocalQuota(), "t", quota=1000, window_seconds=1.0),
            ),
            transport=httpx.MockTransport(lambda _: httpx.Response(200, content=answer)),
        )
        names = {"price_list": "PriceListId", "price_from": "EffectiveDate"}
        source = PricesSource(client, settings_of(names=names))
        return {record.source_id for page in source.read([sku]) for record in page.records}

    assert ids("12.50") == ids("13.50") == {f"{sku}@{place}/USD/{start}"}
