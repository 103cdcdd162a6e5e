"""What would happen to returns: refunded, shown, or neither. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from assets.streams.returns.units import ARRIVED, EXPECTED
from assets.streams.sample import Sample, examined
from domain.exchange import RawRecord
from domain.records.returns import Return
from resources.ledger.session import Session
from resources.sync import Sync


def preview_returns(sync: Sync, session: Session, records: Iterator[RawRecord]) -> Iterator[Sample]:
    """Yield what would happen to some returns of the OMS."""
    for raw in records:
        linked = session.links.store_ids(sync.returns.order_ids(raw.payload))
        to_return = partial(sync.returns.to_canonical, raw.payload, orders=linked.keys())
        found = examined(raw.source_id, to_return)
        if not isinstance(found, Sample):
            found = _found(sync, raw.source_id, found, linked)
        yield found


def _found(sync: Sync, record: str, found: Return, linked: Any) -> Sample:
    order_id = linked.get(found.order_id, found.order_id)
    owed = {line: f"{units:f}" for line, units in found.confirmed().items()}
    if owed and found.is_refunded and sync.connection.returns.refunds != "none":
        text = f"order {order_id}: refund what these units are worth"
        return Sample(record, "send", text, {"order": order_id, "units": owed})
    if units := _shown_units(sync, found):
        content = {"return": found.return_id, "units": units}
        return Sample(record, "send", f"order {order_id}: show the return", content)
    return Sample(record, "unchanged", f"nothing is to be refunded for {found.return_id}")


def _shown_units(sync: Sync, found: Return) -> dict[str, str]:
    """Return line -> units that the store would show of a return; none of one that shows none."""
    target = sync.platform.targets["returns"]
    if "return" not in target.operations:
        return {}
    statuses = EXPECTED if target.shows_announced else ARRIVED
    return {line: f"{units:f}" for line, units in found.in_status(*statuses).items()}
