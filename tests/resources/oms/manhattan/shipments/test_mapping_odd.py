"""Malformed orders of the OMS are rejected with their problems, and never a crash."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from tests.resources.oms.manhattan.samples import published, published_line, shipped_detail
from tests.resources.oms.manhattan.shipments.mapper import MAPPER, problems_of, rejected

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


@settings(max_examples=150, deadline=None)
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


@pytest.mark.parametrize(
    "stamp",
    [
        "0026-03-04T05:06:07",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-11:00",
        "2026-03-04T25:00:00",
        "soon",
    ],
)
def test_an_order_changed_in_another_century_is_rejected(stamp: str) -> None:
    """No window that is ever read would contain it, and in UTC it may be no date at all."""
    order = published("T-1", UpdatedTimestamp=stamp)
    assert problems_of(order) == [("oms_payload_unreadable", "UpdatedTimestamp")]


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
