"""Why refunds wait for an operator, and what an approval covers. Pure."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from assets.streams.returns.hold import (
    OrderReturns,
    above_returns,
    covers,
    order_returns,
    really_unshipped,
    stated,
)
from assets.streams.returns.refund import lines_of, made_by_hand
from domain.refunds import OrderRefunds, RefundRequest, StoreRefund
from domain.skus import BySku
from resources.ledger.records.refunds import KnownRefund, ReturnedLine
from resources.ledger.rows import KnownLine
from tests.domain.rules.test_refund_amounts import line, order

ORDER = order(line(1, 3, "30.00"), line(2, 1, "10.00"))


def request(**units: int) -> RefundRequest:
    """Return the refund of a return: ``request(l1=2)``."""
    lines = lines_of({name[1:]: number for name, number in units.items()})
    return RefundRequest("1", "R-2", lines, None, "USD")


def test_an_approval_covers_what_its_rejection_stated() -> None:
    """Not one unit more, no other line, and nothing by a value that states no units."""
    approved = stated({"101": 2}, refunded={"101": 1})
    assert covers(approved, approved)
    assert covers(approved, stated({"101": 1}))
    assert not covers(approved, stated({"101": 3}))
    assert not covers(approved, stated({"102": 1}))
    assert not covers(approved, stated({"101": 2}, refunded={"101": 2}))
    assert not covers(approved, stated({"101": 2}, amount=Decimal("0.01")))
    for other in (None, "", "R-1", "12", "null", orjson.dumps({"line 101": "x"}).decode()):
        assert not covers(other, stated({"101": 1}))


@pytest.mark.parametrize(
    ("shipped", "arrived", "is_held"),
    [(0, 0, False), (2, 1, False), (2, 2, False), (2, 3, True), (0, 1, True)],
)
def test_an_amount_by_hand_is_one_of_unshipped_units_only_where_none_came_back_of_them(
    shipped: int, arrived: int, *, is_held: bool
) -> None:
    """More came back than the store shows as shipped: it does not show yet what has."""
    by_hand = StoreRefund("9", {}, Decimal(10), unassigned=Decimal(10))
    shown = OrderRefunds("1", (by_hand,), {"1": 3 - shipped}, {"1": shipped})
    shown = really_unshipped(shown, OrderReturns({"1": arrived}))
    assert (made_by_hand(request(l1=1), shown, ORDER) is not None) is is_held


def test_units_of_returns_are_counted_in_the_stores_unit() -> None:
    """A part of a case has arrived and is not confirmed; an exchange confirms nothing."""
    rows = [
        ReturnedLine("R-1", "1", "MUG", Decimal(24), Decimal(12), is_refunded=True),
        ReturnedLine("R-2", "1", "MUG", Decimal(7), Decimal(7), is_refunded=True),
        ReturnedLine("R-3", "1", "MUG", Decimal(12), Decimal(12), is_refunded=False),
    ]
    known = {"1": KnownLine("1", "product", Decimal(12))}
    assert order_returns(rows, known, BySku({})) == OrderReturns({"1": 4}, {"1": 1})


def test_refunds_of_all_returns_count_against_what_all_have_confirmed() -> None:
    """The service's with a key, and what the ledger has of those that it does not list."""
    returns = OrderReturns({"1": 2}, {"1": 2})
    own = StoreRefund("9", {"1": 1}, Decimal(10), "R-1", "k")
    by_hand = StoreRefund("8", {"1": 2}, Decimal(20))
    shown = OrderRefunds("1", (own, by_hand))
    assert above_returns(request(l1=1), shown, {}, returns) is None
    known = {"9": KnownRefund("R-1", "k", {"1": 1}, "9", "service")}
    assert above_returns(request(l1=1), shown, known, returns) is None
    known["7"] = KnownRefund("R-1", "j", {"1": 1}, "7", "service")
    problem = above_returns(request(l1=1), shown, known, returns)
    assert problem is not None
    assert orjson.loads(problem.value) == {"line 1": 1, "refunded 1": 2}
    assert above_returns(request(l2=1), shown, {}, returns) is not None
