"""Where an operator corrects the SKU of a line, on each platform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.records.orders import Order
from domain.schemas.orders import order_problems
from domain.sources import OrderSource
from resources.ledger.captures.paths import find
from resources.platforms.bigcommerce.orders.source import OrdersSource as BigCommerce
from resources.platforms.commercetools.orders.source import OrdersSource as Commercetools
from resources.platforms.salesforce.orders.source import OrdersSource as Salesforce
from tests.resources.platforms.bigcommerce import stores as bigcommerce
from tests.resources.platforms.commercetools import projects as commercetools
from tests.resources.platforms.salesforce import orgs as salesforce

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("source", "document", "mapped"),
    [
        (BigCommerce, bigcommerce.order(), bigcommerce.mapped),
        (Commercetools, commercetools.order(), commercetools.mapped),
        (Salesforce, salesforce.order(), salesforce.mapped),
    ],
)
def test_the_field_of_an_unknown_sku_can_be_copied_into_a_retry(
    source: type[OrderSource], document: Json, mapped: Callable[[Json], Order]
) -> None:
    """It leads to that SKU in the captured order, whose form is the store's own."""
    order = mapped(document)
    unknown = order_problems([order], {}, (), source.sku_path)[0]
    assert [find(document, problem.field).value for problem in unknown] == [
        line.sku for line in order.lines
    ]
