"""Fulfilment: an order's file together with its lines of ``shipments.jsonl``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar
from urllib.parse import unquote

from domain.carriers.carriers import normalise_carrier
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.milestones import Milestone
from domain.reconciliation import OrderOrigin
from domain.records.fulfilment import Fulfilment, LineProgress, Parcel, ParcelLine, Units
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from tests.connectors.toy.client import Files
from tests.connectors.toy.orders import CANCELED
from tests.connectors.toy.payload import (
    ADVICE,
    FACTS,
    Progress,
    Shipment,
    decode_progress,
    moment_of,
    units_of,
    usable,
)

ZERO = Decimal(0)


class ShipmentsSource:
    """``domain.sources.FulfilmentSource``."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS
    wants_delivered = False

    def __init__(self, files: Files, prefix: str) -> None:
        self._files, self._prefix = files, prefix

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``."""
        changes = (record.updated_at for record in self._records())
        return min((moment for moment in changes if moment >= since), default=None)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the orders changed in the window."""
        del scope
        records = [r for r in self._records() if window.since <= r.updated_at < window.until]
        if records:
            yield Page(records)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their ids."""
        records = [record for record in self._records() if record.source_id in ids]
        if records:
            yield Page(records)

    def to_canonical(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Map an order with its shipments; one without a link or our prefix is skipped."""
        decoded = decode_progress(payload)
        if decoded.problems:
            raise RecordRejected(*decoded.problems)
        found = decoded.document
        if not is_linked and not self._is_own(found):
            return Skipped("not_from_this_store", "the order has another prefix or no store order")
        with usable():
            return Mapped(_fulfilment(found))

    def to_origin(self, payload: bytes) -> OrderOrigin | None:
        """Return which of the store's orders an order claims to be."""
        try:
            order = decode_progress(payload).document.order
        except RecordRejected:
            return None
        if not self._is_own(Progress(order)):
            return None
        is_own_id = order.id.startswith(self._prefix)
        return OrderOrigin(order.id, order.store_order, is_own_id, order.status == CANCELED)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the folder does not want to know."""

    def _is_own(self, found: Progress) -> bool:
        return found.order.id.startswith(self._prefix) and bool(found.order.store_order)

    def _records(self) -> Iterator[RawRecord]:
        shipments = self._files.shipments_by_order()
        for path in self._files.order_files():
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield _record(unquote(path.stem), path.read_bytes(), written, shipments)


def _record(
    order_id: str, content: bytes, written: datetime, shipments: dict[str, list[bytes]]
) -> RawRecord:
    """Return an order's file with its shipments; one without a time has that of its file."""
    lines = shipments.get(order_id, [])
    payload = b'{"order":%b,"shipments":[%b]}' % (content, b",".join(lines))
    try:
        found = decode_progress(payload).document
        moments = [found.order.updated, *(shipment.at for shipment in found.shipments)]
        changed = max(moment_of(each, "updated") for each in moments)
    except RecordRejected:  # the mapping will reject it
        changed = written
    return RawRecord(order_id, changed, payload)


def _fulfilment(found: Progress) -> Fulfilment:
    parcels = tuple(_parcel(found, shipment) for shipment in found.shipments)
    shipped: dict[str, Decimal] = {}
    for parcel in parcels:
        for part in parcel.lines:
            shipped[part.line_id] = shipped.get(part.line_id, ZERO) + part.quantity
    is_canceled = found.order.status == CANCELED
    rest = Milestone.CANCELED if is_canceled else Milestone.CREATED
    lines = []
    for line in found.order.lines:
        ordered, gone = units_of(line.units, "order.lines.units"), shipped.get(line.line, ZERO)
        parts = ((rest, ordered - gone), (Milestone.SHIPPED, gone))
        units = tuple(Units(milestone=m, quantity=q) for m, q in parts if q > 0)
        lines.append(LineProgress(line_id=line.line, sku=line.sku, ordered=ordered, units=units))
    moments = [found.order.updated, *(shipment.at for shipment in found.shipments)]
    return Fulfilment(
        order_id=found.order.id,
        lines=tuple(lines),
        parcels=parcels,
        cancel_answer="accepted" if is_canceled else None,
        updated_at=max(moment_of(each, "updated") for each in moments),
    )


def _parcel(found: Progress, shipment: Shipment) -> Parcel:
    skus = {line.line: line.sku for line in found.order.lines}
    for line in shipment.lines:
        if line.line not in skus:
            text = f"Shipment {shipment.id} has a line that the order has not."
            raise RecordRejected(Problem("line_unknown", "shipments.lines.line", text, ADVICE))
    return Parcel(
        parcel_id=shipment.id,
        tracking_number=shipment.tracking,
        carrier=normalise_carrier(shipment.carrier),
        carrier_source=shipment.carrier,
        shipped_at=moment_of(shipment.at, "shipments.at"),
        lines=tuple(
            ParcelLine(
                line_id=line.line,
                sku=skus[line.line],
                quantity=units_of(line.units, "shipments.lines.units"),
            )
            for line in shipment.lines
        ),
    )
