"""The stream ``actions``, agents' requests for the OMS: reading, mapping, checks, and reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from assets.delivery.request import DeliveryRequest
from assets.streams.actions.book import store_id
from assets.streams.actions.plan import ActionsPlanner
from assets.streams.actions.report import report_outcomes
from domain.connections import ACTIONS
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.identity import correlation_id
from domain.records.actions import ActionRequest
from domain.records.record import amend
from domain.schemas.actions import action_problems
from domain.sources import Page
from domain.values import Window
from resources.action_source import ActionRequests
from resources.ledger.records.actions import Actions as Ledger
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import ACTION
from resources.sync import Sync


class Actions:
    """Agents' actions, by the protocol ``assets.chain.stream.Stream``."""

    name = ACTIONS
    to_oms = True
    is_snapshot = False
    summary = (
        "What service agents ask for: cancel, hold, release or reroute an order. Each request is "
        "carried out once at the OMS, or refused with a reason, and the agent sees the outcome."
    )

    def source(self, sync: Sync) -> ActionRequests:
        """Return the sources of requests."""
        return sync.actions

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Look for files, and ask the store for its oldest request since ``since``."""
        return sync.actions.probe(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the requests that wait."""
        del session
        return sync.actions.fetch(window)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the requests' own correlation ids."""
        del session
        return {i: correlation_id(sync.name, "action", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[ActionRequest] | Skipped]:
        """Return the mapping; a request names its order by any of its ids and numbers."""
        del captures
        to_canonical = sync.actions.to_canonical

        def to_request(payload: bytes) -> Mapped[ActionRequest] | Skipped:
            mapped = to_canonical(payload)
            if isinstance(mapped, Mapped):
                named = mapped.record.source_id
                amend(mapped.record, "source_id", store_id(session, named))
            return mapped

        return to_request

    def check(
        self, sync: Sync, session: Session, records: Sequence[ActionRequest]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return action_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, ActionRequest]]) -> list[TableRows]:
        """Return a row per request."""
        rows = [
            (
                capture.capture_id,
                request.action_id,
                request.source_id,
                request.kind,
                request.line_id or "",
                request.quantity,
                request.hold,
                request.node,
                request.address is not None,
                request.permission_set,
                request.requested_by,
                request.requested_at,
            )
            for capture, request in accepted
        ]
        return [TableRows(ACTION, rows)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> ActionsPlanner:
        """Decide each request, and carry out what is allowed."""
        return ActionsPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Close what was refused for good, and show agents the outcome of their requests."""
        with sync.ledger.session(sync.name, ACTIONS, sync.run_id) as session:
            ledger = Ledger(session.db, sync.name)
            if refused := ledger.refused():
                why = "the request has an outcome, which the agent sees"
                session.rejections.close("delivered", refused, why, sync.run_id)
        report_outcomes(sync)
