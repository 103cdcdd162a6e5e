"""Bad products of each store that has the stream catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from resources.platforms.bigcommerce.products.mapping import to_product
from resources.platforms.salesforce.products.mapping import ProductMapper
from tests.bad_input.counts import PRODUCTS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import outcome_of, run
from tests.resources.platforms.bigcommerce.products import test_mapping as bigcommerce
from tests.resources.platforms.commercetools.products import test_mapping as commercetools
from tests.resources.platforms.salesforce.products import test_mapping as salesforce

pytestmark = pytest.mark.slow

STORES: dict[str, tuple[Callable[[bytes], Any], list[bytes]]] = {
    "bigcommerce": (
        to_product,
        [
            bigcommerce.capture(bigcommerce.PRODUCT, brand_name="Kiln", category_names=["Mugs"]),
            bigcommerce.capture(bigcommerce.PRODUCT | {"variants": []}),
        ],
    ),
    "commercetools": (
        commercetools.MAPPER.to_product,
        [
            orjson.dumps(commercetools.PRODUCT),
            orjson.dumps(commercetools.PRODUCT | {"variants": []}),
        ],
    ),
    "salesforce": (
        ProductMapper(salesforce.OWN).to_product,
        [
            orjson.dumps(salesforce.PRODUCT | salesforce.entries(salesforce.EUROS)),
            orjson.dumps(salesforce.WHOLE),
            orjson.dumps(salesforce.PRODUCT | {"IsActive": None}),
        ],
    ),
}


@pytest.mark.parametrize("kind", STORES)
def test_every_spoilt_product_is_mapped_or_rejected(kind: str) -> None:
    """No crash, no empty message."""
    mapper, documents = STORES[kind]
    outcomes = run(mapper, Mutator(documents).payloads(PRODUCTS_EACH, 9_000_000), ())
    assert outcomes.total() == PRODUCTS_EACH
    assert outcomes["mapped"] > PRODUCTS_EACH // 10
    assert len(outcomes) > 2, "and reach the rules"


def test_a_product_of_ten_thousand_variants_is_one_product() -> None:
    """The bad ones are one rejection that can be read."""
    many = [{**bigcommerce.VARIANT, "id": n, "sku": f"S-{n}"} for n in range(1, 10_001)]
    payload = bigcommerce.capture(bigcommerce.PRODUCT | {"variants": many})
    assert outcome_of(to_product, payload) == ("mapped", "")
    spoilt = orjson.loads(payload)
    for variant in spoilt["variants"]:
        variant["id"] = None
    assert outcome_of(to_product, orjson.dumps(spoilt)) == ("id_missing", "")
