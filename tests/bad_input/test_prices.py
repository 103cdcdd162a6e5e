"""Bad prices: rows of each OMS, and what each store answers of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest

from domain.errors import LockstepError
from domain.prices import PricePlace, PriceTag, StorePrice, tag_content
from domain.records.inventory import StoreItem
from domain.records.prices import Price
from domain.schemas.prices import price_problems
from resources.oms.extensiv.prices import PricesSource as ExtensivPrices
from resources.oms.manhattan.prices import PricesSource
from resources.platforms.bigcommerce.prices import reader as bigcommerce
from resources.platforms.bigcommerce.prices.payload import PRICED_PRODUCTS
from resources.platforms.commercetools.prices import reader as commercetools
from resources.platforms.commercetools.prices.payload import STANDALONE
from resources.platforms.salesforce.prices import reader as salesforce
from resources.platforms.salesforce.prices.payload import ENTRIES
from tests.bad_input.counts import PRICE_ANSWERS_EACH, PRICES_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, run
from tests.resources.oms.extensiv.samples import settings_of as extensiv
from tests.resources.oms.manhattan.samples import settings_of

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
ROWS: list[Json] = [
    {"ItemId": "MUG", "CurrencyCode": "USD", "BasePrice": 12.5, "SellingPrice": 10,
     "PriceListId": {"PriceListId": "B2B"}, "EffectiveDate": "2026-05-01T00:00:00",
     "ExpirationDate": "2026-06-01T00:00:00Z", "UpdatedTimestamp": "2026-05-01T10:00:00.5"},
    {"ItemId": "LAMP", "CurrencyCode": "JPY", "BasePrice": "1200", "PriceListId": None},
]  # fmt: skip
NAMES = {
    "price_list": "PriceListId",
    "price_from": "EffectiveDate",
    "price_until": "ExpirationDate",
}


class _NoClient:
    """Mapping makes no call."""


def source() -> PricesSource:
    """Return a source whose rows have all attributes."""
    return PricesSource(_NoClient(), settings_of(names=NAMES))  # type: ignore[arg-type]


def sendable(price: Price) -> str:
    """Return what is wrong with a price that passes the batch's rules."""
    if price_problems([price]):
        return ""
    sale = price.regular if price.sale is None else price.sale
    return "" if 0 < sale <= price.regular else f"{price.regular} and {sale} would be sent"


def test_every_spoilt_price_is_mapped_or_rejected() -> None:
    """No crash, and none that is zero, negative or a sale above the regular price is sent."""
    seen: Counter[str] = Counter()

    def check(price: Price) -> str:
        # The rules of a batch cost as much for one row as for thousands: a sample of them.
        seen["mapped"] += 1
        return sendable(price) if seen["mapped"] % 40 == 0 else ""

    payloads = Mutator([orjson.dumps(row) for row in ROWS]).payloads(PRICES_EACH, 9_500_000)
    outcomes = run(source().to_canonical, payloads, (), check)
    assert outcomes.total() == PRICES_EACH
    assert {"mapped", "oms_payload_unreadable"} <= outcomes.keys()
    assert outcomes["mapped"] > PRICES_EACH // 10


def test_every_spoilt_product_of_extensiv_is_mapped_skipped_or_rejected() -> None:
    """No crash, and none whose price is zero or negative is sent."""
    rows: list[Json] = [
        {"sku": "MUG", "name": "Mug", "retail_price": "12.50", "wholesale_price": "7.00"},
        {"sku": 4711, "retail_price": 0, "last_updated_datetime": "2026-05-01 10:00:00"},
    ]
    source = ExtensivPrices(_NoClient(), extensiv())  # type: ignore[arg-type]
    payloads = Mutator([orjson.dumps(row) for row in rows]).payloads(PRICES_EACH, 9_700_000)

    def mapped(payload: bytes) -> Any:
        source._record(payload)
        return source.to_canonical(payload)

    outcomes = run(mapped, payloads, (), lambda price: "" if price.regular > 0 else "it is free")
    assert outcomes.total() == PRICES_EACH
    assert {"mapped", "oms_payload_unreadable"} <= outcomes.keys()
    assert outcomes["mapped"] > PRICES_EACH // 10


