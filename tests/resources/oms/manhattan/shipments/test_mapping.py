"""The progress of an order's fulfilment."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper
from tests.resources.oms.manhattan.samples import (
    connection_of,
    published,
    published_line,
    settings_of,
    shipped_detail,
)

M = Milestone
MAPPER = FulfilmentMapper(
    settings_of(),
    connection_of(orders={"order_id_prefix": "T-"}, shipments={"carriers": {"LOCALVAN": "dpd"}}),
)


def read(order: Any, mapper: FulfilmentMapper = MAPPER) -> Mapped[Fulfilment]:
    """Map an order that must map."""
    mapped = mapper.fulfilment(orjson.dumps(order))
    assert isinstance(mapped, Mapped)
    return mapped


def units_of(order: Any) -> list[tuple[Milestone, int]]:
    """Map an order and list the units of its first line."""
    return [(part.milestone, int(part.quantity)) for part in read(order).record.lines[0].units]


def rejected(order: Any) -> str:
    """Map an order that must be rejected and return the code."""
    with pytest.raises(RecordRejected) as caught:
        MAPPER.fulfilment(orjson.dumps(order))
    return caught.value.problems[0].code


def test_units_are_counted_by_milestone() -> None:
    """Part of a line may be released while the rest waits; both spellings are one status."""
    line = published_line("1", ("1500", 1), ("3000.000", 2), (3500, 1))
    assert units_of(published("T-1", line)) == [(M.CREATED, 1), (M.RELEASED, 3)]


def test_an_order_has_both_ids_and_the_time_of_its_last_change() -> None:
    """The store's id is the OMS's without the connection's prefix; a time without zone is UTC."""
    record = read(published("T-1001")).record
    assert (record.order_id, record.source_id) == ("T-1001", "1001")
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


def test_several_orders_in_one_payload_are_refused() -> None:
    """One capture is one order; using the first would lose the others."""
    assert rejected({"data": [published("T-1"), published("T-2")]}) == "oms_payload_unreadable"


def test_canceled_units_come_from_the_history() -> None:
    """On cancelling the quantity drops to 0, and only the history has the number of units."""
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
    assert read(published("55"), mapper).record.source_id == "55"


def test_lines_of_a_return_are_ignored() -> None:
    """The parent's own line has 8000 and 8500: with the return's lines, units would double."""
    back = published_line("1", ("15000", 2), IsReturn=True, ParentOrderId="T-1000")
    skipped = MAPPER.fulfilment(orjson.dumps(published("T-1001", back)))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "return_order"
    exchange = read(
        published("T-1001", published_line("1", ("11000", 2)), published_line("2"))
    ).record
    assert [line.line_id for line in exchange.lines] == ["2"]
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
        (["Temporarily Rejected"], "requested"),
        ([], None),
    ],
)
def test_the_answer_to_a_cancel_request_is_read(statuses: list[str], answer: str | None) -> None:
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


UNEXPECTED: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [
            "",
            " ",
            "NaN",
            "sNaN",
            "Infinity",
            "-1",
            "1E+999999",
            "9E+999999",
            "2026-13-45",
            "0001-01-01T00:00:00+14:00",
            "7000",
            [],
            {},
            [[]],
        ]
    ),
    st.integers(-(2**70), 2**70),
    st.text(max_size=5),
    st.lists(
        st.dictionaries(
            st.sampled_from(["StatusId", "Quantity", "OrderLineId"]), st.integers(), max_size=2
        ),
        max_size=2,
    ),
)


