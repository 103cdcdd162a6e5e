"""Prices of an org: entries of its price books, made once and changed row by row."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.errors import PermanentError
from domain.prices import PriceChange, PricePlace, PriceTag, StorePrice
from domain.records.inventory import StoreItem
from resources.platforms.salesforce.prices.reader import address_of
from tests.resources.platforms.salesforce.conftest import Shop, Wire

Json = dict[str, Any]


def tag(regular: str, sale: str | None = None) -> PriceTag:
    """Return a price."""
    return PriceTag(Decimal(regular), None if sale is None else Decimal(sale))


def item(shop: Shop, sku: str) -> StoreItem:
    """Return an item of the org's catalog."""
    [product] = shop.control("catalog", [{"sku": sku}])["ids"]
    return StoreItem(sku=sku, parent_id=product, item_id=None, tracking="product")


def shown(shop: Shop, place: PricePlace) -> StorePrice:
    """Return what the org shows at a place."""
    found: StorePrice = shop.connector.targets["prices"].prices([place])[place.key]
    return found


def put(shop: Shop, *changes: PriceChange) -> list[Outcome]:
    """Write prices in one batch."""

    async def run() -> list[Outcome]:
        async with shop.connector.targets["prices"].writer(shop.log.append) as writer:
            intents = [Intent("price", uuid4(), change.place.key, change) for change in changes]
            return await writer.apply([Claimed(intent, "prc-1") for intent in intents])

    return asyncio.run(run())


def to(shop: Shop, place: PricePlace, wanted: PriceTag) -> PriceChange:
    """Return a change from what is shown."""
    return PriceChange(place, wanted, shown(shop, place))


def book(shop: Shop, name: str) -> str:
    """Make a price book, and return its id."""
    return str(shop.control("put/Pricebook2", {"Name": name, "IsActive": True})["id"])


def test_a_price_is_made_in_the_standard_price_book_and_changed(shop: Shop) -> None:
    """A second creation finds the first; other currencies are others' entries."""
    place = PricePlace(item(shop, "MUG"), "catalog", "USD")
    before = to(shop, place, tag("10"))
    assert before.held.tag is None
    assert [one.state for one in put(shop, before)] == ["done"]
    assert shown(shop, place).tag == tag("10")
    again = PriceChange(place, tag("11"), before.held)
    assert [one.state for one in put(shop, again)] == ["done"]
    assert shown(shop, place).tag == tag("11")
    assert shown(shop, PricePlace(place.item, "catalog", "EUR")).tag is None
    assert [one.state for one in put(shop, to(shop, place, tag("12.50")))] == ["done"]
    [entry] = shop.rows("PricebookEntry")
    assert (entry["UnitPrice"], entry["IsActive"]) == (12.5, True)


def test_a_sale_price_is_in_its_own_price_book_and_ends_with_its_entry(shop: Shop) -> None:
    """Without one it is refused, and nothing is sent."""
    place = PricePlace(item(shop, "MUG"), "catalog", "USD")
    [refused] = put(shop, to(shop, place, tag("10", "8")))
    assert (refused.state, refused.problems[0].code) == ("refused", "price_sale_not_taken")
    assert shop.rows("PricebookEntry") == []


def test_the_sale_price_book_of_a_list_is_written_with_it(open_shop: Any) -> None:
    """Made, changed and taken away; an entry that is not active is used again."""
    shop = open_shop()
    sale = book(shop, "Sale")
    with_sales = _with(shop, {"catalog": sale})
    place = PricePlace(item(shop, "MUG"), "catalog", "USD")
    for wanted in (tag("10", "8"), tag("10", "7.5"), tag("11"), tag("11", "9")):
        assert [o.state for o in put(with_sales, to(with_sales, place, wanted))] == ["done"]
        assert shown(with_sales, place).tag == wanted
    assert len(shop.rows("PricebookEntry")) == 2
    books, regular, reduced = address_of(shown(with_sales, place))
    assert books.sale == sale
    assert regular != reduced != ""


def _with(shop: Shop, sales: Json) -> Shop:
    """Let the shop's connector know a price book of sale prices."""
    connector: Any = shop.connector
    connector.targets["prices"]._reader._sales = sales
    return shop


def test_a_refused_row_is_its_prices_fault_alone(shop: Shop) -> None:
    """A custom price book needs a standard price first, as the org says."""
    custom = book(shop, "B2B")
    mug, lamp = item(shop, "MUG"), item(shop, "LAMP")
    put(shop, to(shop, PricePlace(mug, "catalog", "USD"), tag("10")))
    places = [PricePlace(mug, custom, "USD"), PricePlace(lamp, custom, "USD")]
    first, second = put(shop, *(to(shop, place, tag("7")) for place in places))
    assert first.state == "done"
    assert (second.state, second.problems[0].code) == ("refused", "price_refused")
    assert "standard price" in second.problems[0].message
    assert shown(shop, places[0]).tag == tag("7")


def test_locked_records_wait_for_a_later_try(shop: Shop) -> None:
    """The record is not at fault."""
    mug = item(shop, "MUG")
    shop.control("settings", {"locks": {mug.parent_id: 1}})
    [outcome] = put(shop, to(shop, PricePlace(mug, "catalog", "USD"), tag("10")))
    assert outcome.state == "retry"


def test_what_can_take_no_price_says_why(wire: Wire) -> None:
    """A price book that is not one, and a currency that the org does not have."""
    store = wire.open(currency="USD")
    mug = StoreItem(sku="MUG", parent_id="01tLk0000000001AAA", item_id=None, tracking="product")
    places = [
        PricePlace(mug, "catalog", "EUR"),
        PricePlace(mug, "wholesale", "USD"),
        PricePlace(mug, "01sLk0000000099AAA", "USD"),
    ]
    found = store.targets["prices"].prices(places)
    problems = [found[place.key].problem for place in places]
    assert [problem.code if problem else "" for problem in problems] == [
        "price_currency_of_list",
        "price_list_unknown",
        "price_list_unknown",
    ]
    store.close()


def test_a_single_currency_org_has_no_field_for_it(wire: Wire) -> None:
    """Neither queries nor records name it."""
    store = wire.open(currency="USD")
    mug = StoreItem(sku="MUG", parent_id="01tLk0000000001AAA", item_id=None, tracking="product")
    store.targets["prices"].prices([PricePlace(mug, "catalog", "USD")])
    [query] = [call for call in wire.calls if "PricebookEntry" in call]
    assert "CurrencyIsoCode" not in query
    store.close()


def test_a_price_that_can_t_be_read_breaks_the_contract(shop: Shop) -> None:
    """It is never taken for none."""
    place = PricePlace(item(shop, "MUG"), "catalog", "USD")
    put(shop, to(shop, place, tag("10")))
    [entry] = shop.rows("PricebookEntry")
    shop.control("put/PricebookEntry", {"Id": entry["Id"], "UnitPrice": "ten"})
    with pytest.raises(PermanentError):
        shown(shop, place)
