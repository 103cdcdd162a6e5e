"""Corrupted orders, answers, stock and shipments of an Anchanto account: each has one outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import LockstepError, RecordRejected
from domain.exchange import Mapped, RawRecord
from domain.identity import is_composed_id
from domain.policies import InventoryPolicy
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel
from domain.values import FIRST_YEAR, LAST_YEAR
from resources.http.reply import Reply
from resources.oms.anchanto.client import Opener, interpret, rejection
from resources.oms.anchanto.inventory import InventorySource, StockList, StockMapper
from resources.oms.anchanto.orders.diff import compare_order, units_of
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.writer import status_in
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.shipments.mapping import FulfilmentMapper
from resources.oms.anchanto.statuses import STATUSES
from resources.oms.anchanto.wire import AnchantoFields, AnchantoWire
from tests.bad_input.counts import (
    ANCHANTO_ANSWERS,
    ANCHANTO_ORDERS,
    ANCHANTO_SHIPMENTS,
    ANCHANTO_STOCK,
)
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator, Payload
from tests.bad_input.outcomes import assert_is_bounded, defect_of, outcome_of, run
from tests.bad_input.systems import DAY
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.samples import (
    captured,
    order_row,
    reader_of,
    settings_of,
    shipment_row,
)

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
WHERE = "anchanto: POST /orders"
PERSONAL = ("Ada", "Osei", "ada@example", "Mill Lane", "5125550100")
ADDRESS: Json = {
    "first_name": "Ada", "last_name": "Osei", "address1": "1 Mill Lane", "city": "Austin",
    "state": "TX", "zipcode": "78701", "country_iso": "US", "phone": "+15125550100",
}  # fmt: skip
CUSTOMER: Json = {"name": "Ada Osei", "email": "ada@example.com"}
ITEMS: list[Json] = [
    {"line_id": "11", "sku": "SKU-1", "quantity": 2, "unit_price": 4.0},
    {"line_id": "12", "sku": "SKU-2", "quantity": 1, "unit_price": 2.0},
]
WANTED: Json = {
    "number": "T-1", "store_code": "WEB", "external_id": "1", "status": "New",
    "currency_code": "USD", "carrier": {"carrier_code": "Ground"}, "customer": CUSTOMER,
    "shipping_address": ADDRESS, "totals": {"discount": 0.0, "shipping": 1.0, "tax": 0.5},
    "order_items": ITEMS,
}  # fmt: skip
SETTINGS = settings_of(snapshot_ttl="PT0S")
CONNECTION = connection_of(orders={"order_id_prefix": "T-"})
DOCUMENTS, ORIGINS = Documents(AnchantoFields()), Origins(SETTINGS, CONNECTION)
FULFILMENTS = FulfilmentMapper(SETTINGS, CONNECTION, ORIGINS)
RENAMED = Documents(AnchantoFields(order={"status": "state", "order_items.line_id": "ref"}))


def unlike(payload: bytes) -> str:
    """Return how an order without a difference is not what was wanted, or an empty text."""
    document = json.loads(payload.decode(errors="replace"))
    document = document.get("attributes", document)
    units: dict[str, Decimal] = {}
    for item in document["order_items"]:
        sku, quantity = str(item["sku"]).strip(), item["quantity"]
        assert isinstance(quantity, int | float | str), "it has no quantity"
        units[sku] = units.get(sku, Decimal(0)) + Decimal(str(quantity).strip())
    wanted = {"SKU-1": Decimal(2), "SKU-2": Decimal(1)}
    is_same = units.keys() == wanted.keys() and all(
        abs(units[sku] - wanted[sku]) < Decimal("0.001") for sku in wanted
    )
    return "" if is_same and len(document["order_items"]) == 2 else f"it has {units}"


def test_every_corrupted_order_is_compared_or_rejected() -> None:
    """Only an order with all that was wanted counts as delivered; no personal value is shown."""
    outcomes: Counter[str] = Counter()
    documents = [orjson.dumps({"id": 1, "attributes": WANTED}), orjson.dumps(WANTED)]
    for payload in Mutator(documents).payloads(ANCHANTO_ORDERS, 30_000_000):
        assert len(status_in(DOCUMENTS, payload.body)) <= len(payload.body)
        origin = ORIGINS.origin(payload.body)
        assert origin is None or (origin.order_id.startswith("T-") and origin.source_id)
        with suppress(RecordRejected):
            RENAMED.order(payload.body)
        hidden = () if "swap" in payload.kinds else PERSONAL
        try:
            state, found = compare_order(DOCUMENTS.order_attributes(payload.body), WANTED)
        except RecordRejected as rejected:
            faults = [fault for p in rejected.problems if (fault := defect_of(p, hidden))]
            outcomes[f"rejected{faults or ''}"] += 1
            continue
        assert all(units >= 0 or found for units in units_of(state).values()), payload
        shown = " ".join(f"{one.expected} {one.found}" for one in found).casefold()
        assert not any(value.casefold() in shown for value in hidden), (payload, shown)
        if not found:
            assert unlike(payload.body) == "", payload
        outcomes["differs" if found else "same"] += 1
    assert outcomes.keys() == {"rejected", "differs", "same"}
    assert outcomes.total() == ANCHANTO_ORDERS
    assert min(outcomes.values()) > ANCHANTO_ORDERS // 20


CREATED = {"response": "success", "message": "ok", "data": {"id": 1, "number": "T-1"}}
REFUSED = {
    "response": "error",
    "message": "zipcode of Ada Osei, 1 Mill Lane is invalid",
    "data": None,
}
LISTED = {"data": [order_row(), order_row(number="T-2")], "meta": {"total_pages": 1}}
OPEN = Opener(AnchantoWire())


def answered(payload: Payload, status: int) -> str:
    """Use a corrupted body as the answer to a new order; return the outcome."""
    try:
        opened: dict[str, Any] = {"value": OPEN(payload.body)} if status == 200 else {}
    except ValueError:
        return "unreadable"  # the client tries again, and then leaves the effect unknown
    sent = orjson.dumps({"order": WANTED})
    reply = Reply(status, {}, payload.body, 1.0, WHERE, sent=sent, **opened)
    try:
        answer = interpret(reply, OPEN)
    except LockstepError as error:
        assert_is_bounded(str(error), WHERE)
        return type(error).__name__
    if not answer.is_refused:
        number = DOCUMENTS.value(bytes(answer.data), "order", "number")[0]
        return "accepted" if number == "T-1" else "unknown"
    # A name that is cut or has a character in it can't be recognised.
    hidden = PERSONAL if b" of Ada Osei, 1 Mill Lane is" in payload.body else ()
    rejected = rejection(answer, WANTED)
    assert [defect_of(problem, hidden) for problem in rejected.problems] == [""], payload
    return "rejected"


def test_every_corrupted_answer_is_accepted_rejected_or_an_error_with_its_call() -> None:
    """A refusal never counts as a success, nor does a success that names another order."""
    documents = [orjson.dumps(each) for each in (CREATED, REFUSED, LISTED)]
    outcomes: Counter[str] = Counter()
    for payload in Mutator(documents).payloads(ANCHANTO_ANSWERS, 31_000_000):
        outcome = answered(payload, (200, 200, 422, 500)[payload.seed % 4])
        if outcome == "accepted":
            document = json.loads(payload.body.decode(errors="replace"))
            assert str(document.get("response", "success")).casefold() != "error", payload
            assert "T-1" in str(document["data"]), payload
        outcomes[outcome] += 1
    assert outcomes.total() == ANCHANTO_ANSWERS
    assert {"accepted", "unknown", "rejected", "unreadable", "NoAnswer"} <= outcomes.keys()


ROW: Json = {
    "sku": "SKU-1", "warehouse_code": "EAST", "available": 12, "on_hand": "15", "reserved": 3,
    "buffer": 0, "updated_at": "2026-03-05T10:00:00Z",
}  # fmt: skip
POLICIES = {
    "aggregate": InventoryPolicy(),
    "by_node": InventoryPolicy(mode="by_node", nodes={"EAST": "a", "west": "b"}),
}


def impossible(level: StockLevel) -> str:
    """Return what is wrong with a mapped level, or an empty text."""
    if not (level.available.is_finite() and level.available >= 0):
        return f"{level.available} are available"
    return "" if level.sku and level.node else "it names no place"


class Rows(StockList):
    """A list of stock that has been read."""

    def __init__(self, rows: list[bytes]) -> None:
        super().__init__(reader_of(lambda _: pytest.fail("a call was made")), SETTINGS)
        self.listed = rows

    def everything(self, not_before: datetime | None = None) -> Iterator[list[bytes]]:
        """Return the rows as one page."""
        del not_before
        yield self.listed


STOCK = Rows([])


def records_of(rows: list[bytes], policy: InventoryPolicy) -> list[RawRecord]:
    """Return the records that the rows of a list are captured as."""
    STOCK.listed = rows
    pages = list(InventorySource(STOCK, SETTINGS, policy).fetch(DAY))
    assert pages[-1].complete
    return [record for page in pages for record in page.records]


@pytest.mark.parametrize("mode", POLICIES)
def test_every_corrupted_row_of_stock_is_captured_and_mapped_or_rejected(mode: str) -> None:
    """Beside a good one; what maps has a content, and what has none is rejected."""
    policy, count = POLICIES[mode], ANCHANTO_STOCK // len(POLICIES)
    mapper, good = StockMapper(SETTINGS, policy), orjson.dumps(ROW | {"warehouse_code": "WEST"})
    documents = [orjson.dumps(ROW), orjson.dumps({"id": 1, "attributes": ROW})]
    outcomes: Counter[str] = Counter()
    for payload in Mutator(documents).payloads(count, 32_000_000):
        rows = [payload.body, good] if payload.seed % 2 else [payload.body]
        records = records_of(rows, policy)
        for record in records:
            assert is_composed_id(record.source_id), payload
            outcome, fault = outcome_of(mapper.level, record.payload)
            assert fault == "", (payload, fault)
            assert (record.content is not None) >= (outcome == "mapped"), payload
            if outcome == "mapped":
                found = mapper.level(record.payload)
                assert isinstance(found, Mapped)
                assert impossible(found.record) == "", payload
            outcomes[outcome] += 1
        outcomes["gone"] += not records
    assert outcomes["mapped"] > count // 10
    assert {"mapped", "oms_payload_unreadable"} <= outcomes.keys()
    assert not outcomes["gone"] or mode == "by_node", "only a warehouse may lack a SKU"


def test_a_missing_quantity_is_never_taken_for_none_in_stock() -> None:
    """In one warehouse of several, whatever the others contain."""
    bad: tuple[Any, ...] = (None, "", [], {}, "none", "NaN", True, "1e999")
    for missing in bad:
        rows = [orjson.dumps(ROW | {"available": missing}), orjson.dumps(ROW)]
        for policy in POLICIES.values():
            [record, *_] = records_of(rows, policy)
            outcome = outcome_of(StockMapper(SETTINGS, policy).level, record.payload)
            assert outcome == ("oms_payload_unreadable", ""), missing


def whole() -> list[bytes]:
    """Return orders in each status, with shipments, and with the customer's data."""
    personal = {"shipping_address": ADDRESS, "customer": CUSTOMER}
    shipments = [
        shipment_row(("SKU-1", "1"), ("SKU-2", 1), manifest_number="M1", status="In_transit"),
        shipment_row(("SKU-1", 1), shipment_number="S2", tracking_number="9400111899561234567890"),
    ]
    orders = [captured(**personal, status=status.name) for status in STATUSES.values()]
    return [
        *orders,
        captured(*shipments, **personal, status="Ready_to_Ship"),
        captured(*shipments[:1], **personal),
        captured(shipments[1] | {"status": "Packed", "tracking_number": ""}, **personal),
    ]


