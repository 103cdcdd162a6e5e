"""Corrupted orders, availability rows and answers of the OMS.

Each has one outcome, and every refusal has a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import LockstepError, RecordRejected
from domain.exchange import Mapped
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel
from domain.values import FIRST_YEAR, LAST_YEAR
from resources.http.reply import Reply
from resources.oms.manhattan.client import open_envelope, read_answer, rejection, write_answer
from resources.oms.manhattan.inventory import StockMapper
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper
from tests.bad_input.counts import OMS_ANSWERS, OMS_FULFILMENTS, OMS_STOCK
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator, Payload, smallest
from tests.bad_input.outcomes import assert_is_bounded, defect_of, is_showable, outcome_of, run
from tests.resources.oms.manhattan.samples import (
    connection_of,
    published,
    published_line,
    settings_of,
    shipped_detail,
)

pytestmark = pytest.mark.slow(seconds=25)

Json = dict[str, Any]
PERSONAL = ("Ada", "Osei", "ada@example", "Mill Lane", "5125550100")
CUSTOMER: Json = {
    "FirstName": "Ada",
    "LastName": "Osei",
    "Email": "ada@example.com",
    "Phone": "+15125550100",
    "Address1": "1 Mill Lane",
}
_CONNECTION = connection_of()
FULFILMENTS = FulfilmentMapper(settings_of(), _CONNECTION)
LEVELS = StockMapper(settings_of(), _CONNECTION.inventory)
TRACKED = {
    "PackageId": "P1",
    "TrackingNumber": "1Z5R89390357567127",
    "CarrierCode": "UPSN",
    "ShippedDate": "2026-03-05T10:00:00.000",
}


def whole() -> Json:
    """Return an order with everything that a published order may have."""
    lines = [
        published_line(
            "1",
            ("7000", 2),
            FulfillmentDetail=[
                shipped_detail(),
                shipped_detail("F2", PackageId="P2", TrackingNumber="9400"),
            ],
        ),
        published_line(
            "2",
            ("9000", 2),
            OrderLineCancelHistory=[{"CancelQuantity": 2, "CancelReason": {"ReasonId": "Late"}}],
        ),
        published_line(
            "3",
            QuantityDetail=None,
            MinFulfillmentStatusId="1000.000",
            MaxFulfillmentStatusId="3000.000",
        ),
        published_line(
            "4",
            IsReturn=False,
            DeliveryMethod={"DeliveryMethodId": "ShipToAddress"},
            CancellationRequestStatus="Requested",
        ),
    ]
    state = {"PostReleaseModificationStatus": {"Id": "Accepted"}}
    return published("T-1001", *lines, OrderTrackingInfo=[TRACKED], **state, CustomerInfo=CUSTOMER)


ROW: Json = {
    "ItemId": "SKU-1", "LocationId": "DC1", "ViewName": "NetworkView", "Status": "IN_STOCK",
    "StatusCode": 1, "TotalQuantity": 12, "Quantity": {"DC": 7, "STORE": 5},
    "NextAvailabilityDate": "2026-03-05T10:00:00", "TransactionDateTime": "2026-03-05T10:00:00",
    "IsInfiniteAvailability": False,
}  # fmt: skip


def unsound(record: Fulfilment) -> str:
    """Return how a mapped fulfilment contradicts itself, or an empty text."""
    for line in record.lines:
        if sum((units.quantity for units in line.units), Decimal(0)) != line.ordered:
            return f"the units of line {line.line_id} are not what was ordered"
    if not FIRST_YEAR <= record.updated_at.year <= LAST_YEAR:
        return f"it was changed in {record.updated_at}"
    return "" if len(list(record.events())) >= len(record.parcels) else "a parcel without an event"


def test_every_corrupted_order_of_the_oms_is_mapped_skipped_or_rejected() -> None:
    """Bare and in each wrapping; no status is guessed, no units are invented or lost."""
    document = whole()
    wrapped = [
        document,
        {"OriginalPayload": document},
        {"OriginalPayload": orjson.dumps(document).decode()},
        {"data": [document]},
    ]
    mutator = Mutator([orjson.dumps(each) for each in wrapped])
    payloads = mutator.payloads(OMS_FULFILMENTS, 2_000_000)
    outcomes = run(FULFILMENTS.fulfilment, payloads, PERSONAL, unsound)
    assert outcomes.total() == OMS_FULFILMENTS
    assert {"mapped", "oms_payload_unreadable", "status_unknown", "skipped"} <= outcomes.keys()


def impossible(level: StockLevel) -> str:
    """Return what is wrong with a mapped level, or an empty text."""
    return (
        ""
        if level.available >= 0 and level.available.is_finite()
        else f"{level.available} are available"
    )


def test_every_corrupted_availability_row_is_mapped_skipped_or_rejected() -> None:
    """A missing quantity never becomes zero, and a negative one never stays negative."""
    rows = [ROW, ROW | {"Quantity": 3, "TotalQuantity": None}, ROW | {"TotalQuantity": None}]
    outcomes = run(
        LEVELS.level,
        Mutator([orjson.dumps(row) for row in rows]).payloads(OMS_STOCK, 3_000_000),
        PERSONAL,
        impossible,
    )
    assert outcomes.total() == OMS_STOCK
    assert {"mapped", "oms_payload_unreadable"} <= outcomes.keys()


def test_a_missing_quantity_is_never_taken_for_none_in_stock() -> None:
    """Whatever else the row contains."""
    for missing in (None, "", [], {}, "none", "NaN", True):
        for payload in (
            ROW | {"TotalQuantity": None, "Quantity": missing},
            {**ROW, "TotalQuantity": missing, "Quantity": None},
        ):
            outcome, fault = outcome_of(LEVELS.level, orjson.dumps(payload))
            if outcome == "mapped":
                assert isinstance(payload["Quantity"], dict), (
                    payload
                )  # an empty sum over location types
            assert fault == ""


@pytest.mark.parametrize("what", ["lines", "details", "packages"])
def test_orders_of_ten_thousand_parts_take_proportionate_work(what: str) -> None:
    """Work does not grow with the square of lines, fulfilment details or packages."""

    def make(size: int) -> Callable[[], object]:
        if what == "lines":
            document = published("T-1", *[published_line(str(i)) for i in range(size)])
        else:
            package = "P{}" if what == "packages" else "P1"
            details = [
                shipped_detail(
                    f"F{i}", PackageId=package.format(i), TrackingNumber=f"N{i}", CarrierCode="X"
                )
                for i in range(size)
            ]
            tracked = [
                TRACKED | {"PackageId": package.format(i), "TrackingNumber": f"N{i}"}
                for i in range(size)
            ]
            document = published(
                "T-1",
                published_line("1", ("7000", 2 * size), FulfillmentDetail=details),
                OrderTrackingInfo=tracked,
            )
        payload = orjson.dumps(document)
        assert outcome_of(FULFILMENTS.fulfilment, payload)[0] == "mapped"
        return lambda: FULFILMENTS.fulfilment(payload)

    assert grows_too_fast(make, 1_000) == ""


MESSAGE: Json = {
    "Type": "ERROR",
    "Code": "ORD::1",
    "Description": "The order of ada@example.com can't change",
    "ErrorField": "Quantity",
    "BusinessKeys": {"OrderId": "T-1001", "OrderLineId": "1"},
}
ANSWER: Json = {
    "success": False,
    "header": {"totalCount": "1", "size": 50},
    "messages": {"Message": [MESSAGE, MESSAGE | {"Type": "WARNING"}]},
    "data": {
        "OrderId": "T-1001",
        "IsCancelled": False,
        "MaxFulfillmentStatusId": 3000,
        "Messages": {"Message": [MESSAGE]},
    },
    "message": "refused",
    "messageKey": "ORD::0",
}
WHERE = "manhattan: POST /order/api/order/save"


def answered(payload: Payload, status: int) -> str:
    """Use a corrupted body as the answer to a save; return the outcome."""
    reply = Reply(status, {"content-type": "application/json"}, payload.body, 1.0, WHERE)
    try:
        answer = write_answer(reply)
    except LockstepError as error:
        assert_is_bounded(str(error), WHERE)
        return type(error).__name__
    answer.page().total()
    if not answer.errors:
        assert all(defect_of(warning, ("ada@example",)) == "" for warning in answer.warnings())
        return "accepted"
    with pytest.raises(RecordRejected) as caught:
        raise rejection(answer.errors)
    assert [defect_of(problem, ("ada@example",)) for problem in caught.value.problems] == [
        ""
    ] * len(caught.value.problems)
    return "rejected"


def test_every_corrupted_answer_to_a_write_is_accepted_rejected_or_an_error_with_its_call() -> None:
    """A refusal never counts as a success, and always has a message."""
    good = ANSWER | {
        "success": True,
        "messages": {"Message": [MESSAGE | {"Type": "INFO"}]},
        "data": {"OrderId": "T-1001"},
    }
    outcomes: Counter[str] = Counter()
    for payload in Mutator([orjson.dumps(ANSWER), orjson.dumps(good)]).payloads(
        OMS_ANSWERS, seed=4_000_000
    ):
        status = (200, 400, 409, 500)[payload.seed % 4]
        try:
            outcome = answered(payload, status)
        except BaseException as error:
            reduced = smallest(
                payload.body,
                lambda body, p=payload, s=status: not _is_sound(p._replace(body=body), s),
            )
            raise AssertionError(
                f"seed {payload.seed} ({payload.kinds}), status {status}: "
                f"smallest payload {reduced!r}"
            ) from error
        assert status == 200 or outcome != "accepted", payload
        outcomes[outcome] += 1
    assert outcomes.total() == OMS_ANSWERS
    assert {"accepted", "rejected", "TransientError", "PermanentError"} <= outcomes.keys()


def _is_sound(payload: Payload, status: int) -> bool:
    try:
        answered(payload, status)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return False
    return True


def test_an_answer_with_thousands_of_hostile_errors_is_summarised() -> None:
    """Control characters are escaped, addresses masked, and surplus errors counted."""
    hostile = MESSAGE | {
        "Description": "no\n\x1b[2Jforged\u202e ada@example.com " + "x" * 10_000,
        "Code": "A" * 10_000,
    }
    body = orjson.dumps(ANSWER | {"messages": {"Message": [hostile] * 1_000}})
    reply = Reply(200, {}, body, 1.0, WHERE)
    with pytest.raises(LockstepError) as caught:
        read_answer(reply)
    assert is_showable(str(caught.value)[:500])
    assert len(str(caught.value)) < 4_000
    with pytest.raises(RecordRejected) as rejected:
        raise rejection(open_envelope(body).errors)
    assert all(defect_of(problem, PERSONAL) == "" for problem in rejected.value.problems)
    assert len(str(rejected.value)) < 40_000


def test_mapped_stock_has_the_numbers_of_its_row() -> None:
    """A sound row maps to its number, which validates the tests above."""
    found = LEVELS.level(orjson.dumps(ROW))
    assert isinstance(found, Mapped)
    assert found.record.available == 12
