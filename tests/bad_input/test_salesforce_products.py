"""Bad answers of a Salesforce org about what its products refer to: parents and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
import pytest

from domain.errors import LockstepError
from resources.http.reply import Reply
from resources.platforms.salesforce.product_settings import ProductSettings
from resources.platforms.salesforce.products.details import ProductDetails
from resources.platforms.salesforce.products.mapping import ProductMapper
from tests.bad_input.counts import SALESFORCE_DETAILS
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, outcome_of
from tests.bad_input.targets import Reading
from tests.resources.platforms.salesforce.orgs import settings
from tests.resources.platforms.salesforce.products import test_mapping as products
from tests.resources.platforms.salesforce.products.groups import PRODUCTS

pytestmark = pytest.mark.slow(seconds=15)

Json = dict[str, Any]
PRODUCT, PARENT, CONTENT = "01t000000000001AAA", "01t000000000002AAA", "20Y000000000001AAA"
STAMP = "2026-03-19T10:00:00.000+0000"


def page(*rows: Json) -> Json:
    """Return a query's result."""
    return {"totalSize": len(rows), "done": True, "records": list(rows)}


GOOD: dict[str, Json] = {
    "a product": products.PRODUCT | {"ProductClass": "Variation", "GTIN__c": "4006381333931"},
    "FROM ProductAttribute": page(
        {"Id": "0hU000000000001AAA", "ProductId": PRODUCT, "VariantParentId": PARENT,
         "IsDeleted": False, "SystemModstamp": STAMP, "Color__c": "Red", "Size__c": "M"},
    ),
    "FROM Product2": page(products.PRODUCT | {"Id": PARENT, "Warranty__c": "Two years"}),
    "FROM ProductMedia": page(
        *({"Id": f"2pm00000000000{n}AAA", "ProductId": product, "ElectronicMediaId": CONTENT,
           "ElectronicMediaGroup": {"UsageType": "Standard"}, "SortOrder": n,
           "IsDeleted": False, "SystemModstamp": STAMP}
          for n, product in enumerate((PRODUCT, PARENT), 1)),
    ),
    "/contents/query": {
        "items": [{"managedContentId": CONTENT, "contentNodes": {
            "title": {"nodeType": "NameField", "value": "A mug"},
            "source": {"nodeType": "MediaSource", "url": "https://acme.example/1?s",
                       "unauthenticatedUrl": "https://cdn.example/1.jpg"}}}],
        "total": 1,
    },
}  # fmt: skip


class Org(Reading):
    """Answers each question about products with its document."""

    bodies: Mapping[str, bytes]

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, **more: Any
    ) -> Reply:
        """Answer by the object that a query names, or by the path."""
        asked = path + str((params or {}).get("q", ""))
        body = next(body for name, body in self.bodies.items() if name in asked)
        self.answers = lambda *_: (200, body)
        return super().request(method, path, **more)


def test_every_spoilt_answer_about_a_product_is_used_or_an_error() -> None:
    """The product is mapped, skipped or rejected; none of its faults ends a run with a crash."""
    org, names = Org(), list(GOOD)
    details = ProductDetails(org, settings(products=PRODUCTS))  # type: ignore[arg-type]
    mapper = ProductMapper(ProductSettings.model_validate(PRODUCTS))
    plain = {name: orjson.dumps(document) for name, document in GOOD.items()}
    mutators = {name: Mutator([body]) for name, body in plain.items()}
    outcomes: Counter[str] = Counter()
    for number in range(SALESFORCE_DETAILS):
        spoilt = names[number % len(names)]
        payload = mutators[spoilt].payload(47_000_000 + number)
        org.bodies = plain | {spoilt: payload.body}
        try:
            [raw] = details.whole([msgspec.Raw(org.bodies["a product"])])
        except LockstepError as error:
            assert_is_bounded(str(error))
            outcomes["error"] += 1
            continue
        outcome, fault = outcome_of(mapper.to_product, bytes(raw))
        assert not fault, f"seed {payload.seed} of {spoilt}: {fault}\n{payload.body[:2000]!r}"
        outcomes[outcome] += 1
    assert outcomes.total() == SALESFORCE_DETAILS
    assert min(outcomes[name] for name in ("mapped", "error")) > SALESFORCE_DETAILS // 20
    assert len(outcomes) > 3


def test_the_good_answers_make_the_product_whole() -> None:
    """The control of the test above."""
    org = Org()
    org.bodies = {name: orjson.dumps(document) for name, document in GOOD.items()}
    details = ProductDetails(org, settings(products=PRODUCTS))  # type: ignore[arg-type]
    [raw] = details.whole([msgspec.Raw(org.bodies["a product"])])
    found: Any = ProductMapper(ProductSettings.model_validate(PRODUCTS)).to_product(bytes(raw))
    assert found.record.images == ("https://cdn.example/1.jpg",)
    assert found.record.warranty == "Two years"
    assert len(found.record.variants[0].options) == 2
