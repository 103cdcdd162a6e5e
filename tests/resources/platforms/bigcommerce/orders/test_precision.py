"""Amounts and quantities of more decimals than the ledger and the batch rules carry."""

from __future__ import annotations

import copy
from decimal import Decimal

import orjson
import pytest
from msgspec.structs import replace

from domain.errors import RecordRejected
from domain.records.record import InvalidRecord
from tests.resources.platforms.bigcommerce.stores import line_of, mapped, mapper, order


@pytest.mark.parametrize(
    ("amount", "quantity"), [("1.23456", "1"), ("1", "0.00001"), ("1e14", "1"), ("NaN", "1")]
)
def test_four_decimals_are_kept_and_a_fifth_is_refused(amount: str, quantity: str) -> None:
    """The batch rules count in ten-thousandths; what has more is its record's fault only."""
    line = mapped(order()).lines[0]
    good = replace(line, unit_price=Decimal("1.23450"), quantity=Decimal("0.0001"))
    assert good.unit_price == Decimal("1.2345")
    with pytest.raises(InvalidRecord):
        replace(line, unit_price=Decimal(amount), quantity=Decimal(quantity))


def test_an_order_with_such_an_amount_is_rejected_by_itself() -> None:
    """A store that states a price too finely costs no other order of the batch."""
    document = copy.deepcopy(order())
    line_of(document)["price_ex_tax"] = "10.000001"
    with pytest.raises(RecordRejected) as rejected:
        mapper().to_order(orjson.dumps(document), lambda _: False)
    assert rejected.value.problems[0].field


def test_a_conversion_that_leaves_a_fraction_of_the_smallest_price_is_rejected() -> None:
    """Ten by six is not a price, and ten by sixty-four has five decimals."""
    for factor in (6, 64):
        with pytest.raises(RecordRejected) as rejected:
            mapper({"uom_rules": {"TOWEL-1": {"uom": "EA", "factor": factor}}}).to_order(
                orjson.dumps(order()), lambda _: False
            )
        assert rejected.value.problems[0].code == "uom_conversion_inexact"
