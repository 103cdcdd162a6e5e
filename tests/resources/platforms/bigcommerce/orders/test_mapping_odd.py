"""Captured orders with unexpected content: mutated and generated ones."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import Order
from tests.resources.platforms.bigcommerce.stores import LINE, line_of, mapped, mapper, order

Json = dict[str, Any]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "0.0000", "-1.0000", "Thu, 19 Mar 2026 10:00:00 +0000", "99"]),
    st.just([]),
    st.just({}),
    st.just([1]),
    st.just([{}]),
    st.just({"a": []}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    found = [path] if path else []
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in entries:
        found += places(inner, (*path, key))
    return found


def compound() -> Json:
    """Return a document with all kinds of content, so that mutations reach every branch."""
    document = order(
        fees=[{"id": 4, "cost_ex_tax": 1, "cost_inc_tax": 1, "cost_tax": 0}],
        staff_notes="x",
        coupon_discount="1",
    )
    line_of(document).update(
        applied_discounts=[{"id": "c", "amount": "1.0", "code": "C"}], wrapping_cost_ex_tax="1"
    )
    document["consignments"]["pickups"] = [
        {"id": 7, "location": {"code": "AUS"}, "line_items": [deepcopy(LINE) | {"id": 9}]}
    ]
    document["consignments"]["downloads"] = [
        {"recipient_email": "a@b.co", "line_items": deepcopy(LINE) | {"id": 8, "type": "digital"}}
    ]
    events = [
        {
            "id": 1,
            "event": "purchase",
            "amount": 1,
            "currency": "USD",
            "gateway_transaction_id": "g",
        }
    ]
    return {
        "order": document,
        "transactions": {"data": events},
        "coupons": [{"code": "C", "discount": 1}],
        "products": [deepcopy(LINE)],
    }


PLACES = places(compound())


@pytest.mark.no_cover
@tuned(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), ODD, st.booleans()), min_size=1, max_size=3),
    st.sampled_from([(), ("products",), ("coupons", "products", "transactions")]),
    st.booleans(),
)
def test_a_mutated_order_is_mapped_skipped_or_rejected(
    changes: list[tuple[tuple[Any, ...], Any, bool]], without: tuple[str, ...], exported: bool
) -> None:
    """Every payload has one of the three outcomes, and a mapped order adds up."""
    document = compound()
    for part in without:
        document.pop(part)
    for path, value, remove in changes:
        target: Any = document
        try:
            for key in path[:-1]:
                target = target[key]
            if remove:
                del target[path[-1]]
            else:
                target[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    try:
        payload = orjson.dumps(document)
    except TypeError:
        return
    outcome = outcome_of(payload, exported=exported)
    if isinstance(outcome, Mapped):
        assert abs(outcome.record.computed_total() - outcome.record.total) <= Decimal("0.005")
    elif isinstance(outcome, RecordRejected):
        assert all(problem.code and problem.message for problem in outcome.problems)


def outcome_of(payload: bytes, *, exported: bool) -> Mapped[Order] | Skipped | RecordRejected:
    """Map a payload; any other exception than a rejection fails the test."""
    try:
        return mapper({"uom_rules": {"TOWEL-1": {"factor": 2}}}).to_order(
            payload, lambda _: exported
        )
    except RecordRejected as rejection:
        return rejection


@tuned(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 99_999), st.integers(0, 25)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 5_000),
    st.booleans(),
)
def test_a_generated_order_that_adds_up_is_mapped_exactly(
    lines: list[tuple[int, int, int]], shipping: int, included: bool
) -> None:
    """Quantities, prices and rates of all sizes: total and tax come out as the store has them."""
    document = order(is_tax_inclusive_pricing=included)
    built, ex_sum, tax_sum = [], Decimal(0), Decimal(0)
    for i, (quantity, cents, rate) in enumerate(lines):
        price = Decimal(cents) / 100
        ex = price * quantity
        tax = (ex * rate / 100).quantize(Decimal("0.0001"))
        unit_tax = (tax / quantity).quantize(Decimal("0.0001"))
        money = {
            "price_ex_tax": str(price),
            "price_inc_tax": str(price + unit_tax),
            "total_ex_tax": str(ex),
            "total_inc_tax": str(ex + tax),
        }
        built.append(LINE | money | {"id": 600 + i, "quantity": quantity, "total_tax": str(tax)})
        ex_sum, tax_sum = ex_sum + ex, tax_sum + tax
    cost = Decimal(shipping) / 100
    document["consignments"]["shipping"][0].update(
        line_items=built, cost_ex_tax=float(cost), cost_inc_tax=float(cost), cost_tax=0
    )
    document.update(
        shipping_cost_ex_tax=str(cost), shipping_cost_inc_tax=str(cost), shipping_cost_tax="0"
    )
    total_tax = tax_sum.quantize(Decimal("0.01"))
    total = ex_sum + cost + (tax_sum.quantize(Decimal("0.01")))
    document.update(
        total_tax=str(total_tax),
        total_inc_tax=str(total),
        items_total=sum(quantity for quantity, _, _ in lines),
    )
    result = mapped(document)
    assert (result.total, result.total_tax) == (total, total_tax)
    if not included:
        assert result.computed_tax() == total_tax
