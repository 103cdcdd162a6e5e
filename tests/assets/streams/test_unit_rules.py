"""Which rule of units applies to parcels and returns of orders that state no factor. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from assets.streams.returns.hold import OrderReturns, order_returns
from assets.streams.returns.units import store_units
from assets.streams.shipments.requests import shipment_requests
from domain.policies import UomRule
from domain.records.fulfilment import Fulfilment, Parcel, ParcelLine
from domain.records.returns import Return, ReturnLine
from domain.skus import BySku
from resources.ledger.records.refunds import ReturnedLine
from resources.ledger.rows import KnownLine

NOW = datetime(2026, 3, 19, tzinfo=UTC)
LINES = {"1": KnownLine("g", "physical")}
RULES = BySku({"Mug  Red": UomRule(factor=Decimal(12))})
SPELLINGS = pytest.mark.parametrize("sku", ["Mug  Red", "mug red", "MUG RED "])


@SPELLINGS
def test_a_parcel_is_converted_by_the_rule_of_its_sku_in_any_spelling(sku: str) -> None:
    """As the order and its stock are: twelve mugs are one case, not twelve."""
    content = ParcelLine(line_id="1", sku=sku.strip(), quantity=Decimal(12))
    parcel = Parcel(parcel_id="P", lines=(content,))
    fulfilment = Fulfilment(
        order_id="1", source_id="1", lines=(), parcels=(parcel,), updated_at=NOW
    )
    found = shipment_requests(fulfilment, LINES, RULES)
    assert [line.quantity for line in found.by_parcel["P/g"].lines] == [1]


@SPELLINGS
def test_returned_units_are_converted_by_the_rule_of_their_sku_in_any_spelling(sku: str) -> None:
    """Otherwise twelve cases would be refunded for twelve mugs."""
    line = ReturnLine(
        line_id="1", order_line_id="1", sku=sku.strip(), quantity=Decimal(12), units=()
    )
    record = Return(return_id="R", order_id="1", source_id="1", lines=(line,), updated_at=NOW)
    assert store_units(record, {"1": Decimal(12)}, LINES, RULES).units == {"1": 1}
    rows = [ReturnedLine("R", "1", sku, Decimal(12), Decimal(12), is_refunded=True)]
    assert order_returns(rows, LINES, RULES) == OrderReturns({"1": 1}, {"1": 1})
