"""Bad answers while prices are read from a store's lists and written to them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import LockstepError
from domain.prices import PriceChange, PricePlace, PriceTag, StorePrice, tag_content
from domain.records.inventory import StoreItem
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.prices import reader as bigcommerce
from resources.platforms.bigcommerce.prices.target import PricesWriter as BigCommerceWriter
from resources.platforms.commercetools.prices import reader as commercetools
from resources.platforms.commercetools.prices.target import PricesWriter as CommercetoolsWriter
from resources.platforms.salesforce.prices import reader as salesforce
from resources.platforms.salesforce.prices.target import PricesWriter as SalesforceWriter
from tests.bad_input.counts import PRICE_LISTS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, defect_of
from tests.bad_input.targets import (
    STATUSES,
    Posts,
    Reading,
    Session,
    answers_of,
    pushing,
    use,
)
from tests.resources.platforms.commercetools.projects import settings as of_project
from tests.resources.platforms.salesforce.orgs import settings as of_org

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
WANTED = PriceTag(Decimal("20.5"), Decimal(18))


class Store:
    """How a store's prices are read and written, and what it answers."""

    def __init__(
        self,
        reader: Callable[[Any], Any],
        writer: Callable[[Any, Any], TargetWriter],
        places: Sequence[PricePlace],
        good: Mapping[str, Any],
    ) -> None:
        self.reader, self.writer, self.places, self.good = reader, writer, places, good


def place(price_list: str, product: str, variant: str | None, sku: str = "MUG") -> PricePlace:
    """Return where a price belongs."""
    item = StoreItem(sku=sku, parent_id=product, item_id=variant, tracking="none")
    return PricePlace(item, price_list, "USD")


PRODUCT, UUID = "01tLk0000000001AAA", "0a1b2c3d-0000-4000-8000-000000000001"
BOOK, SALES = "01sLk0000000001AAA", "01sLk0000000002AAA"


def entry(book: str) -> Json:
    """Return an entry of a price book, which is also the book: all queries have this answer."""
    return {
        "attributes": {"type": "PricebookEntry"}, "Id": book, "IsStandard": book == BOOK,
        "Pricebook2Id": book, "Product2Id": PRODUCT, "UnitPrice": 12.5, "IsActive": True,
        "CurrencyIsoCode": "USD",
    }  # fmt: skip


RECORD = {"variant_id": 121, "currency": "usd", "price": 12.5, "sale_price": 10}
STANDALONE: Json = {
    "id": UUID, "version": 3, "sku": "MUG", "active": True, "priceMode": "Standalone",
    "value": {"type": "centPrecision", "currencyCode": "USD", "centAmount": 1250,
              "fractionDigits": 2},
}  # fmt: skip
VARIANTS = [
    {"id": 121, "sku_id": 7, "price": 12.5, "sale_price": None},
    {"id": 122, "sku_id": 8, "price": None, "sale_price": 0},
]
STORES = {
    "bigcommerce": Store(
        bigcommerce.PriceReader,
        lambda push, _: BigCommerceWriter(push),
        [place("5", "12", "121"), place("catalog", "12", "121")],
        {
            "GET /v2/store": {"currency": "USD"},
            "GET /v3/pricelists/5": {"data": {"id": 5, "name": "B2B", "active": True}},
            "GET /v3/pricelists/5/records": {"data": [RECORD, RECORD | {"variant_id": 122}]},
            "GET /v3/catalog/products": {"data": [{"id": 12, "price": 20, "variants": VARIANTS}]},
            "PUT /v3/pricelists/5/records": {"data": None, "meta": {}},
            "PUT /v3/catalog/variants": {"data": [{"id": 121}]},
        },
    ),
    "commercetools": Store(
        lambda http: commercetools.PriceReader(http, of_project(sale_discount=UUID)),
        lambda push, _: CommercetoolsWriter(push, UUID),
        [place("channel=b2b", UUID, "1"), place("catalog", UUID, "1")],
        {
            "GET /channels": {"results": [{"id": UUID, "roles": ["ProductDistribution"]}]},
            "GET /products": {"results": [{"id": UUID, "priceMode": "Standalone"}]},
            "GET /standalone-prices": {"results": [STANDALONE]},
            "GET /product-projections": {"results": [STANDALONE]},
            "POST /standalone-prices": STANDALONE | {"version": 4},
        },
    ),
    "salesforce": Store(
        lambda http: salesforce.PriceReader(http, of_org(sale_pricebooks={"catalog": SALES})),
        lambda push, reader: SalesforceWriter(push, reader, has_currencies=True),
        [place("catalog", PRODUCT, None), place(SALES, PRODUCT, None)],
        {
            "GET /query": {"totalSize": 2, "done": True,
                           "records": [entry(BOOK), entry(SALES)]},
            "PATCH /composite/sobjects": [{"id": BOOK, "success": True, "errors": []}] * 2,
            "POST /composite/sobjects": [{"id": BOOK, "success": True, "errors": []}] * 2,
        },
    ),
}  # fmt: skip


def prices_of(store: Store, reader: Any, outcomes: Counter[str]) -> list[StorePrice]:
    """Read the places' prices; each has an answer that can be kept and compared."""
    try:
        shown = reader.prices(store.places)
    except LockstepError as error:
        assert_is_bounded(str(error))
        outcomes["not read"] += 1
        return []
    for one in shown.values():
        assert tag_content(one.tag)
        assert one.problem is None or defect_of(one.problem) == ""
        assert one.tag is None or one.tag.regular.is_finite()
    outcomes["read"] += 1
    return [shown[each.key] for each in store.places]


@pytest.mark.parametrize("kind", STORES)
def test_spoilt_answers_set_no_other_price_and_none_twice(kind: str) -> None:
    """What is read is a price, a problem or an error; what is written is what was wanted."""
    store, outcomes = STORES[kind], Counter[str]()
    names = list(store.good)
    mutators = {name: Mutator([orjson.dumps(store.good[name])]) for name in names}
    plain = {name: orjson.dumps(document) for name, document in store.good.items()}
    session, reading = Session(), Reading()
    reader = store.reader(reading)

    async def all_of_them() -> None:
        async with store.writer(pushing(session), reader) as writer:
            for number in range(PRICE_LISTS_EACH):
                spoilt, turn = names[number % len(names)], number // len(names)
                payload, posts = mutators[spoilt].payload(18_000_000 + number), Posts()
                answer = STATUSES[turn % len(STATUSES)], payload.body
                session.answers = reading.answers = answers_of(plain, spoilt, answer, posts)
                try:
                    shown = prices_of(store, reader, outcomes)
                    for at, held in zip(store.places, shown, strict=False):
                        if held.problem is None:
                            await use(writer, [PriceChange(at, WANTED, held)], outcomes)
                except Exception as error:
                    raise AssertionError(f"seed {payload.seed} of {spoilt}: {error!r}") from error
                assert not (wrong := amounts_of(posts) - {20.5, 18.0, 2050, 1800}), wrong

    asyncio.run(all_of_them())
    assert outcomes["read"] > PRICE_LISTS_EACH // 4
    assert outcomes["done"] > PRICE_LISTS_EACH // 4
    assert {"not read", "refused", "retry"} <= outcomes.keys()


AMOUNTS = ("price", "sale_price", "UnitPrice", "centAmount")


def amounts_of(value: Any, name: Any = "") -> set[float]:
    """Return the amounts of money in what was written."""
    if isinstance(value, dict):
        return set().union(*(amounts_of(part, key) for key, part in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*(amounts_of(part) for part in value))
    return {value} if name in AMOUNTS and value is not None else set()
