"""Carriers at a store: only values that the vendor publishes are sent, other carriers as text."""

from __future__ import annotations

from typing import Any

import pytest

from domain.carriers.carriers import CARRIER_ALIASES
from resources.platforms.bigcommerce.statuses import SHIPPING_PROVIDERS, TRACKING_CARRIERS
from sandbox.platforms.bigcommerce import carriers as published
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import StoreCalls
from tests.resources.platforms.bigcommerce.test_writing import shipment, writing

NAMES = ("tracking_carrier", "shipping_provider", "shipping_method")


def test_every_value_is_one_that_the_vendor_publishes() -> None:
    """Each carrier that Lockstep knows has a published carrier or provider, and not both."""
    assert set(TRACKING_CARRIERS.values()) <= published.TRACKING_CARRIERS
    assert set(SHIPPING_PROVIDERS.values()) <= published.PROVIDERS.keys()
    assert TRACKING_CARRIERS.keys() | SHIPPING_PROVIDERS.keys() == CARRIER_ALIASES.keys()
    assert not TRACKING_CARRIERS.keys() & SHIPPING_PROVIDERS.keys()


def sent(shop: Shop, settings: dict[str, Any] | None = None, **parcel: object) -> list[str]:
    """Create a shipment and return how the store names its carrier."""
    [order_id] = shop.place({})
    request = shipment(shop, order_id, **parcel)

    async def use(writer: StoreCalls) -> None:
        receipt = await writer.create_shipment(request, "ord-1")
        await writer.update_shipment(receipt.target_id, request, "ord-1")

    writing(shop, use, **(settings or {}))
    [held] = shop.read(f"v2/orders/{order_id}/shipments")
    return [held[name] for name in NAMES]


def test_the_store_takes_every_carrier(shop: Shop) -> None:
    """A store that refuses unpublished values refuses none of them, and keeps each."""
    for code in sorted(CARRIER_ALIASES):
        carrier, provider, _ = sent(shop, carrier=code, service="Ground")
        known = (TRACKING_CARRIERS.get(code, ""), SHIPPING_PROVIDERS.get(code, ""))
        assert (carrier, provider) == known


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("evri", ["myhermes-uk", "", "48 h"]),
        ("old_dominion", ["old-dominion", "", "48 h"]),
        ("speedee", ["speedee", "", "48 h"]),
        ("royal_mail", ["", "royalmail", "48 h"]),
    ],
)
def test_carriers_whose_published_name_is_unlike_ours(
    shop: Shop, code: str, expected: list[str]
) -> None:
    """The store's own values, not the carriers' present names."""
    assert sent(shop, carrier=code, service="48 h") == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"tracking_carriers": {"royal_mail": "parcel-force"}}, ["parcel-force", ""]),
        ({"shipping_providers": {"royal_mail": "carrier_7"}}, ["", "carrier_7"]),
        ({"shipping_providers": {"usps": "endicia"}}, ["", "royalmail"]),
    ],
)
def test_a_setting_of_either_kind_replaces_the_built_in_value(
    shop: Shop, settings: dict[str, Any], expected: list[str]
) -> None:
    """A carrier that is built in as a provider can be set as a tracking carrier, too."""
    assert sent(shop, settings, carrier="royal_mail")[:2] == expected


@pytest.mark.parametrize(
    ("parcel", "method"),
    [
        ({"carrier": None, "carrier_name": "STARTRACK", "service": "Express"}, "STARTRACK Express"),
        ({"carrier": None, "carrier_name": "Local Van", "service": ""}, "Local Van"),
        ({"carrier": None, "carrier_name": "ACE", "service": "Ace next day"}, "Ace next day"),
        ({"carrier": "city_bike", "carrier_name": "BIKE", "service": ""}, "BIKE"),
        ({"carrier": "city_bike", "carrier_name": "", "service": "Slow"}, "city_bike Slow"),
    ],
)
def test_a_carrier_that_the_store_has_no_value_for_goes_out_as_text(
    shop: Shop, parcel: dict[str, object], method: str
) -> None:
    """Beside the service, and never as another carrier."""
    assert sent(shop, **parcel) == ["", "", method]
