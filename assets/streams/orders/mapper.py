"""Mapping of captured orders by what the OMS has of them: what is sent, skipped or rejected.

A status in which changes are not sent says that of the status only. If what a parcel holds or where
it goes has changed with it, or in it, the OMS would ship something else than the store shows: that
is a rejection. It ends once the content is as it was, or is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property

from assets.delivery.links import already_sent
from assets.streams.deletions import Deletions
from assets.streams.orders.former import FormerVersions
from assets.streams.orders.header import header_of
from domain.connections import ORDERS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import Order
from domain.records.record import decode_record
from domain.rules.export import NOT_SENT_RULE, Ended
from domain.rules.order_changes import physical_changes
from domain.rules.translation import id_at_oms
from domain.values import FAR_AHEAD
from resources.ledger.monitoring.caution import is_cautious, unknown_until
from resources.ledger.records.withdrawals import ended_at_oms
from resources.ledger.rejections.discards import done_by_hand
from resources.ledger.rows import StoredCapture
from resources.ledger.session import Session
from resources.ledger.store_links import sent_elsewhere
from resources.sync import Sync

DELETIONS = Deletions("lockstep_deleted_order")
CHANGED = "It differs from what the OMS has"
TAKEN_BACK = (
    "It is again as the OMS got it, but a change of it was discarded meanwhile, and may have been "
    "made at the OMS by hand. It differs from that"
)
NOT_COMPARED = ("lines", "groups")
"""What may differ from a version that can't be mapped."""
MOST_NAMED = 6
"""Changes that a message names; the others are counted."""


class OrdersMapper:
    """Maps the captures of one chunk."""

    def __init__(self, sync: Sync, session: Session, captures: Sequence[StoredCapture]) -> None:
        self._sync, self._session, self._rules = sync, session, sync.order_rules
        self._exported = exported_orders(sync, session, captures)
        self._to_canonical = sync.orders.to_canonical
        self._versions = FormerVersions(sync, session, needs_codes=False)
        self._unknown = [c.source_id for c in captures if c.source_id not in self._exported]
        self._elsewhere = sent_elsewhere(session.db, sync.name, self._unknown)
        """What other connections of the store have sent, as before a channel was split off."""
        self._ids = {c.payload: c.source_id for c in captures if c.source_id in self._exported}
        """Payload -> id, of orders that the OMS has."""

    def __call__(self, payload: bytes) -> Mapped[Order] | Skipped:
        """Map one capture. Raises ``RecordRejected``."""
        exported, ended = self._exported.__contains__, self._ended
        deleted = DELETIONS.source_id(payload)
        if deleted is not None:
            return self._rules.to_deleted(deleted, self._last(deleted), exported, ended)
        if self._elsewhere and (sent := self._sent_elsewhere(payload)) is not None:
            return sent
        found = self._rules.to_order(
            self._to_canonical, payload, exported, self._is_owed, ended, self._last
        )
        if isinstance(found, Skipped) and found.rule == NOT_SENT_RULE:
            source_id = self._ids.get(payload)
            if source_id is not None:
                self._look_for_changes(source_id, payload, found)
        return found

    def _sent_elsewhere(self, payload: bytes) -> Skipped | None:
        """Return why an order is left to another connection. Raises ``RecordRejected``.

        That connection may be gone. Then a person has to know, unless nothing is left to do.
        """
        header = header_of(self._sync.orders, payload)
        sent = self._elsewhere.get(header.source_id) if header is not None else None
        if header is None or sent is None:
            return None
        if sent.is_active:
            reason = f"the connection {sent.connection} has sent the order as {sent.oms_id}"
            return Skipped("sent_elsewhere", reason)

        def ended() -> Ended:
            return ended_at_oms(self._session.db, sent.connection, header.source_id)

        left = self._rules.left_over(header, ended)
        if left is None:
            raise RecordRejected(already_sent(sent.connection, sent.oms_id))
        return left

    def _is_owed(self, source_id: str) -> bool:
        # Asked only of orders that were refunded or shipped without the OMS.
        return source_id in self._owed

    @cached_property
    def _owed(self) -> set[str]:
        """Of all orders that the OMS does not have: of a new connection most have shipped."""
        return owed_orders(self._session, self._unknown)

    def _ended(self, source_id: str) -> Ended:
        return ended_at_oms(self._session.db, self._sync.name, source_id)

    def _last(self, source_id: str) -> Order | None:
        """Return the newest version that was accepted, of an order that the OMS has."""
        content = self._contents.get(source_id)
        return decode_record(Order, content) if content is not None else None

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        """Of all orders that the OMS has: read at once, as most of a day's orders are shipped."""
        records = self._session.records
        return records.canonicals(records.newest_accepted(list(self._exported)))

    def _look_for_changes(self, source_id: str, payload: bytes, skipped: Skipped) -> None:
        """Raise ``RecordRejected`` if a version that is not sent has another content.

        Also if that has no code at the OMS, such as a shipping method that no setting names.
        """
        now = self._versions.as_sent(payload)
        last = self._last(source_id)
        if now is None or last is None or last.canceled:
            return
        changes = physical_changes(last, now)
        for then in self._former(source_id) if changes else ():
            found = physical_changes(then, now)
            changes = tuple(change for change in changes if change in found)
        what = CHANGED
        if source_id in self._discarded:
            seen = self._discarded[source_id]
            if not (since := physical_changes(seen, now) if seen is not None else NOT_COMPARED):
                return
            if not changes and source_id in self._by_hand:
                changes, what = since, TAKEN_BACK
        if not changes or self._ended(source_id) == "canceled":
            return
        more = f" and {len(changes) - MOST_NAMED} more" if len(changes) > MOST_NAMED else ""
        raise RecordRejected(
            Problem(
                "change_not_sent",
                changes[0],
                f"the order was changed, and the change is not sent: {skipped.reason}. {what} in "
                f"{', '.join(changes[:MOST_NAMED])}{more}",
                "make the change at the OMS if it still can, or undo it in the store; set the "
                "order to a status of orders.update_statuses to send it; or discard the rejection",
            )
        )

    @cached_property
    def _discarded(self) -> Mapping[str, Order | None]:
        """Of all orders that the OMS has: the versions whose changes operators have discarded."""
        return self._versions.discarded(list(self._exported))

    @cached_property
    def _by_hand(self) -> Collection[str]:
        """Of these, those that operators may have changed at the OMS by hand."""
        return done_by_hand(self._session.db, self._sync.name, ORDERS, list(self._discarded))

    def _former(self, source_id: str) -> Iterator[Order]:
        """Yield the version that was accepted last by the current rules, if it is kept.

        As an operator has corrected it, and as it came: what other rules, or a correction, make of
        an order is no change of it.
        """
        newest = self._session.records.newest_accepted([source_id])
        for edited in (True, False):
            yield from self._versions.of(newest, edited=edited).values()


