"""Corrupted orders, answers, stock and shipments of an Extensiv account: each has one outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
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
from resources.http.reply import QuotaUsedUp, Reply
from resources.oms.extensiv.client import interpret, open_envelope, rejection, rows_of
from resources.oms.extensiv.inventory import InventorySource, StockMapper
from resources.oms.extensiv.orders.diff import compare_order, units_of
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.orders.writer import status_in
from resources.oms.extensiv.settings import ExtensivCodes, ExtensivSettings
from resources.oms.extensiv.shipments.mapping import FulfilmentMapper
from resources.oms.extensiv.statuses import STATUSES
from resources.oms.extensiv.stock_list import StockList
from tests.bad_input.counts import (
    EXTENSIV_ANSWERS,
    EXTENSIV_ORDERS,
    EXTENSIV_SHIPMENTS,
    EXTENSIV_STOCK,
)
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator, Payload
from tests.bad_input.outcomes import assert_is_bounded, defect_of, outcome_of, run
from tests.bad_input.systems import DAY
from tests.conformance.systems import connection_of
from tests.resources.oms.extensiv.samples import settings_of, shipment, view

pytestmark = pytest.mark.slow(seconds=40)

Json = dict[str, Any]
WHERE = "extensiv: POST /cart/orders/cartrover"
PERSONAL = ("Ada", "Osei", "ada@example", "Mill Lane", "5125550100")
ADDRESS: Json = {
    "ship_first_name": "Ada", "ship_last_name": "Osei", "ship_e_mail": "ada@example.com",
    "ship_address_1": "1 Mill Lane", "ship_city": "Austin", "ship_state": "TX",
    "ship_zip": "78701", "ship_country": "USA", "ship_phone": "+15125550100",
}  # fmt: skip
ITEMS: list[Json] = [
    {"line_no": 1, "line_item_id": "11", "item": "SKU-1", "quantity": 2, "price": 4.0},
    {"line_no": 2, "line_item_id": "12", "item": "SKU-2", "quantity": 1, "price": 2.0},
]
WANTED: Json = {
    "cust_ref": "T-1", "cust_po_no": "1", "custom_field_1": "1", "currency_code": "USD",
    "ship_code": "Ground", "order_discount": 0.0, "shipping_handling": 1.0, "sales_tax": 0.5,
    "grand_total": 11.5, **ADDRESS, "items": ITEMS,
}  # fmt: skip
CONNECTION = connection_of(orders={"order_id_prefix": "T-"})
ORIGINS = Origins(settings_of(), CONNECTION)
FULFILMENTS = FulfilmentMapper(settings_of(), CONNECTION, ORIGINS)


def numbers(document: Json) -> Json:
    """Return an order as reads show it: money and quantities as text."""
    text = {name: str(value) for name, value in document.items() if isinstance(value, float)}
    items = [item | {"quantity": str(item["quantity"])} for item in document["items"]]
    return document | text | {"items": items, "order_status": "new"}


def unlike(payload: bytes) -> str:
    """Return how an order without a difference is not what was wanted, or an empty text."""
    document = json.loads(payload.decode(errors="replace"))
    if len(document["items"]) != len(ITEMS):
        return "it has other lines"
    units: dict[str, Decimal] = {}
    for item in document["items"]:
        sku = str(item["item"]).strip()
        quantity = item["quantity"]
        assert isinstance(quantity, int | float | str), "it has no quantity"
        units[sku] = units.get(sku, Decimal(0)) + Decimal(str(quantity).strip())
    wanted = {"SKU-1": Decimal(2), "SKU-2": Decimal(1)}
    is_same = units.keys() == wanted.keys() and all(
        abs(units[sku] - wanted[sku]) < Decimal("0.001") for sku in wanted
    )
    return "" if is_same else f"it has {units}"


def test_every_corrupted_order_is_compared_or_rejected() -> None:
    """Only an order with all that was wanted counts as delivered; no personal value is shown."""
    outcomes: Counter[str] = Counter()
    documents = [orjson.dumps(each) for each in (WANTED, numbers(WANTED))]
    for payload in Mutator(documents).payloads(EXTENSIV_ORDERS, 20_000_000):
        assert len(status_in(payload.body)) <= len(payload.body)
        origin = ORIGINS.origin(payload.body)
        assert origin is None or (origin.order_id.startswith("T-") and origin.source_id)
        hidden = () if "swap" in payload.kinds else PERSONAL
        try:
            state, found = compare_order(payload.body, WANTED)
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
    assert outcomes.total() == EXTENSIV_ORDERS
    assert min(outcomes[name] for name in ("rejected", "differs", "same")) > EXTENSIV_ORDERS // 20


CREATED = {"success_code": True, "cust_ref": "T-1", "order_number": "CR-1"}
REFUSED = {
    "success_code": False,
    "error_code": "Invalid",
    "error_response": {"field": "ship_zip"},
    "message": "ship_zip of Ada Osei, 1 Mill Lane is invalid",
}
LISTED = {"success_code": True, "response": [{"sku": "SKU-1"}, {"sku": "SKU-2"}]}
CODES = ExtensivCodes()


def answered(payload: Payload, status: int) -> str:
    """Use a corrupted body as the answer to a new order; return the outcome."""
    try:
        opened: dict[str, Any] = {"value": open_envelope(payload.body)} if status == 200 else {}
    except QuotaUsedUp as error:
        assert_is_bounded(str(error))
        return "quota"
    except ValueError:
        return "unreadable"  # the client tries again, and then leaves the effect unknown
    sent = orjson.dumps(WANTED)
    reply = Reply(status, {}, payload.body, 1.0, WHERE, sent=sent, **opened)
    try:
        answer = interpret(reply, CODES)
        if not answer.is_refused:
            rows_of(answer, WHERE)  # rows, or an error
            return "accepted" if answer.cust_ref == "T-1" else "unknown"
    except LockstepError as error:
        assert_is_bounded(str(error), WHERE)
        return type(error).__name__
    # A name that is cut or has a character in it can't be recognised.
    hidden = PERSONAL if b"Ada Osei, 1 Mill Lane" in payload.body else ()
    rejected = rejection(answer, WANTED)
    assert [defect_of(problem, hidden) for problem in rejected.problems] == [""], payload
    return "rejected"


def test_every_corrupted_answer_is_accepted_rejected_or_an_error_with_its_call() -> None:
    """A refusal never counts as a success, nor does a success that names another order."""
    documents = [orjson.dumps(each) for each in (CREATED, REFUSED, LISTED)]
    outcomes: Counter[str] = Counter()
    for payload in Mutator(documents).payloads(EXTENSIV_ANSWERS, 21_000_000):
        status = (200, 200, 400, 500)[payload.seed % 4]
        outcome = answered(payload, status)
        if outcome == "accepted":
            document = json.loads(payload.body.decode(errors="replace"))
            assert status == 200
            assert document["success_code"] in (True, 1, "1", "True", "true"), payload
            assert str(document["cust_ref"]).strip() == "T-1"
        outcomes[outcome] += 1
    assert outcomes.total() == EXTENSIV_ANSWERS
    wanted = {"accepted", "unknown", "rejected", "unreadable", "PermanentError", "TransientError"}
    assert wanted <= outcomes.keys()


ROW: Json = {
    "sku": "SKU-1",
    "qty_available": 12,
    "qty_on_hand": "15",
    "wms_datetime": "2026-03-05 10:00:00",
    "aliases": [],
    "warehouses": {
        "101": {
            "warehouse": "EAST",
            "qty_available": 7,
            "qty_on_hand": "9",
            "wms_datetime": "2026-03-05 10:00:00",
        },
        "102": {
            "warehouse": "WEST",
            "qty_available": "5",
            "qty_on_hand": 6,
            "wms_datetime": "2026-03-05 11:00:00",
        },
    },
}
POLICIES = {
    "aggregate": InventoryPolicy(),
    "by_node": InventoryPolicy(mode="by_node", nodes={"101": "a", "west": "b"}),
}


def impossible(level: StockLevel) -> str:
    """Return what is wrong with a mapped level, or an empty text."""
    if not (level.available.is_finite() and level.available >= 0):
        return f"{level.available} are available"
    return "" if level.sku and level.node else "it names no place"


class Rows(StockList):
    """A list of stock that has been read."""

    def __init__(self, rows: list[bytes]) -> None:
        self._rows = rows

    def everything(self, not_before: datetime | None = None) -> Iterator[list[bytes]]:
        """Return the rows as one page."""
        del not_before
        yield self._rows


def records_of(row: bytes, settings: ExtensivSettings, policy: InventoryPolicy) -> list[RawRecord]:
    """Return the records that one row of a list is captured as."""
    pages = list(InventorySource(Rows([row]), settings, policy).fetch(DAY))
    assert pages[-1].complete
    return [record for page in pages for record in page.records]


@pytest.mark.parametrize("mode", POLICIES)
def test_every_corrupted_row_of_stock_is_captured_and_mapped_or_rejected(mode: str) -> None:
    """A row is at least one record; what maps has a content, and what has none is rejected."""
    settings, policy = settings_of(snapshot_ttl="PT0S"), POLICIES[mode]
    mapper, count = StockMapper(settings, policy), EXTENSIV_STOCK // len(POLICIES)
    documents = [orjson.dumps(each) for each in (ROW, ROW | {"aliases": {"UPC": "1"}})]
    outcomes: Counter[str] = Counter()
    for payload in Mutator(documents).payloads(count, 22_000_000):
        records = records_of(payload.body, settings, policy)
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
    """In the row or in a warehouse, whatever else they contain."""
    bad: tuple[Any, ...] = (None, "", [], {}, "none", "NaN", True, "1e999")
    for missing in bad:
        wrong = {"qty_available": missing}
        assert outcome_of(
            StockMapper(settings_of(), POLICIES["aggregate"]).level, orjson.dumps(ROW | wrong)
        ) == ("oms_payload_unreadable", "")
        places = {"101": ROW["warehouses"]["101"] | wrong}
        payload = {"node": "101", "row": ROW | {"warehouses": places}}
        mapper = StockMapper(settings_of(), POLICIES["by_node"])
        assert outcome_of(mapper.level, orjson.dumps(payload)) == ("oms_payload_unreadable", "")


def whole() -> list[bytes]:
    """Return orders in each status, with shipments and holds, and with the customer's data."""
    reason = "No ship method is mapped for Ground"
    cartons = [
        shipment(("SKU-1", "1"), ("SKU-2", 1), sscc_barcode="00340123", date="2026-03-05"),
        shipment(("SKU-1", 1), tracking_no="9400111899561234567890", carrier="USPS", method=None),
    ]
    views = [view(**ADDRESS, order_status=status, custom_field_1="1") for status in STATUSES]
    views += [
        view(*cartons, **ADDRESS, order_status="shipped"),
        view(*cartons[:1], **ADDRESS, order_status="partial", on_hold="Y", error_reason=reason),
        view(**ADDRESS, order_status="error", error_reason=reason),
        view(**ADDRESS, order_status="new", sending_canceled="Y", error_reason=reason),
    ]
    return views


