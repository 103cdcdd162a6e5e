"""Prices of a BigCommerce store: how they are read, and how batches are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.errors import PermanentError
from domain.prices import PriceChange, PricePlace, PriceTag, StorePrice
from domain.records.inventory import StoreItem
from resources.platforms.bigcommerce.adapter import BigCommerce
from resources.platforms.bigcommerce.prices.reader import (
    PRODUCT,
    RECORD,
    REGULAR,
    VARIANT,
)
from resources.platforms.bigcommerce.prices.target import _row
from sandbox.app import running_sandbox
from tests.resources.platforms.bigcommerce.stores import HASH, mocked, platform

Json = dict[str, Any]
CATALOG: list[Json] = [
    {"id": 11, "sku": "BASE", "price": 10},
    {
        "id": 12,
        "sku": "S",
        "price": 20,
        "variants": [{"id": 121, "sku": "S-1"}, {"id": 122, "sku": "S-2", "price": 25}],
    },
    {"id": 13, "sku": "ONE", "price": 30, "variants": [{"id": 131, "sku": "ONE-1", "price": 31}]},
]


def item(sku: str, product: str, variant: str | None) -> StoreItem:
    """Return an item of the catalog."""
    return StoreItem(sku=sku, parent_id=product, item_id=variant, tracking="none")


BASE, S1, S2 = item("BASE", "11", None), item("S-1", "12", "121"), item("S-2", "12", "122")
ONE = item("ONE-1", "13", "131")


def usd(one: StoreItem, price_list: str = "catalog", currency: str = "USD") -> PricePlace:
    """Return a place, by default of the catalog."""
    return PricePlace(one, price_list, currency)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Start a store of its own."""
    with running_sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture
def store(url: str) -> Iterator[tuple[BigCommerce, Callable[[str, Any], Json]]]:
    """Return a store with a catalog and a price list, and its control calls."""

    def control(path: str, body: Any) -> Json:
        address = f"{url}/_sandbox/bigcommerce/{HASH}/{path}"
        answer: Json = httpx.post(address, json=body).raise_for_status().json()
        return answer

    control("catalog", CATALOG)
    control("pricelists", [{"id": 3, "name": "Wholesale"}])
    made = platform(url)
    yield made, control
    made.close()


def tag(regular: str, sale: str | None = None) -> PriceTag:
    """Return a price."""
    return PriceTag(Decimal(regular), None if sale is None else Decimal(sale))


