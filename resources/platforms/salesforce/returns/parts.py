"""The requests of a composite that brings a return order to what the OMS has of a return. Pure.

The return order has an external id of the order and the OMS's return, its lines one of the order's
item as well, so that none is made twice; but some fields can be set in new rows only, so that what
makes rows is refused if it is sent again. A return order takes lines while it is open, so that
one which is settled is opened before, and settled again after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from domain.errors import RecordRejected
from domain.parsing.payload import Scalar
from domain.refunds import ReturnedUnits, ReturnRecord
from resources.platforms.salesforce.orders.delivered import whole_units
from resources.platforms.salesforce.parts import Part, rejection_of
from resources.platforms.salesforce.returns.payload import ReturnedOrder, ReturnLine, ReturnOrder
from resources.platforms.salesforce.settings import (
    KEY_FIELD,
    REFUNDED_FIELD,
    RETURN_FIELD,
    TRACKING_FIELD,
    SalesforceSettings,
)
from resources.platforms.salesforce.shipments.order import MANAGED, PREFIX

RETURN = "return"
"""Reference of the return order's request, whose answer has its id."""
MOST_ROWS = 200
"""Records of one collection."""
LONGEST_TEXT = 255
CREATE_ONLY = ("OrderSummaryId", "OrderItemSummaryId")
DRAFT = "Draft"
"""A status of the vendor's in which a return order counts for nothing yet."""
Values = dict[str, Any]


class HeldReturns:
    """What an order has of one return, and of those that were made in the org."""

    def __init__(self, order: ReturnedOrder, key: str) -> None:
        self.order, self.key = order, key
        found = order.return_orders.records if order.return_orders is not None else None
        self._all = [each for each in found or () if each is not None]
        own = [each for each in self._all if each.key == key]
        self.own: ReturnOrder | None = own[0] if own else None
        self.lines = {
            line.key.removeprefix(f"{key}-"): line
            for line in (_lines(self.own) if self.own is not None else ())
            if line.key and line.key.startswith(f"{key}-")
        }
        """Order item summary -> the line of the return that is ours."""
        items = order.order_item_summaries
        self.products = {
            item.id: item.product2_id
            for item in (items.records if items is not None else None) or ()
            if item is not None and item.id
        }

    def units_of_others(self, item_id: str, settled: str) -> int:
        """Return the units of an item in return orders of the org's own that count."""
        return sum(
            max(_units(line.quantity_expected), _units(line.quantity_returned))
            for each in self._all
            if not (each.key or "").startswith(PREFIX) and each.status not in (DRAFT, settled)
            for line in _lines(each)
            if line.order_item_summary_id == item_id
        )


def return_key(record: ReturnRecord) -> str:
    """Return the external id of a return order: the OMS's id alone may be another one's, too."""
    digest = hashlib.sha256(f"{record.order_id}\0{record.return_id}".encode()).hexdigest()
    return f"{PREFIX}{digest[:32]}"


def show_return(
    order: ReturnedOrder, record: ReturnRecord, settings: SalesforceSettings
) -> list[Part]:
    """Return the requests; none where the org shows the return as it should be.

    Raises ``RecordRejected`` for an order that the platform manages itself, and where return orders
    of the org's own have units of a line already.
    """
    if order.order_life_cycle_type == MANAGED:
        raise _managed(record.return_id)
    held, names = HeldReturns(order, return_key(record)), settings.return_statuses
    rows = list(_rows(held, record, names.canceled))
    header = _header(held, record)
    status = held.own.status if held.own is not None else None
    settled = (names.closed, names.canceled)
    if held.own is None:
        if not rows:
            return []
        header |= _made(order, settings) | {"Status": names.open}
        status = names.open
    elif rows and status in settled:
        header["Status"] = status = names.open
    parts = [_upsert(settings, held.key, header)] if header else []
    place = f"@{{{RETURN}.id}}" if header or held.own is None else held.own.id
    for row in rows:
        if row.pop("is_new"):
            row["ReturnOrderId"] = place
    parts += _collections(settings, rows)
    # A status of the org's own, in which the return is open, is left as it is.
    wanted = _status(record, settings) or status
    if wanted != status:
        url = f"{settings.data_path}/sobjects/ReturnOrder/{place}"
        body = {"Status": wanted}
        parts.append({"method": "PATCH", "url": url, "referenceId": "settled", "body": body})
    return parts


def _managed(return_id: str) -> RecordRejected:
    return rejection_of(
        "return_refused",
        "OrderLifeCycleType",
        "the platform manages the order itself, so its returns can't be shown",
        "create order summaries with OrderLifeCycleType UNMANAGED for an external OMS, or make "
        "the return order in the org and discard this rejection",
        return_id,
    )


def creates(parts: list[Part]) -> bool:
    """Return whether requests make rows: they have fields that a row takes at no other time."""
    rows = [row for part in parts for row in part["body"].get("records", [part["body"]])]
    return any(name in row for row in rows for name in CREATE_ONLY)


def _status(record: ReturnRecord, settings: SalesforceSettings) -> str | None:
    """Return the status of a return that is settled: all canceled, or all confirmed."""
    expected = sum(_expected(line) for line in record.lines)
    if not expected:
        return settings.return_statuses.canceled
    confirmed = sum(line.confirmed for line in record.lines)
    return settings.return_statuses.closed if confirmed >= expected else None


