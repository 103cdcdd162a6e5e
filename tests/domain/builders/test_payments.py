"""Planned payments are brought to the order's total."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.builders.payments import to_order_total
from domain.parsing.problems import DocumentProblems
from domain.records.orders import Payment


def payments(*amounts: str) -> list[Payment]:
    """Return payments with planned amounts."""
    return [
        Payment(payment_id=f"p{n}", method="", source_method="Card", amount=Decimal(amount))
        for n, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("planned", "total", "shared"),
    [
        (("10", "5"), "15", ["10", "5"]),
        (("10", "5"), "20", ["15", "5"]),
        (("10", "5"), "4", ["4"]),
        (("10", "5", "3"), "7", ["4", "3"]),
    ],
)
def test_the_first_payment_has_what_the_others_leave(
    planned: tuple[str, ...], total: str, shared: list[str]
) -> None:
    """An edited order has another total than its checkout meant to collect; none is below zero."""
    problems = DocumentProblems()
    found = to_order_total(payments(*planned), Decimal(total), "total", problems)
    assert sorted(found, key=lambda one: one.payment_id) == list(found)
    assert [str(one.amount) for one in found] == shared
    assert not problems.problems


def test_an_order_without_payments_has_one_of_its_total() -> None:
    """The OMS needs one; free orders have none."""
    [only] = to_order_total([], Decimal(9), "total", DocumentProblems())
    assert (only.payment_id, only.amount) == ("payment", Decimal(9))
    assert to_order_total(payments("1"), Decimal(0), "total", DocumentProblems()) == ()


def test_a_total_below_zero_is_a_problem() -> None:
    """It is a refund, not an order."""
    problems = DocumentProblems()
    assert to_order_total(payments("1"), Decimal(-1), "grand", problems) == ()
    [problem] = problems.problems
    assert (problem.code, problem.field) == ("total_negative", "grand")