def test_the_price_of_a_variant_is_its_own_or_the_products(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """Each of the two amounts by itself; a base variant's are the product's."""
    shop, control = store
    control("prices", [{"sku": "BASE", "sale_price": 9}])
    places = [usd(one) for one in (BASE, S1, S2, ONE)]
    found = shop.targets["prices"].prices(places)
    assert found[usd(BASE).key] == StorePrice(PRODUCT, tag("10", "9"), "11", PRODUCT)
    assert found[usd(S1).key] == StorePrice(VARIANT, tag("20"), "121", VARIANT)
    assert found[usd(S2).key] == StorePrice(VARIANT, tag("25"), "122", VARIANT)
    assert found[usd(ONE).key] == StorePrice(VARIANT, tag("31"), "131", VARIANT)


def test_what_can_take_no_price_says_why(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """Another currency than the catalog's, an unknown list, a product with several variants."""
    shop, _ = store
    places = [
        usd(S1, currency="EUR"),
        usd(item("GONE", "99", None)),
        usd(S1, "4"),
        usd(S1, "wholesale"),
        usd(item("S", "12", None), "3"),
        usd(item("S", "12", None)),
    ]
    found = shop.targets["prices"].prices(places)
    problems = [found[place.key].problem for place in places]
    assert [problem.code if problem else "" for problem in problems] == [
        "price_currency_of_list",
        "sku_unknown_in_store",
        "price_list_unknown",
        "price_list_unknown",
        "price_needs_variant",
        "price_needs_variant",
    ]


def claimed(place: PricePlace, wanted: PriceTag, shown: StorePrice) -> Claimed:
    """Return a claimed change of a price."""
    change = PriceChange(place, wanted, shown)
    return Claimed(Intent(shown.operation, uuid4(), place.key, change, shown.group), "prc-1")


def apply(shop: BigCommerce, *changes: Claimed) -> list[Outcome]:
    """Write a batch."""

    async def run() -> list[Outcome]:
        async with shop.targets["prices"].writer(lambda _: None) as writer:
            return await writer.apply(changes)

    return asyncio.run(run())


def test_a_variants_sale_ends_although_its_product_is_on_sale(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """Without a sale price of its own it would have the product's."""
    shop, control = store
    control("catalog", [CATALOG[1] | {"sale_price": 18}])
    place = usd(S1)
    shown = shop.targets["prices"].prices([place])[place.key]
    assert shown == StorePrice(VARIANT, tag("20", "18"), f"121{REGULAR}", VARIANT)
    [outcome] = apply(shop, claimed(place, tag("20"), shown))
    assert outcome.state == "done"
    assert shop.targets["prices"].prices([place])[place.key].tag == tag("20")


def test_records_of_a_price_list_are_made_and_changed_in_one_call(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """In two currencies, of which each has its own record."""
    shop, _ = store
    places = [usd(S1, "3"), usd(S2, "3", "EUR")]
    shown = shop.targets["prices"].prices(places)
    assert [shown[place.key] for place in places] == [
        StorePrice(RECORD, None, "121", "3"),
        StorePrice(RECORD, None, "122", "3"),
    ]
    wanted = [tag("7.25", "6"), tag("8")]
    outcomes = apply(
        shop,
        *(claimed(p, w, shown[p.key]) for p, w in zip(places, wanted, strict=True)),
    )
    assert [one.state for one in outcomes] == ["done", "done"]
    found = shop.targets["prices"].prices([*places, usd(S1, "3", "EUR")])
    assert [found[place.key].tag for place in places] == wanted
    assert found[usd(S1, "3", "EUR").key].tag is None


def test_a_refused_row_is_found_and_stops_no_other(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """The batch is halved until the row that the store does not know is alone."""
    shop, _ = store
    places = [usd(item(f"X-{n}", "12", "121")) for n in range(7)]
    shown = [StorePrice(VARIANT, None, "999" if n == 4 else "121", VARIANT) for n in range(7)]
    outcomes = apply(
        shop,
        *(claimed(p, tag("21"), s) for p, s in zip(places, shown, strict=True)),
    )
    assert [one.state for one in outcomes] == ["done"] * 4 + ["refused"] + ["done"] * 2
    assert outcomes[4].problems[0].code == "price_refused"
    assert "999" in outcomes[4].problems[0].message


def test_a_conflict_of_one_product_is_no_busy_store(
    store: tuple[BigCommerce, Callable[[str, Any], Json]],
) -> None:
    """409 to products, by their contract: a tax class that was deleted, say."""
    shop, control = store
    rule = {"method": "PUT", "path": "/v3/catalog/products", "kind": "status", "status": 409}
    control("faults", [rule | {"body": {"title": "The tax class is gone."}, "times": 2}])
    places = [usd(item(f"X-{n}", n, None)) for n in ("11", "12")]
    shown = [StorePrice(PRODUCT, None, n, PRODUCT) for n in ("11", "12")]
    changes = [claimed(p, tag("21"), s) for p, s in zip(places, shown, strict=True)]
    outcomes = apply(shop, *changes)
    assert [one.state for one in outcomes] == ["refused", "done"]
    assert outcomes[0].problems[0].message == "the store answers 409: The tax class is gone."


def answering(status: int, body: Any) -> BigCommerce:
    """Return a store that answers every call alike."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return mocked(lambda _: httpx.Response(status, content=content))


@pytest.mark.parametrize(
    "product",
    [{"id": 12, "price": "ten"}, {"id": 12, "price": 10, "sale_price": []}, []],
)
def test_a_price_that_can_t_be_read_is_the_answers_fault(product: Any) -> None:
    """It is never taken for no price."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_store = request.url.path.endswith("/v2/store")
        content = {"currency": "USD"} if is_store else {"data": [product]}
        return httpx.Response(200, json=content)

    shop = mocked(answer)
    with pytest.raises(PermanentError):
        shop.targets["prices"].prices([usd(S1)])
    shop.close()


def test_a_store_without_a_currency_breaks_the_contract() -> None:
    """Nothing is compared with a currency that is not known."""
    shop = answering(200, {"name": "x"})
    with pytest.raises(PermanentError, match="currency"):
        shop.targets["prices"].prices([usd(S1)])
    shop.close()


def test_no_sale_is_written_as_the_operation_needs() -> None:
    """A product's as 0, a variant's and a record's as null."""
    rows = {
        operation: _row(PriceChange(usd(S1), tag("5"), StorePrice(operation, None, "7")))
        for operation in (PRODUCT, VARIANT, RECORD)
    }
    assert {name: row["sale_price"] for name, row in rows.items()} == {
        PRODUCT: 0,
        VARIANT: None,
        RECORD: None,
    }
    assert rows[RECORD]["currency"] == "usd"