def test_a_batch_of_spoilt_prices_has_only_good_ones_left() -> None:
    """In one frame, as a run validates them; its cost does not grow with what is bad."""
    mapper, good = source(), []
    for payload in Mutator([orjson.dumps(row) for row in ROWS]).payloads(4_000, 9_600_000):
        try:
            mapped = mapper.to_canonical(payload.body)
        except LockstepError:
            continue
        good.append(mapped.record)  # type: ignore[union-attr]
    started = time.process_time()
    problems = price_problems(good)
    assert time.process_time() - started < 5
    for position, price in enumerate(good):
        if position not in problems:
            assert price.regular > 0
            assert price.sale is None or 0 < price.sale <= price.regular
            assert price.regular == price.regular.quantize(Decimal("0.0001"))


PRODUCT: Json = {
    "id": 12,
    "price": 20,
    "sale_price": 18.5,
    "variants": [
        {"id": 121, "sku_id": 7, "price": None, "sale_price": None},
        {"id": 122, "sku_id": 8, "price": 25.25, "sale_price": 0},
    ],
}
STANDALONE_PRICE: Json = {
    "id": "a",
    "version": 3,
    "sku": "MUG",
    "active": True,
    "country": "DE",
    "value": {
        "type": "centPrecision",
        "currencyCode": "EUR",
        "centAmount": 1250,
        "fractionDigits": 2,
    },
    "discounted": {
        "discount": {"typeId": "product-discount", "id": "d"},
        "value": {
            "type": "highPrecision",
            "currencyCode": "EUR",
            "centAmount": 1000,
            "preciseAmount": 99999,
            "fractionDigits": 4,
        },
    },
}


def of_product(body: bytes) -> StorePrice:
    """Read what the answer of a BigCommerce store says about a variant."""
    product = bigcommerce.entries_of("GET", [msgspec.Raw(body)], PRICED_PRODUCTS)
    item = StoreItem(sku="S-1", parent_id="12", item_id="121", tracking="none")
    return bigcommerce._in_catalog(PricePlace(item, "catalog", "USD"), product[0])


def of_standalone(body: bytes) -> StorePrice:
    """Read what the answer of a project says about a price."""
    price = commercetools.document_of("GET", body, STANDALONE)
    return StorePrice(commercetools.PRICE, commercetools.tag_of(price, "d"))


ENTRY: Json = {
    "attributes": {"type": "PricebookEntry"},
    "Id": "01uLk0000000001AAA",
    "UnitPrice": 12.5,
    "Pricebook2Id": "01sLk0000000001AAA",
    "Product2Id": "01tLk0000000001AAA",
    "IsActive": True,
    "CurrencyIsoCode": "USD",
}


def of_entry(body: bytes) -> StorePrice:
    """Read what the answer of an org says about a price book entry."""
    entry = salesforce.document_of("GET", body, ENTRIES)
    price = salesforce._price(entry)
    return StorePrice(salesforce.PRICE, None if price is None else PriceTag(price))


READERS: dict[str, tuple[Callable[[bytes], StorePrice], Json]] = {
    "bigcommerce": (of_product, PRODUCT),
    "commercetools": (of_standalone, STANDALONE_PRICE),
    "salesforce": (of_entry, ENTRY),
}


@pytest.mark.parametrize("kind", READERS)
def test_every_spoilt_answer_is_a_price_or_an_error(kind: str) -> None:
    """Never a crash, and never a price that can't be kept and compared."""
    reader, document = READERS[kind]
    outcomes: Counter[str] = Counter()
    mutator = Mutator([orjson.dumps(document)])
    for payload in mutator.payloads(PRICE_ANSWERS_EACH, 9_700_000):
        try:
            shown = reader(payload.body)
        except LockstepError as error:
            assert_is_bounded(str(error))
            outcomes["error"] += 1
            continue
        assert tag_content(shown.tag)
        if shown.tag is not None:
            assert shown.tag.regular.is_finite()
            assert shown.tag.selling.is_finite()
        outcomes["price" if shown.problem is None else shown.problem.code] += 1
    assert outcomes.total() == PRICE_ANSWERS_EACH
    assert outcomes["price"] > PRICE_ANSWERS_EACH // 10
    assert outcomes["error"] > PRICE_ANSWERS_EACH // 10
