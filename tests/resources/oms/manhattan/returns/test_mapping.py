"""Returns as the tenant publishes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.returns import Return, ReturnStatus
from domain.schemas.returns import return_problems
from resources.oms.manhattan.returns.mapping import ReturnMapper, is_return
from tests.resources.oms.manhattan.samples import (
    connection_of,
    published,
    published_line,
    settings_of,
)

Json = dict[str, Any]
S = ReturnStatus
MAPPER = ReturnMapper(settings_of(), connection_of(orders={"order_id_prefix": "T-"}))


def returned(line_id: str = "1", *units: tuple[object, object], **attributes: Any) -> Json:
    """Build a line of a return of line 7 of order T-1001."""
    line = published_line(line_id, *(units or (("11000", 2),)))
    return line | {
        "IsReturn": True,
        "ParentOrderId": "T-1001",
        "ParentOrderLineId": "7",
        **attributes,
    }


def a_return(*lines: Json, **attributes: Any) -> Json:
    """Build a return order."""
    return published("RMA-1", *(lines or (returned(),)), **attributes)


def map_return(order: Json, mapper: ReturnMapper = MAPPER) -> Mapped[Return] | Skipped:
    """Map a return."""
    return mapper.to_return(orjson.dumps(order), ())


def read(order: Json, mapper: ReturnMapper = MAPPER) -> Return:
    """Map a return that must map."""
    mapped = map_return(order, mapper)
    assert isinstance(mapped, Mapped)
    return mapped.record


def codes_of(order: Json) -> list[str]:
    """Map a return that must be rejected, and return the codes."""
    with pytest.raises(RecordRejected) as caught:
        map_return(order)
    return [problem.code for problem in caught.value.problems]


def test_a_return_names_its_order_and_has_its_own_id() -> None:
    """With condition, reason and tracking of each line, where the tenant states them."""
    record = read(
        a_return(
            returned(
                ReturnReason={"ReasonId": "Too Small"},
                ReceivedItemCondition={"ItemConditionId": "Good"},
                ReturnTrackingNumber="1Z5R89390357567127",
            )
        )
    )
    assert (record.return_id, record.order_id, record.source_id) == ("RMA-1", "T-1001", "")
    assert record.updated_at == datetime(2026, 3, 4, 5, 6, 7, 123000, UTC)
    assert record.is_refunded
    [line] = record.lines
    assert (line.line_id, line.order_line_id, line.sku) == ("1", "7", "SKU-1")
    assert line.quantity == 2
    assert (line.condition_code, line.reason_code) == ("Good", "Too Small")
    assert line.tracking_number == "1Z5R89390357567127"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("11000", S.ANNOUNCED),
        (14000, S.ANNOUNCED),
        ("13000.000", S.RECEIVED),
        ("15000", S.RECEIVED),
        ("15000.250", S.RECEIVED),
        ("16500", S.RECEIVED),
        (18000, S.CONFIRMED),
        ("18000.1", S.CONFIRMED),
        ("19000", S.CANCELED),
    ],
)
def test_a_status_says_how_far_units_are(status: object, expected: ReturnStatus) -> None:
    """Only 18000 confirms the disposition; what lies between the known ones is the one below."""
    [line] = read(a_return(returned("1", (status, 2)))).lines
    assert [(part.status, int(part.quantity)) for part in line.units] == [(expected, 2)]


@pytest.mark.parametrize("status", ["18500", "9000", "7000", "20000", "0"])
def test_a_status_that_is_no_returns_is_never_guessed(status: str) -> None:
    """Money depends on it."""
    assert codes_of(a_return(returned("1", (status, 2)))) == ["status_unknown"]


def test_a_lines_units_may_be_in_several_statuses() -> None:
    """A part is confirmed while the rest waits; confirmed units are by the order's line."""
    lines = (
        returned("1", ("18000", 1), ("15000", 2), ("18000.000", 1)),
        returned("2", ("18000", 1)),
        returned("3", ("18000", 5), ParentOrderLineId="8"),
    )
    record = read(a_return(*lines))
    assert record.confirmed() == {"7": Decimal(3), "8": Decimal(5)}
    assert record.lines[0].quantity == 4
    assert return_problems([record]) == {}


def test_without_units_by_status_the_lowest_status_of_the_line_counts() -> None:
    """Nothing is refunded before all of it is confirmed."""
    line = returned(
        QuantityDetail=None, MinFulfillmentStatusId="15000", MaxFulfillmentStatusId="18000"
    )
    assert read(a_return(line)).confirmed() == {}
    line["MinFulfillmentStatusId"] = "18000.000"
    assert read(a_return(line)).confirmed() == {"7": Decimal(2)}


def test_canceled_units_are_those_of_the_history() -> None:
    """The quantity drops to 0 when a return is canceled."""
    line = returned(
        "1",
        ("19000", 0),
        Quantity=0,
        OrderLineCancelHistory=[{"CancelQuantity": 2, "CancelReason": {"ReasonId": "Kept"}}],
    )
    [mapped] = read(a_return(line)).lines
    assert mapped.in_status(S.CANCELED) == 2
    assert mapped.quantity == 2


