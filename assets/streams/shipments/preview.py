"""What would happen to shipments and statuses in the store. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from assets.delivery.links import not_linked
from assets.streams.sample import Sample, kept_out, masked, skipped_by
from assets.streams.shipments.requests import not_shipped, shipment_requests
from domain.errors import RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.records.fulfilment import Fulfilment
from domain.records.record import amend
from domain.skus import BySku
from resources.ledger.rows import KnownLine
from resources.ledger.session import Session
from resources.sync import Sync


def preview_shipments(
    sync: Sync, session: Session, records: Iterable[RawRecord]
) -> Iterator[Sample]:
    """Yield what would happen to some orders of the OMS."""
    rows = list(records)
    linked = session.links.store_ids([raw.source_id for raw in rows])
    for raw in rows:
        try:
            mapped = sync.shipments.to_canonical(raw.payload, is_linked=raw.source_id in linked)
            if isinstance(mapped, Skipped):
                yield skipped_by(raw.source_id, mapped)
                continue
            # A new connection has no links yet: its own orders are those that name the store's.
            origin = sync.shipments.to_origin(raw.payload)
            claimed = origin.source_id if origin is not None and origin.is_own_id else ""
            if store_id := linked.get(raw.source_id, claimed):
                amend(mapped.record, "source_id", store_id)
                yield _shipment(sync, raw.source_id, mapped.record)
            else:
                yield kept_out(raw.source_id, [not_linked(raw.source_id)])
        except RecordRejected as rejected:
            yield kept_out(raw.source_id, rejected.problems)


def _shipment(sync: Sync, record: str, fulfilment: Fulfilment) -> Sample:
    """Return the shipments and the status of an order that is at the store."""
    lines = _lines(sync, fulfilment.source_id)
    units = BySku(sync.connection.orders.uom_rules)
    requests, kept_back = shipment_requests(fulfilment, lines, units)
    status_for = sync.platform.targets["shipments"].status_for
    milestone = fulfilment.shown_milestone(status_for, not_shipped(lines))
    status = status_for(milestone)
    if not requests and kept_back:
        return kept_out(record, kept_back)
    if not requests and status is None:
        return Sample(record, "unchanged", f"the milestone {milestone} sends nothing")
    payload = {
        "shipments": [asdict(request) for request in requests.values()],
        "status": status,
    }
    text = f"order {fulfilment.source_id}: {len(requests)} shipments, status {status} ({milestone})"
    if kept_back:
        text += f"; kept back: {kept_out(record, kept_back).text}"
    return Sample(record, "send", text, masked(payload))


def _lines(sync: Sync, source_id: str) -> dict[str, KnownLine] | None:
    """Return the lines of an order as the store has it now; ``None`` if it has no such order."""
    rules = sync.order_rules
    for page in sync.orders.read([source_id]):
        for raw in page.records:
            mapped = rules.to_order(sync.orders.to_canonical, raw.payload, lambda _: True)
            if isinstance(mapped, Mapped):
                return {
                    line.line_id: KnownLine(line.group_id, str(line.kind), line.factor)
                    for line in mapped.record.lines
                }
    return None
