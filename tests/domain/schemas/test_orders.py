"""Batch rules of orders: each rule finds its fault, and only in the order that has it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import force_setattr, replace

from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from domain.exchange import MasterItem
from domain.records.orders import (
    Customer,
    DeliveryMethod,
    Discount,
    FulfilmentGroup,
    Order,
    OrderLine,
    Tax,
)
from domain.schemas.orders import RULES, order_problems

ADDRESS = normalise_address(RawAddress(), AddressRules()).address
LINE = OrderLine(
    line_id="1",
    sku="MUG",
    quantity=Decimal(2),
    uom="EA",
    unit_price=Decimal(5),
    line_total=Decimal(10),
    taxes=(Tax(tax_id="t", amount=Decimal(1)),),
    group_id="g",
)
GOOD = Order(
    order_id="W-1",
    source_id="1",
    number="1",
    store="s",
    channel="c",
    ordered_at=datetime(2026, 3, 19, tzinfo=UTC),
    currency="USD",
    tax_included=False,
    customer=Customer(customer_id=None, email="", first_name="", last_name=""),
    billing=ADDRESS,
    groups=(FulfilmentGroup(group_id="g", method=DeliveryMethod.SHIP),),
    lines=(LINE,),
    total=Decimal(11),
    total_tax=Decimal(1),
)
ITEMS = {"MUG": MasterItem("MUG", "EA", uoms=("EA", "CASE"))}


def _line(**changes: Any) -> dict[str, Any]:
    return {"lines": (replace(LINE, **changes),)}


def _with_quantity(quantity: Decimal) -> OrderLine:
    """Return a line with a quantity that the record itself would refuse."""
    line = replace(LINE)
    force_setattr(line, "quantity", quantity)
    return line


DISCOUNT_12 = Discount(discount_id="d", amount=Decimal(12))
TOO_LARGE = ["discount_too_large", "total_negative"]
TWICE = {"lines": (LINE, replace(LINE)), "total": Decimal(22), "total_tax": Decimal(2)}
NO_UNITS = {"lines": (_with_quantity(Decimal(0)),)}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"order_id": "W 1"}, ["order_id_form"]),
        ({"lines": (), "total": Decimal(0), "total_tax": Decimal(0)}, ["order_without_lines"]),
        ({"total": Decimal("11.01")}, ["total_mismatch"]),
        ({"total": Decimal("11.005")}, []),
        ({"total_tax": Decimal("1.02")}, ["tax_mismatch"]),
        ({"total": Decimal(-1), "discounts": (DISCOUNT_12,)}, ["total_negative"]),
        (TWICE, ["line_id_duplicate"] * 2),
        (NO_UNITS, ["quantity_not_positive", "line_total_mismatch"]),
        (_line(unit_price=Decimal("5.50")), ["line_total_mismatch"]),
        (_line(discounts=(DISCOUNT_12,)) | {"total": Decimal(-1)}, TOO_LARGE),
        (_line(sku="HAT"), ["sku_unknown"]),
        (_line(uom="BOX"), ["uom_unknown"]),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(changes: dict[str, Any], codes: list[str]) -> None:
    """The orders before and after it stay good."""
    before, after = replace(GOOD, order_id="B"), replace(GOOD, order_id="A")
    found = order_problems([before, replace(GOOD, **changes), after], ITEMS)
    assert found.keys() == ({1} if codes else set())
    assert sorted(problem.code for problem in found.get(1, ())) == sorted(codes)


@pytest.mark.parametrize(
    ("currency", "total", "is_good"),
    [
        ("JPY", "11.5", True), ("JPY", "11.6", False), ("USD", "11.005", True),
        ("USD", "11.006", False), ("KWD", "11.0005", True), ("KWD", "11.004", False),
    ],
)  # fmt: skip
def test_a_sum_may_be_off_by_half_a_minor_unit(currency: str, total: str, is_good: bool) -> None:
    """A yen has no cents, and a dinar has a thousand fils."""
    order = replace(GOOD, currency=currency, total=Decimal(total))
    codes = [problem.code for problem in order_problems([order], ITEMS).get(0, ())]
    assert codes == ([] if is_good else ["total_mismatch"])


def test_an_id_that_occurs_twice_in_a_batch_rejects_both_orders() -> None:
    """It can't be known which of them is the right one."""
    found = order_problems([GOOD, replace(GOOD, order_id="W-2"), GOOD], ITEMS)
    assert {row: [p.code for p in problems] for row, problems in found.items()} == {
        0: ["order_id_duplicate"],
        2: ["order_id_duplicate"],
    }


def test_a_currency_that_is_no_code_is_a_problem() -> None:
    """The record refuses it already; the batch rule is the second line of defence."""
    order = replace(GOOD)
    force_setattr(order, "currency", "usd")
    assert [p.code for p in order_problems([order], None)[0]] == ["currency_form"]


def test_a_problem_of_a_line_names_the_line_and_its_value() -> None:
    """The operator gets the SKU, or the unit and the units that the item has."""
    [unknown] = order_problems([replace(GOOD, **_line(sku="HAT"))], ITEMS)[0]
    assert (unknown.field, unknown.value) == ("lines[1].sku", "HAT")
    [unit] = order_problems([replace(GOOD, **_line(uom="BOX"))], ITEMS)[0]
    assert (unit.field, unit.value) == ("lines[1].uom", "BOX")
    assert unit.message == "the item MUG has no unit BOX at the OMS; it has EA, CASE"


def test_without_an_item_master_skus_and_units_are_not_checked() -> None:
    """And an item without listed units accepts any of them."""
    unlisted = replace(GOOD, **_line(sku="HAT", uom="BOX"))
    assert order_problems([unlisted], None) == {}
    assert order_problems([unlisted], {"HAT": MasterItem("HAT", "EA")}) == {}


def test_an_amount_is_shown_as_the_store_wrote_it() -> None:
    """Not in the ten-thousandths of the frame."""
    wrong = replace(GOOD, total=Decimal("-10.50"))
    values = {problem.code: problem.value for problem in order_problems([wrong], ITEMS)[0]}
    assert values == {"total_negative": "-10.5", "total_mismatch": "21.5"}


def test_an_empty_batch_has_no_problems() -> None:
    """Its frames still have their columns and types."""
    assert order_problems([], ITEMS) == {}


def test_every_rule_is_worded_alike() -> None:
    """A message and an advice are clauses without a capital letter or a full stop."""
    for code, rule in RULES.items():
        for text in (rule.message, rule.advice):
            assert text and not text.endswith("."), code
            assert text[0].islower(), code