def exported_orders(sync: Sync, session: Session, captures: Sequence[StoredCapture]) -> set[str]:
    """Return which orders the OMS has, or may have, as far as that decides what becomes of them.

    It is asked for those that the ledger does not know, where the ledger may lack deliveries, or
    where the program that the connection replaces may have sent them. Of a new connection's orders
    most are to be sent or have shipped, whether the OMS has them or not: delivery looks for the
    first before it sends them, and the others need no look.
    """
    exported = session.deliveries.possible_targets([c.source_id for c in captures])
    until = _unknown_until(sync, session)
    if until is None:
        return exported
    unknown = [capture for capture in captures if capture.source_id not in exported]
    owed = owed_orders(session, [capture.source_id for capture in unknown])
    asked: set[str] = set()
    for capture in unknown:
        with suppress(RecordRejected):  # the rejection is its outcome
            if _depends_on_oms(sync, capture.payload, until, owed):
                snapshot = sync.orders.to_store_snapshot(capture.payload)
                number = snapshot.number or capture.source_id
                asked.add(id_at_oms(sync.connection.orders, number))
    for page in sync.shipments.read(asked) if asked else ():
        for row in page.records:
            origin = sync.shipments.to_origin(row.payload)
            if origin is not None and origin.is_own_id:
                exported.add(origin.source_id)
    return exported


def _depends_on_oms(sync: Sync, payload: bytes, until: datetime, owed: Collection[str]) -> bool:
    """Return whether the OMS may have an order, and the rules need to know. Raises as mapping."""
    header = header_of(sync.orders, payload)
    if header is None or (header.placed_at is not None and header.placed_at >= until):
        return False
    return sync.order_rules.depends_on_oms(header, owed.__contains__)


def owed_orders(session: Session, source_ids: Sequence[str]) -> set[str]:
    """Return the orders of which a version was accepted, or rejected and not decided yet."""
    if not source_ids:
        return set()
    accepted = session.records.newest_accepted(source_ids)
    return accepted.keys() | session.rejections.open_captures("validated", source_ids).keys()


def _unknown_until(sync: Sync, session: Session) -> datetime | None:
    """Return until when orders may have been placed that the OMS has and the ledger does not know.

    ``None``: the ledger knows all.
    """
    if is_cautious(session.db, sync.name):
        return FAR_AHEAD
    return unknown_until(session.db, sync.name, ORDERS)
