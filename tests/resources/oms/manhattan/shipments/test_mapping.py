"""The progress of an order's fulfilment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper
from tests.resources.oms.manhattan.samples import (
    connection_of,
    published,
    published_line,
    settings_of,
)
from tests.resources.oms.manhattan.shipments.mapper import MAPPER, read, rejected

M = Milestone


def units_of(order: Any) -> list[tuple[Milestone, int]]:
    """Map an order and list the units of its first line."""
    return [(part.milestone, int(part.quantity)) for part in read(order).record.lines[0].units]


def test_units_are_counted_by_milestone() -> None:
    """Part of a line may be released while the rest waits; both spellings are one status."""
    line = published_line("1", ("1500", 1), ("3000.000", 2), (3500, 1))
    assert units_of(published("T-1", line)) == [(M.CREATED, 1), (M.RELEASED, 3)]


def test_an_order_has_the_oms_id_and_the_time_of_its_last_change() -> None:
    """Its link states the store's id, which no id of the OMS contains; no zone means UTC."""
    record = read(published("T-1001")).record
    assert (record.order_id, record.source_id) == ("T-1001", "")
    assert record.updated_at == datetime(2026, 3, 4, 5, 6, 7, 123000, UTC)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda order: {"OriginalPayload": order, "OriginalHeaders": {}},
        lambda order: {"OriginalPayload": orjson.dumps(order).decode()},
        lambda order: {"data": [order]},
        lambda order: {"data": order},
        lambda order: {
            "OriginalPayload": {
                "data": [{**order, "UpdatedTimestamp": "2026-01-01T00:00:00"}, order]
            }
        },
    ],
)
def test_every_wrapping_holds_the_same_order(wrap: Any) -> None:
    """Bare, as a dump and as a consolidated message, in which the newest state counts."""
    assert read(wrap(published())).record == read(published()).record


def wrapped(times: int, **attributes: Any) -> Any:
    """Return an order as JSON text in JSON text, so many times."""
    order: Any = published(**attributes)
    for _ in range(times):
        order = {"OriginalPayload": orjson.dumps(order).decode()}
    return order


def test_an_order_may_be_wrapped_three_times_and_no_more() -> None:
    """Each wrapping is decoded again: without a limit a small message could cost much."""
    for times in range(4):
        assert read(wrapped(times)).record.order_id == "T-1001"
    for times in (4, 5, 12):
        assert rejected(wrapped(times)) == "oms_payload_unreadable"


def test_several_orders_in_one_payload_are_refused() -> None:
    """One capture is one order; using the first would lose the others."""
    assert rejected({"data": [published("T-1"), published("T-2")]}) == "oms_payload_unreadable"


def test_canceled_units_come_from_the_history() -> None:
    """On canceling the quantity drops to 0, and only the history has the number of units."""
    history = [{"CancelQuantity": 2, "CancelReason": {"ReasonId": "Out Of Stock"}}]
    line = published_line(
        "1", ("9000", 0), Quantity=0, IsCancelled=True, OrderLineCancelHistory=history
    )
    progress = read(published("T-1", line)).record.lines[0]
    assert [(part.milestone, part.quantity) for part in progress.units] == [(M.CANCELED, 2)]
    assert (progress.ordered, progress.cancel_reason) == (2, "Out Of Stock")
    assert read(published("T-1", line)).record.milestone() is M.CANCELED


def test_canceled_units_are_not_counted_twice() -> None:
    """QuantityDetail lists the same units again."""
    line = published_line(
        "1", ("7000", 1), ("9000", 1), Quantity=1, OrderLineCancelHistory=[{"CancelQuantity": 1}]
    )
    assert units_of(published("T-1", line)) == [(M.SHIPPED, 1), (M.CANCELED, 1)]
    assert read(published("T-1", line)).record.milestone() is M.SHIPPED


def test_a_canceled_line_without_history_is_warned_about() -> None:
    """The number of its units is unknown."""
    line = {
        **published_line("1"),
        "QuantityDetail": [],
        "Quantity": 0,
        "MinFulfillmentStatusId": "9000",
        "MaxFulfillmentStatusId": "9000",
    }
    assert [warning.code for warning in read(published("T-1", line)).warnings] == [
        "cancel_quantity_missing"
    ]


