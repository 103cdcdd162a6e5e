"""Batch rules of returns: each line once, and its units add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.records.record import decode_record, encode_record
from domain.records.returns import Return, ReturnLine, ReturnStatus, ReturnUnits
from domain.schemas.returns import return_problems


def line(line_id: str, quantity: int, *units: tuple[ReturnStatus, int]) -> ReturnLine:
    """Return a line of a return."""
    parts = tuple(ReturnUnits(status=status, quantity=Decimal(n)) for status, n in units)
    return ReturnLine(
        line_id=line_id, order_line_id="7", sku="MUG", quantity=Decimal(quantity), units=parts
    )


def a_return(number: int, *lines: ReturnLine, **more: Any) -> Return:
    """Return a return."""
    moment = datetime(2026, 3, 4, tzinfo=UTC)
    return Return(return_id=f"R{number}", order_id="1", lines=lines, updated_at=moment, **more)


def codes(*returns: Return) -> dict[int, set[str]]:
    """Return the codes of the failing ones, by position."""
    found = return_problems(returns)
    return {place: {problem.code for problem in problems} for place, problems in found.items()}


GOOD = line("1", 3, (ReturnStatus.RECEIVED, 1), (ReturnStatus.CONFIRMED, 2))


def test_good_returns_pass_and_bad_ones_fail_alone() -> None:
    """One return's line id is another's, too; within a return it is unique."""
    assert codes(a_return(1, GOOD), a_return(2, GOOD)) == {}
    assert return_problems([]) == {}
    assert codes(
        a_return(1, GOOD),
        a_return(2, GOOD, GOOD),
        a_return(3, line("1", 3, (ReturnStatus.CONFIRMED, 2))),
        a_return(4, line("1", 0)),
    ) == {1: {"return_line_duplicate"}, 2: {"return_quantity"}}


def test_units_are_counted_by_the_orders_line_and_status() -> None:
    """Several lines of a return may be of one line of the order."""
    made = a_return(1, GOOD, line("2", 1, (ReturnStatus.CONFIRMED, 1)))
    assert made.confirmed() == {"7": Decimal(3)}
    assert made.in_status(ReturnStatus.RECEIVED, ReturnStatus.CONFIRMED) == {"7": Decimal(4)}
    assert a_return(1, line("1", 1, (ReturnStatus.ANNOUNCED, 1))).confirmed() == {}


def test_a_record_survives_the_ledger() -> None:
    """As bytes and back."""
    made = a_return(1, GOOD, is_refunded=False)
    assert decode_record(Return, encode_record(made)) == made
