"""Prices of every store that takes them, and of every OMS that has them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.exchange import Exchange, Mapped
from domain.ports import CommercePlatform
from domain.prices import OWN_PRICES, PriceChange, PricePlace, PriceTag, StorePrice
from domain.sources import Scope
from domain.values import Window
from resources import oms, platforms
from tests.conformance.systems import DAY, SimulatedOms, SimulatedStore
from tests.resources.platforms.bigcommerce.stores import read_items

CURRENCY = "USD"
Shown = dict[str, StorePrice]


@pytest.fixture
def shop(store: SimulatedStore) -> SimulatedStore:
    """Return a store that takes prices."""
    if "prices" not in platforms.REGISTRY[store.kind].targets:
        pytest.skip(f"{store.kind} takes no prices")
    return store


def places_of(shop: SimulatedStore, connector: CommercePlatform) -> list[PricePlace]:
    """Return the places of the catalog's items that the store tracks."""
    items = {item.sku: item for page in read_items(connector) for item in page}
    return [PricePlace(items[sku], OWN_PRICES, CURRENCY) for sku in shop.tracked]


def write(
    connector: CommercePlatform,
    shown: Shown,
    wanted: dict[PricePlace, PriceTag],
    log: list[Exchange] | None = None,
) -> list[Outcome]:
    """Write prices as the engine does: by operation and group, in batches."""
    groups: dict[tuple[str, str], list[Claimed]] = {}
    for place, tag in wanted.items():
        held = shown[place.key]
        change = PriceChange(place, tag, held)
        intent = Intent(held.operation, uuid4(), place.key, change, held.group)
        groups.setdefault((held.operation, held.group), []).append(Claimed(intent, "prc-1"))

    async def run() -> list[Outcome]:
        found: list[Outcome] = []
        async with connector.targets["prices"].writer((log or []).append) as writer:
            for claimed in groups.values():
                found += await writer.apply(claimed)
        return found

    return asyncio.run(run())


def test_every_place_has_an_answer_and_shows_what_was_written(shop: SimulatedStore) -> None:
    """Also one that can take no price; the same prices again change nothing."""
    connector = shop.open()
    places = places_of(shop, connector)
    odd = PricePlace(places[0].item, "no such", CURRENCY)
    target = connector.targets["prices"]
    shown = target.prices([*places, odd])
    assert shown.keys() == {place.key for place in (*places, odd)}
    assert all(shown[place.key].operation in target.operations for place in places)
    problem = shown[odd.key].problem
    assert problem is not None
    assert problem.code == "price_list_unknown"
    assert problem.message
    assert problem.advice

    wanted = {place: PriceTag(Decimal(n) / 4) for n, place in enumerate(places, 41)}
    for _ in range(2):
        outcomes = write(connector, target.prices(places), wanted)
        assert [one.state for one in outcomes] == ["done"] * len(places)
        found = target.prices(places)
        assert {place: found[place.key].tag for place in places} == wanted


def test_a_lost_answer_is_shown_by_a_look_and_written_once_more_to_no_harm(
    shop: SimulatedStore,
) -> None:
    """The outcome is unknown, never a failure; the price is there once."""
    connector = shop.open()
    [place, *_] = places_of(shop, connector)
    target, tag = connector.targets["prices"], PriceTag(Decimal("12.25"))
    before = target.prices([place])
    shop.fault(method=None, path=PATHS[shop.kind], kind="drop_after")
    [outcome] = write(connector, before, {place: tag})
    shop.fault()
    assert outcome.state in ("unknown", "retry")
    assert not outcome.problems
    assert target.prices([place])[place.key].tag == tag
    [outcome] = write(connector, before, {place: tag})
    assert outcome.state == "done"
    assert target.prices([place])[place.key].tag == tag
    truth = shop.control("truth", method="GET")["prices"]
    rows = [row for row in truth if row["sku"] == place.item.sku and not row["price_list"]]
    assert [row["regular"] for row in rows] == ["12.25"]


PATHS = {
    "bigcommerce": "/v3/catalog/(products|variants)$",
    "commercetools": "/standalone-prices",
    "salesforce": "/composite/sobjects",
}
"""Of the calls that write prices."""


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}"])
def test_a_success_without_its_body_proves_nothing(shop: SimulatedStore, body: str) -> None:
    """It is never taken for a success, nor for a refusal."""
    connector = shop.open()
    [place, *_] = places_of(shop, connector)
    before = connector.targets["prices"].prices([place])
    path = PATHS[shop.kind]
    shop.fault(method=None, path=path, kind="replaced", status=200, body=body, skip=0)
    [outcome] = write(connector, before, {place: PriceTag(Decimal(7))})
    shop.fault()
    assert outcome.state in ("unknown", "retry"), outcome


def test_an_omss_prices_are_complete_for_what_was_asked(tenant: SimulatedOms) -> None:
    """A SKU without a price has no row, and an unchanged one the same content at each look."""
    if "prices" not in oms.REGISTRY[tenant.kind].sources:
        pytest.skip(f"{tenant.kind} has no prices")
    rows: list[dict[str, Any]] = [
        {"ItemId": sku, "CurrencyCode": CURRENCY, "BasePrice": 10 + n, "SellingPrice": 9}
        for n, sku in enumerate(tenant.skus[:2])
    ]
    tenant.control("prices", rows)
    source = tenant.open(small_pages=True).sources["prices"]
    window, scope = Window(DAY, DAY), Scope([*tenant.skus[:3], "NO-SUCH"])
    looks = []
    for _ in range(2):
        *pages, last = source.fetch(window, scope)
        assert last.complete
        records = [record for page in pages for record in page.records]
        looks.append({record.source_id: record.content for record in records})
        mapped = [source.to_canonical(record.payload) for record in records]
        assert {m.record.sku for m in mapped if isinstance(m, Mapped)} == set(tenant.skus[:2])
        tenant.control("prices", rows)  # touched, and the same
    assert looks[0] == looks[1]
    assert all(looks[0].values())
