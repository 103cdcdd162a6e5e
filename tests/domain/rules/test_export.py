"""Which orders go to the OMS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from domain.errors import RecordRejected
from domain.exchange import Skipped
from domain.policies import OrdersPolicy
from domain.rules.export import Ended, ExportRules, OrderHeader
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES

PLACED = datetime(2026, 3, 19, tzinfo=UTC)


def decided(
    policy: dict[str, Any], *, known: bool = False, owed: bool = False, **changes: Any
) -> str:
    """Return the decision on an order in status 11, or the rule that skips it."""
    header = OrderHeader("7", "11", "Awaiting Fulfillment", "1", PLACED, is_archived=False)
    orders = OrdersPolicy.model_validate(policy)
    rules = ExportRules(orders, ORDER_STATUSES.chosen(orders))
    found = rules.decide(
        replace(header, **changes),
        lambda number: known and number == "7",
        lambda number: owed and number == "7",
    )
    return found.rule if isinstance(found, Skipped) else found


@pytest.mark.parametrize(
    ("changes", "known", "expected"),
    [
        ({}, False, "export"),
        ({"status": "12"}, False, "export"),
        ({"status": "9"}, False, "status_not_exported"),
        ({"status": "9"}, True, "export"),
        ({"status": "5"}, False, "cancelled_before_export"),
        ({"status": "5"}, True, "cancel"),
        ({"is_archived": True}, False, "deleted_in_store"),
        ({"is_archived": True}, True, "cancel"),
        ({"status": "2"}, True, "status_not_exported"),
        ({"other_part": "of channel 7"}, False, "other_channel"),
        ({"other_part": "of channel 7", "status": "5"}, True, "cancel"),
    ],
)
def test_the_status_and_what_the_oms_has_decide(
    changes: dict[str, Any], known: bool, expected: str
) -> None:
    """Held orders go out; an order that the OMS has is updated or canceled."""
    assert decided({"hold_statuses": {12: "Review"}}, known=known, **changes) == expected


@pytest.mark.parametrize(
    ("changes", "end", "expected"),
    [
        ({}, "", "open"),
        ({}, "fulfilled", "open"),  # the store does not show that it has left
        ({"status": "2"}, "", "status_not_exported"),
        ({"status": "5"}, "", "open"),
        ({"status": "5"}, "canceled", "sent_elsewhere"),
        ({"is_archived": True}, "", "open"),
        ({"is_archived": True, "status": "10"}, "fulfilled", "sent_elsewhere"),
        ({"placed_at": datetime(2026, 3, 1, tzinfo=UTC)}, "", "before_start_date"),
        ({"other_part": "of channel 7"}, "", "other_channel"),
    ],
)
def test_an_order_that_a_former_connection_has_sent_is_open_until_it_is_done(
    changes: dict[str, Any], end: Ended, expected: str
) -> None:
    """Only one that is open needs a person."""
    header = OrderHeader("7", "11", "Awaiting Fulfillment", "1", PLACED, is_archived=False)
    orders = OrdersPolicy.model_validate({"start_date": "2026-03-10"})
    rules = ExportRules(orders, ORDER_STATUSES.chosen(orders))
    found = rules.left_over(replace(header, **changes), lambda: end)
    assert (found.rule if found is not None else "open") == expected


@pytest.mark.parametrize("start", ["2026-03-20T00:00:00", "2026-03-20T00:00:00Z"])
def test_orders_placed_before_the_start_are_skipped(start: str) -> None:
    """A start without a zone is UTC; an order without a readable time goes out."""
    assert decided({"start_date": start}) == "before_start_date"
    assert decided({"start_date": start}, known=True) == "export"
    assert decided({"start_date": start}, placed_at=None) == "export"
    assert decided({"start_date": "2026-03-19T00:00:00Z"}) == "export"


PART = {"status": "14", "removed": "part"}
WHOLE = {"status": "4", "removed": "whole"}


@pytest.mark.parametrize(
    ("changes", "known", "owed", "expected"),
    [
        (WHOLE, True, False, "export"),
        (WHOLE, False, False, "refunded_before_export"),
        (WHOLE, False, True, "refunded_before_export"),
        (PART, True, False, "export"),
        (PART, False, False, "status_not_exported"),
        (PART, False, True, "export"),
        ({"status": "2", "units": 3, "shipped_units": 3}, False, True, "shipped_before_export"),
        ({"status": "2", "units": 3, "shipped_units": 3}, False, False, "status_not_exported"),
        ({"status": "2", "units": 3, "shipped_units": 3}, True, True, "status_not_exported"),
        ({"status": "10", "units": 3, "shipped_units": 3}, True, True, "status_not_exported"),
        ({"status": "10", "units": 3, "shipped_units": 1}, True, True, "status_not_exported"),
        ({"status": "9"}, False, True, "status_not_exported"),
        ({"units": 3, "shipped_units": 3}, False, False, "shipped_before_export"),
        ({"units": 3, "shipped_units": 1}, True, False, "export"),
    ],
)
def test_what_was_refunded_or_shipped_since_is_not_owed_in_its_earlier_form(
    changes: dict[str, Any], known: bool, owed: bool, expected: str
) -> None:
    """The status has moved on, but the earlier version would ship those units."""
    assert decided({}, known=known, owed=owed, **changes) == expected


@pytest.mark.parametrize("status", ["11", "3"])
def test_an_owed_order_of_which_a_part_was_shipped_by_hand_is_rejected(status: str) -> None:
    """An operator decides on the rest."""
    with pytest.raises(RecordRejected) as rejected:
        decided({}, owed=True, status=status, units=3, shipped_units=1)
    assert [problem.code for problem in rejected.value.problems] == ["partly_shipped_in_store"]


@pytest.mark.parametrize(
    ("policy", "known", "end", "expected"),
    [
        ("cancel", False, "", "deleted_in_store"),
        ("cancel", True, "", "cancel"),
        ("cancel", True, "canceled", "cancel"),
        ("cancel", True, "fulfilled", "deleted_after_end"),
        ("report", False, "", "deleted_in_store"),
        ("report", True, "", "order_deleted_in_store"),
        ("report", True, "canceled", "deleted_after_end"),
        ("report", True, "fulfilled", "deleted_after_end"),
    ],
)
def test_what_becomes_of_a_deleted_order(
    policy: str, known: bool, end: Ended, expected: str
) -> None:
    """Withdrawn, canceled, an operator's to decide, or history."""
    orders = OrdersPolicy.model_validate({"deleted": policy})
    rules = ExportRules(orders, ORDER_STATUSES.chosen(orders))
    try:
        found = rules.deleted("7", lambda _: known, lambda _: end)
    except RecordRejected as rejected:
        [problem] = rejected.problems
        assert (problem.code, bool(problem.advice)) == (expected, True)
    else:
        assert (found.rule if isinstance(found, Skipped) else found) == expected


@pytest.mark.parametrize(
    ("changes", "owed", "expected"),
    [
        ({}, False, False),
        ({"status": "2", "units": 2, "shipped_units": 2}, False, False),
        ({"status": "2"}, True, True),
        ({"status": "5"}, False, True),
        ({"status": "9"}, False, True),
        ({"is_archived": True}, False, True),
        ({"removed": "part"}, False, True),
        ({"units": 2, "shipped_units": 1}, False, True),
        ({"other_part": "of channel 7"}, False, True),
    ],
)
def test_the_oms_is_asked_for_an_order_only_if_that_decides(
    changes: dict[str, Any], owed: bool, expected: bool
) -> None:
    """A new connection would read thousands of shipped orders, one by one, for nothing."""
    header = OrderHeader("7", "11", "Awaiting Fulfillment", "1", PLACED, is_archived=False)
    orders = OrdersPolicy.model_validate({})
    rules = ExportRules(orders, ORDER_STATUSES.chosen(orders))
    assert rules.depends_on_oms(replace(header, **changes), lambda _: owed) is expected