def test_without_quantity_detail_all_units_count_as_the_lowest_status() -> None:
    """All units have reached that status; a warning says that the detail is missing."""
    line = {
        **published_line("1"),
        "QuantityDetail": None,
        "MinFulfillmentStatusId": "2000.000",
        "MaxFulfillmentStatusId": 7000,
    }
    assert units_of(published("T-1", line)) == [(M.ALLOCATED, 2)]
    assert [warning.code for warning in read(published("T-1", line)).warnings] == [
        "quantity_detail_missing"
    ]


def test_an_unknown_status_rejects_the_order() -> None:
    """It is kept and shown to an operator, never guessed."""
    assert rejected(published("T-1", published_line("1", ("8600", 2)))) == "status_unknown"


def test_orders_of_other_sources_are_skipped_by_rule() -> None:
    """The OMS has orders of other channels, which this store does not know."""
    for order_id in ("X-1", "T-", "1001"):
        skipped = MAPPER.fulfilment(orjson.dumps(published(order_id)))
        assert isinstance(skipped, Skipped)
        assert skipped.rule == "not_from_this_store"
    mapper = FulfilmentMapper(settings_of(), connection_of())
    assert isinstance(
        mapper.fulfilment(orjson.dumps(published("55", AlternateOrderId=None))), Skipped
    )
    assert read(published("55"), mapper).record.order_id == "55"


@pytest.mark.parametrize("order", [published("X-1"), published("T-1", AlternateOrderId=None)])
def test_a_linked_order_needs_no_mark_of_this_store(order: dict[str, Any]) -> None:
    """Its link states whose it is, whatever its id looks like."""
    for mapper in (MAPPER, FulfilmentMapper(settings_of(), connection_of())):
        mapped = mapper.fulfilment(orjson.dumps(order), is_linked=True)
        assert isinstance(mapped, Mapped)
        assert (mapped.record.order_id, mapped.record.source_id) == (order["OrderId"], "")


def test_lines_of_a_return_are_ignored() -> None:
    """The parent's own line has 8000 and 8500: with the return's lines, units would double."""
    back = published_line("1", ("15000", 2), IsReturn=True, ParentOrderId="T-1000")
    skipped = MAPPER.fulfilment(orjson.dumps(published("T-1001", back)))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "return_order"
    both = published("T-1001", published_line("1", ("11000", 2)), published_line("2"))
    exchange = MAPPER.fulfilment(orjson.dumps(both))
    assert isinstance(exchange, Skipped)
    assert exchange.rule == "return_order"
    linked = MAPPER.fulfilment(orjson.dumps(both), is_linked=True)
    assert isinstance(linked, Mapped)
    assert [line.line_id for line in linked.record.lines] == ["2"]
    assert units_of(published("T-1", published_line("1", ("8500", 1), ("8000", 1)))) == [
        (M.SHIPPED, 1),
        (M.RETURNED, 1),
    ]


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [
        (["Requested"], "requested"),
        (["Accepted", "Rejected"], "rejected"),
        (["ACCEPTED"], "accepted"),
        ([{"StatusId": "Accepted", "Description": "?"}, {}], "accepted"),
        ([{}], None),
        (["Temporarily Rejected"], "requested"),
        ([], None),
    ],
)
def test_the_answer_to_a_cancel_request_is_read(statuses: list[Any], answer: str | None) -> None:
    """It is open while any line waits, and accepted only if every line is."""
    lines = [
        published_line(str(place), cancellationRequestStatus=status)
        for place, status in enumerate(statuses, 1)
    ]
    assert read(published("T-1", *lines)).record.cancel_answer == answer


def test_an_unknown_cancel_status_is_warned_about() -> None:
    """The word may differ by tenant, so it is a setting."""
    mapped = read(published("T-1", PostReleaseModificationStatus="Parked"))
    assert mapped.record.cancel_answer is None
    assert [(warning.code, warning.value) for warning in mapped.warnings] == [
        ("cancel_status_unknown", "parked")
    ]


def test_status_names_do_not_count() -> None:
    """A tenant may rename a status; only its id counts."""
    line = published_line("1", ("7000", 2), FulfillmentStatus="Backordered")
    assert units_of(published("T-1", line, FulfillmentStatus="Open")) == [(M.SHIPPED, 2)]