def unsound(record: Fulfilment) -> str:
    """Return how a mapped fulfilment contradicts itself, or an empty text."""
    shipped: dict[str, Decimal] = {}
    for parcel in record.parcels:
        for content in parcel.lines:
            shipped[content.line_id] = shipped.get(content.line_id, Decimal(0)) + content.quantity
    for line in record.lines:
        units = sum((part.quantity for part in line.units), Decimal(0))
        if units != max(line.ordered, shipped.get(line.line_id, Decimal(0))):
            return f"the units of line {line.line_id} are neither what was ordered nor shipped"
    if not FIRST_YEAR <= record.updated_at.year <= LAST_YEAR:
        return f"it was changed in {record.updated_at}"
    names = [parcel.parcel_id for parcel in record.parcels]
    if len(names) != len(set(names)):
        return "two parcels have one name"
    return "" if len(list(record.events())) >= len(record.parcels) else "a parcel without an event"


def test_every_corrupted_order_with_shipments_is_mapped_skipped_or_rejected() -> None:
    """No status is guessed, no units are invented or lost; linked or not."""
    outcomes: Counter[str] = Counter()
    for is_linked in (True, False):
        payloads = Mutator(whole()).payloads(EXTENSIV_SHIPMENTS // 2, 23_000_000)

        def mapped(payload: bytes, is_linked: bool = is_linked) -> Any:
            return FULFILMENTS.fulfilment(payload, is_linked=is_linked)

        outcomes += run(mapped, payloads, PERSONAL, unsound)
    assert outcomes.total() == EXTENSIV_SHIPMENTS
    wanted = {"mapped", "oms_payload_unreadable", "status_unknown", "order_held_at_oms", "skipped"}
    assert wanted <= outcomes.keys()


@pytest.mark.parametrize("what", ["lines", "cartons", "shipments"])
def test_orders_of_ten_thousand_parts_take_proportionate_work(what: str) -> None:
    """Work does not grow with the square of lines, cartons or shipments."""

    def make(size: int) -> Callable[[], object]:
        names = [f"SKU-{number}" for number in range(size)]
        items = [{"line_item_id": name, "item": name, "quantity": 1} for name in names]
        content = [{"item": name, "quantity": 1, "carton_code": name} for name in names]
        one = shipment() | {"items": content if what == "cartons" else content[:1]}
        shipments = [one]
        if what == "shipments":
            shipments = [
                shipment() | {"items": [each], "tracking_no": f"N{place}"}
                for place, each in enumerate(content)
            ]
        payload = view(*shipments, items=items, order_status="at_wms")
        assert outcome_of(FULFILMENTS.fulfilment, payload) == ("mapped", "")
        return lambda: FULFILMENTS.fulfilment(payload)

    assert grows_too_fast(make, 1_000) == ""