def unsound(record: Fulfilment) -> str:
    """Return how a mapped fulfilment contradicts itself, or an empty text."""
    shipped: dict[str, Decimal] = {}
    for parcel in record.parcels:
        for content in parcel.lines:
            shipped[content.line_id] = shipped.get(content.line_id, Decimal(0)) + content.quantity
    for line in record.lines:
        units = sum((part.quantity for part in line.units), Decimal(0))
        if units < max(line.ordered, shipped.get(line.line_id, Decimal(0))):
            return f"units of line {line.line_id} are lost"
    if not FIRST_YEAR <= record.updated_at.year <= LAST_YEAR:
        return f"it was changed in {record.updated_at}"
    return "" if len(list(record.events())) >= len(record.parcels) else "a parcel without an event"


def test_every_corrupted_order_with_shipments_is_mapped_skipped_or_rejected() -> None:
    """No status is guessed, no units are lost; linked or not."""
    outcomes: Counter[str] = Counter()
    for is_linked in (True, False):
        payloads = Mutator(whole()).payloads(ANCHANTO_SHIPMENTS // 2, 33_000_000)

        def mapped(payload: bytes, is_linked: bool = is_linked) -> Any:
            return FULFILMENTS.fulfilment(payload, is_linked=is_linked)

        outcomes += run(mapped, payloads, PERSONAL, unsound)
    assert outcomes.total() == ANCHANTO_SHIPMENTS
    wanted = {"mapped", "oms_payload_unreadable", "status_unknown", "skipped"}
    assert wanted <= outcomes.keys()


@pytest.mark.parametrize("what", ["lines", "units", "shipments"])
def test_orders_of_ten_thousand_parts_take_proportionate_work(what: str) -> None:
    """Work does not grow with the square of lines, their units in one shipment, or shipments."""

    def make(size: int) -> Callable[[], object]:
        names = [f"SKU-{number}" for number in range(size)]
        items = [{"line_id": name, "sku": name, "quantity": 1} for name in names]
        shipments = [shipment_row(*((name, 1) for name in names[: size if what == "units" else 1]))]
        if what == "shipments":
            shipments = [shipment_row((name, 1), shipment_number=name) for name in names]
        payload = captured(*shipments, order_items=items)
        assert outcome_of(FULFILMENTS.fulfilment, payload) == ("mapped", "")
        return lambda: FULFILMENTS.fulfilment(payload)

    assert grows_too_fast(make, 1_000) == ""
