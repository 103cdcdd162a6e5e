"""Requests that an operator makes here: captured like a store's, then carried out as usual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from assets.pipeline.capture import capture_pages
from assets.streams.actions.stream import Actions
from domain.builders.actions import encode, to_request
from domain.connections import ACTIONS
from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import is_id
from domain.policies import OPERATOR
from domain.records.actions import ActionOutcome
from domain.values import Partition
from resources.ledger.records.actions import Actions as Ledger
from resources.sync import Sync


def capture_request(sync: Sync, fields: Mapping[str, Any]) -> tuple[str, Partition]:
    """Capture a request in Lockstep's own form; return its id and its partition.

    The same id again is the same request. Raises ``RecordRejected`` for a request that can't be
    read, and ``PermanentError`` where the connection takes none.
    """
    if ACTIONS not in sync.connection.streams:
        raise PermanentError(
            f"The connection {sync.name} has no stream {ACTIONS}: add it to the connection's "
            "streams, and resume it."
        )
    action_id = str(fields.get("action_id") or f"own-{uuid4().hex}").strip()
    if not is_id(action_id):
        raise PermanentError("The request's id is empty, too long, or has control characters.")
    now = datetime.now(UTC)
    written = {"permission_set": OPERATOR, **{k: v for k, v in fields.items() if v}}
    written |= {"action_id": action_id, "requested_at": now.isoformat()}
    payload = encode(written)
    to_request(payload, sync.connection.addresses)
    with sync.ledger.session(sync.name, ACTIONS, sync.run_id) as session:
        placed = capture_pages(sync, Actions(), session, [RawRecord(action_id, now, payload)], now)
    return action_id, next(iter(placed))


def outcome_of(sync: Sync, action_id: str) -> ActionOutcome | None:
    """Return the outcome of a request; ``None`` if nothing is known of it yet."""
    with sync.ledger.session(sync.name, ACTIONS) as session:
        found = Ledger(session.db, sync.name).outcomes([action_id])
    return found[action_id].outcome if action_id in found else None
