"""Former versions of orders by the current rules.

Two versions that differ so were changed in the store; where only what was sent differs, the rules
were: a setting, or the version of Lockstep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from domain.errors import RecordRejected
from domain.records.orders import Order
from resources.ledger.captures.former import created_with, payloads_of
from resources.ledger.session import Session
from resources.sync import Sync

NOT_OF_CONTENT = (
    "cancel_refused",
    "order_deleted_in_store",
    "order_gone_at_oms",
    "reopened_after_cancel",
)
"""Codes of rejections of an order that say nothing of what is in it."""


class FormerVersions:
    """Maps captures of orders once more.

    Without ``needs_codes`` also those with something that no setting names at the OMS.
    """

    def __init__(self, sync: Sync, session: Session, *, needs_codes: bool = True) -> None:
        self._sync, self._session, self._needs_codes = sync, session, needs_codes
        self._to_canonical = sync.orders.to_canonical

    def created(self, source_id: str) -> Order | None:
        """Return the version with which an order was created at the OMS, if it is kept."""
        session = self._session
        captures = created_with(session.db, session.connection, session.stream, [source_id])
        return self.of(captures).get(source_id)

    def discarded(self, source_ids: Sequence[str]) -> dict[str, Order | None]:
        """Return the versions whose content operators have discarded last, if they are kept.

        ``None``: it could not be sent (``as_sent``), though the OMS may have it by hand.
        """
        found = self._session.rejections.discarded_payloads(source_ids, NOT_OF_CONTENT)
        return {source_id: self.as_sent(payload) for source_id, payload in found.items()}

    def of(self, captures: Mapping[str, UUID], *, edited: bool = True) -> dict[str, Order]:
        """Return versions as they would be sent now, one of each order; ``edited``: as corrected.

        Without those that are no longer kept, and those that could not be sent (``as_sent``).
        """
        if not captures:
            return {}
        session = self._session
        payloads = payloads_of(
            session.db, session.connection, session.stream, captures, edited=edited
        )
        found = {source_id: self.as_sent(payload) for source_id, payload in payloads.items()}
        return {source_id: order for source_id, order in found.items() if order is not None}

    def as_sent(self, payload: bytes) -> Order | None:
        """Return an order as it would be sent in a status that is; ``None`` if it can't be."""
        with suppress(RecordRejected):
            rules = self._sync.order_rules
            return rules.as_sent(self._to_canonical, payload, needs_codes=self._needs_codes)
        return None