@pytest.mark.parametrize("kind", ["Exchange", "StoreCredit"])
def test_only_a_return_for_a_refund_is_refunded(kind: str) -> None:
    """Another type of a line, or new goods beside it, are settled otherwise."""
    assert not read(a_return(returned(ReturnType={"ReturnTypeId": kind}))).is_refunded
    assert read(a_return(returned(ReturnType={"ReturnTypeId": "refund"}))).is_refunded


def test_an_exchange_maps_what_comes_back() -> None:
    """The new goods of the same document are not part of the return."""
    record = read(a_return(returned("1", ("18000", 2)), published_line("2")))
    assert [line.line_id for line in record.lines] == ["1"]
    assert not record.is_refunded


def test_what_neither_a_refund_nor_new_goods_settle_is_named() -> None:
    """New goods that are canceled, and a return of both kinds; others have nothing to name."""
    back = returned("1", ("18000", 2))
    by_status = published_line("2", ("9000", 1))
    by_history = published_line("2") | {
        "Quantity": 0, "QuantityDetail": None, "OrderLineCancelHistory": [{"CancelQuantity": 1}]
    }  # fmt: skip
    for new in (by_status, by_history):
        assert "new goods" in read(a_return(back, new)).unsettled
        assert read(a_return(back, new, published_line("3"))).unsettled == ""
    other = returned("2", ("18000", 1), ReturnType={"ReturnTypeId": "Exchange"})
    assert "some of its lines" in read(a_return(back, other)).unsettled
    assert not read(a_return(back, other)).is_refunded
    assert read(a_return(back)).unsettled == read(a_return(other)).unsettled == ""
    assert read(a_return(back, other, published_line("3"))).unsettled == ""


def test_a_return_of_several_orders_is_for_an_operator() -> None:
    """Each order has its own payments."""
    lines = (returned("1"), returned("2", ParentOrderId="T-1002"))
    assert codes_of(a_return(*lines)) == ["return_of_several_orders"]
    assert codes_of(a_return(returned("1"), returned("2", ParentOrderId=None))) == [
        "return_of_several_orders"
    ]


def test_a_return_that_names_no_order_is_for_an_operator_of_its_channel() -> None:
    """A blind return of another sales channel is another connection's."""
    blind = returned(ParentOrderId=None)
    assert codes_of(a_return(blind)) == ["return_without_order"]
    assert codes_of(a_return(blind, SellingChannel={"SellingChannelId": "Web"})) == [
        "return_without_order"
    ]
    skipped = map_return(a_return(blind, SellingChannel={"SellingChannelId": "Store"}))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "not_from_this_store"


def test_a_return_of_another_connections_order_is_skipped_unless_it_is_linked() -> None:
    """The prefix decides for orders without a link."""
    other = a_return(returned(ParentOrderId="X-9"))
    skipped = map_return(other)
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "not_from_this_store"
    assert isinstance(MAPPER.to_return(orjson.dumps(other), {"X-9"}), Mapped)


def test_a_line_must_name_the_line_that_it_returns() -> None:
    """And have an id, a SKU and units that are numbers: all problems at once."""
    line = returned("", ("18000", -1), ParentOrderLineId=None, ItemId="")
    assert set(codes_of(a_return(line))) == {"oms_payload_unreadable"}
    with pytest.raises(RecordRejected) as caught:
        map_return(a_return(line))
    assert {problem.field for problem in caught.value.problems} >= {
        "OrderLine.OrderLineId",
        "OrderLine[].ParentOrderLineId",
        "OrderLine[].QuantityDetail.Quantity",
    }


def test_a_return_without_id_or_time_is_rejected() -> None:
    """As an order is."""
    assert codes_of(a_return() | {"OrderId": None}) == ["oms_payload_unreadable"]
    assert codes_of(a_return() | {"UpdatedTimestamp": None}) == ["oms_payload_unreadable"]
    assert codes_of(a_return() | {"UpdatedTimestamp": "1026-01-01T00:00:00"}) == [
        "oms_payload_unreadable"
    ]


def test_units_that_do_not_add_up_are_found_in_the_batch() -> None:
    """And lines that are listed twice, in that return alone."""
    good = read(a_return())
    twice = read(a_return(returned("1"), returned("1")))
    assert {
        row: {p.code for p in found} for row, found in return_problems([good, twice]).items()
    } == {1: {"return_line_duplicate"}}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (a_return(), True),
        (published("T-1"), False),
        (published("T-1", published_line("1", IsReturn=False, ParentOrderId=None)), False),
        (published("T-1", published_line("1", IsReturn=None, ParentOrderId="")), False),
        (published("T-1", published_line("1", IsReturn=True)), True),
        (published("T-1", published_line(), published_line("2", ParentOrderId="T-0")), True),
        (published("T-1", OrderLine=[{"ParentOrderId": "T-0"}, 7]), True),
    ],
)
def test_a_return_differs_from_a_sale_by_its_lines(order: Json, expected: bool) -> None:
    """One that can't be read counts as a return if it names a parent: it is rejected there."""
    assert is_return(orjson.dumps(order)) is expected