def paths_in(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the path of every value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [prefix, *(path for key, part in items for path in paths_in(part, (*prefix, key)))]


def full_order() -> Any:
    """Build an order that uses every attribute."""
    info = {"TrackingNumber": "1Z5R89390357567127", "DeliveredDate": "2026-03-07T12:00:00"}
    line = published_line(
        "1",
        ("7000", 2),
        ("1000", 1),
        FulfillmentDetail=[shipped_detail()],
        OrderLineCancelHistory=[{"CancelQuantity": 1}],
        MinFulfillmentStatusId="1000",
    )
    return published(
        "T-1", line, OrderTrackingInfo=[info], PostReleaseModificationStatus="Requested"
    )


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_malformed_order_is_a_rejection_and_nothing_worse(data: st.DataObject) -> None:
    """Whatever replaces a value, the order is mapped, skipped or rejected, and never a crash."""
    order = full_order()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths_in(order)))
        unexpected = copy.deepcopy(
            data.draw(UNEXPECTED)
        )  # a later draw may change what this one has put in
        if not path:
            order = unexpected
            break
        target = order
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = unexpected
    try:
        payload = orjson.dumps(order)
    except orjson.JSONEncodeError:
        return
    try:
        mapped = MAPPER.fulfilment(payload)
    except RecordRejected:
        return
    assert isinstance(mapped, Mapped | Skipped)
    if isinstance(mapped, Mapped):
        assert all(event.quantity > Decimal(0) for event in mapped.record.events())


@given(st.binary(max_size=40))
def test_bytes_that_are_not_an_order_are_a_rejection(payload: bytes) -> None:
    """Invalid UTF-8, too."""
    with pytest.raises(RecordRejected):
        MAPPER.fulfilment(payload)


def test_a_status_that_is_not_a_number_is_rejected() -> None:
    """Such as sNaN, which raises on comparison, and a cancel status that can't be decoded."""
    line = published_line(
        QuantityDetail=None, MinFulfillmentStatusId="1000", MaxFulfillmentStatusId="sNaN"
    )
    assert rejected(published("T-1", line)) == "oms_payload_unreadable"
    body = orjson.dumps(published("T-1", PostReleaseModificationStatus="?")).replace(
        b'"?"', b"1e400"
    )
    with pytest.raises(RecordRejected) as caught:
        MAPPER.fulfilment(body)
    assert caught.value.problems[0].field == "PostReleaseModificationStatus"


def test_an_order_changed_in_another_century_is_rejected() -> None:
    """No window that is ever read would contain it."""
    assert (
        rejected(published("T-1", UpdatedTimestamp="0026-03-04T05:06:07"))
        == "oms_payload_unreadable"
    )


def problems_of(order: Any) -> list[tuple[str, str]]:
    """Map an order that must be rejected and return code and field of every problem."""
    with pytest.raises(RecordRejected) as caught:
        MAPPER.fulfilment(orjson.dumps(order))
    return [(problem.code, problem.field) for problem in caught.value.problems]


def test_all_values_of_the_wrong_kind_are_reported_with_their_paths() -> None:
    """Beside an unknown status; a quantity that was set aside is not reported as missing too."""
    lines = [
        published_line("1", ("7000", "many")),
        published_line("2", ("8600", 2)),
        published_line("3", IsReturn="perhaps"),
    ]
    order = published("T-1", *lines, UpdatedTimestamp=["2026-03-04"], OrderTrackingInfo="none")
    assert problems_of(order) == [
        ("oms_payload_unreadable", "UpdatedTimestamp"),
        ("oms_payload_unreadable", "OrderLine[0].QuantityDetail[0].Quantity"),
        ("oms_payload_unreadable", "OrderLine[2].IsReturn"),
        ("oms_payload_unreadable", "OrderTrackingInfo"),
        ("status_unknown", "OrderLine[2].QuantityDetail.StatusId"),
    ]


def test_all_wrong_meanings_are_reported_together() -> None:
    """So an operator corrects an order once, not problem by problem."""
    lines = [
        published_line("1", ("8600", 2)),
        published_line("2", ("1000", -1)),
        published_line("", FulfillmentDetail=[shipped_detail(FulfillmentDate="yesterday")]),
    ]
    assert problems_of(published("T-1", *lines, UpdatedTimestamp="never")) == [
        ("oms_payload_unreadable", "UpdatedTimestamp"),
        ("status_unknown", "OrderLine[1].QuantityDetail.StatusId"),
        ("oms_payload_unreadable", "OrderLine[2].QuantityDetail.Quantity"),
        ("oms_payload_unreadable", "OrderLine.OrderLineId"),
        ("oms_payload_unreadable", "FulfillmentDate"),
    ]
