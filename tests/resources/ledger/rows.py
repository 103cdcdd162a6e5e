"""Rows to put into a ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from domain.errors import Problem
from domain.identity import capture_id, content_digest
from resources.ledger.rows import CaptureRow, ClaimRow, RecordRow, RejectionRow

DAY = date(2026, 3, 19)
NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)
UNKNOWN_SKU = Problem(
    "sku_unknown", "lines[0].sku", "The OMS has no such item.", "Add the item.", "MUG"
)


def capture(source_id: str, payload: bytes = b"{}", moment: datetime = NOON) -> CaptureRow:
    """Return one version of a record."""
    digest = content_digest(payload)
    identity = capture_id("acme", "orders", source_id, digest, moment.isoformat())
    return CaptureRow(
        moment.date(), identity, source_id, moment, digest, payload, f"ord-{source_id}"
    )


def record(
    row: CaptureRow, state: str = "accepted", rule: str = "", canonical: bytes = b'{"a":1}'
) -> RecordRow:
    """Return the outcome of a capture."""
    kept = canonical if state == "accepted" else None
    digest = content_digest(kept) if kept is not None else None
    return RecordRow(
        row.capture_id,
        row.source_id,
        row.source_updated_at,
        state,
        rule,
        kept,
        digest,
        None,
        row.correlation_id,
    )


def rejection(
    row: CaptureRow, problem: Problem = UNKNOWN_SKU, stage: str = "validated"
) -> RejectionRow:
    """Return a rejection of a capture."""
    return RejectionRow(row.capture_id, row.source_id, stage, [problem], row.correlation_id)


def claim(number: int, source_id: str = "1") -> ClaimRow:
    """Return an intended effect."""
    return ClaimRow(
        UUID(int=number),
        source_id,
        "create",
        source_id,
        UUID(int=1000 + number),
        DAY,
        f"ord-{source_id}",
    )
