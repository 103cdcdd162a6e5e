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

    def discarded(self, source_ids: Sequence[str], code: str) -> dict[str, Order]:
        """Return the versions whose rejections with a code were discarded last, as of ``of``."""
        return self._as_sent(self._session.rejections.discarded_payloads(source_ids, code))

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
        return self._as_sent(payloads)

    def _as_sent(self, payloads: Mapping[str, bytes]) -> dict[str, Order]:
        found = {source_id: self.as_sent(payload) for source_id, payload in payloads.items()}
        return {source_id: order for source_id, order in found.items() if order is not None}

    def as_sent(self, payload: bytes) -> Order | None:
        """Return an order as it would be sent in a status that is; ``None`` if it can't be."""
        with suppress(RecordRejected):
            rules = self._sync.order_rules
            return rules.as_sent(self._to_canonical, payload, needs_codes=self._needs_codes)
        return None