def _header(held: HeldReturns, record: ReturnRecord) -> Values:
    """Return the fields of the return order that differ."""
    texts = {
        RETURN_FIELD: record.return_id[:LONGEST_TEXT],
        TRACKING_FIELD: record.tracking_number[:LONGEST_TEXT] or None,
    }
    now = (
        {}
        if held.own is None
        else {RETURN_FIELD: held.own.number, TRACKING_FIELD: held.own.tracking}
    )
    return {name: text for name, text in texts.items() if text != now.get(name)}


def _made(order: ReturnedOrder, settings: SalesforceSettings) -> Values:
    """Return what a new return order states of its order."""
    values: Values = {"OrderSummaryId": order.id}
    if order.account_id:
        values["AccountId"] = order.account_id
    if settings.currency is None and order.currency_iso_code:
        values["CurrencyIsoCode"] = order.currency_iso_code
    return values


def _rows(held: HeldReturns, record: ReturnRecord, canceled: str) -> Iterator[Values]:
    """Yield the lines that differ; one that the OMS's return no longer has is emptied."""
    for line in record.lines:
        before = held.lines.get(line.line_id)
        wanted = _wanted(line)
        if before is None and not wanted["QuantityExpected"]:
            continue
        grows = wanted["QuantityExpected"] > _units(before.quantity_expected if before else None)
        if grows and not record.is_separate:
            _refuse_others(held, record, line, canceled)
        if (row := _row(held, line.line_id, wanted)) is not None:
            yield row
    gone = held.lines.keys() - {line.line_id for line in record.lines}
    for item_id in sorted(gone):
        if (row := _row(held, item_id, _wanted(ReturnedUnits(item_id, 0, 0, 0)))) is not None:
            yield row


def _row(held: HeldReturns, item_id: str, wanted: Values) -> Values | None:
    """Return the row that brings a line to what is wanted, ``None`` if it is that already."""
    before, key = held.lines.get(item_id), f"{held.key}-{item_id}"
    base: Values = {
        "attributes": {"type": "ReturnOrderLineItem"},
        KEY_FIELD: key,
        "is_new": before is None,
    }
    if before is None:
        base["OrderItemSummaryId"] = item_id
        if product := held.products.get(item_id):
            base["Product2Id"] = product
        return base | {name: value for name, value in wanted.items() if value is not None}
    now = {
        "Description": before.description or None,
        "QuantityExpected": _units(before.quantity_expected),
        "QuantityReceived": _units(before.quantity_received),
        "QuantityReturned": _units(before.quantity_returned),
        REFUNDED_FIELD: _units(before.refunded),
    }
    changed = {name: value for name, value in wanted.items() if value != now[name]}
    return base | changed if changed else None


def _wanted(line: ReturnedUnits) -> Values:
    said = {"Condition": line.condition, "reason": line.reason}
    text = ", ".join(f"{name} {value}" for name, value in said.items() if value)
    return {
        "Description": text[:LONGEST_TEXT] or None,
        "QuantityExpected": _expected(line),
        "QuantityReceived": line.arrived,
        "QuantityReturned": line.confirmed,
        REFUNDED_FIELD: line.refunded,
    }


def _expected(line: ReturnedUnits) -> int:
    return max(line.expected, line.arrived)


def _refuse_others(
    held: HeldReturns, record: ReturnRecord, line: ReturnedUnits, canceled: str
) -> None:
    units = held.units_of_others(line.line_id, canceled)
    if units:
        raise rejection_of(
            "return_made_in_store",
            f"lines[{line.line_id}]",
            f"The store's order {record.order_id} has {units} units of line {line.line_id} in "
            f"return orders that were made there, and the OMS has {_expected(line)} in the return "
            f"{record.return_id}: it may be shown already.",
            "If it is, discard this rejection. If it is another return, show it, too, "
            "with 'lockstep rejections retry ID --reason TEXT', and enter the other one at "
            "the OMS.",
            record.return_id,
        )


def _lines(order: ReturnOrder) -> Iterator[ReturnLine]:
    found = order.return_order_line_items
    for line in (found.records if found is not None else None) or ():
        if line is not None:
            yield line


def _units(value: Scalar) -> int:
    return max(whole_units(value) or 0, 0)


def _upsert(settings: SalesforceSettings, key: str, values: Values) -> Part:
    url = f"{settings.data_path}/sobjects/ReturnOrder/{KEY_FIELD}/{quote(key, safe='')}"
    return {"method": "PATCH", "url": url, "referenceId": RETURN, "body": values}


def _collections(settings: SalesforceSettings, rows: list[Values]) -> list[Part]:
    """Return upserts of up to 200 rows each."""
    url = f"{settings.data_path}/composite/sobjects/ReturnOrderLineItem/{KEY_FIELD}"
    return [
        {
            "method": "PATCH",
            "url": url,
            "referenceId": f"lines{start}",
            "body": {"allOrNone": True, "records": rows[start : start + MOST_ROWS]},
        }
        for start in range(0, len(rows), MOST_ROWS)
    ]
