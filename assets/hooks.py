"""A connection's webhooks at its store: what the heartbeat, ``lockstep connect`` and ``lockstep doctor`` ask for."""

from __future__ import annotations

from datetime import UTC, datetime

from assets.runtime import Lockstep
from domain.exchange import Check
from resources.ledger import inbox


def ensure(lockstep: Lockstep, connection: str) -> list[str]:
    """Register the store's webhooks where they are missing or were switched off; return a line for each change.

    Nothing is done, and nothing asked, where the connection has no section ``webhooks``. Raises ``TransientError`` or ``PermanentError``
    where the store could not be asked; events that were not sent meanwhile are made up for by polling.
    """
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    return lockstep.sync(connection, run_id="").platform.ensure_hooks(webhooks.url(connection, "platform"))


def state(lockstep: Lockstep, connection: str) -> list[Check]:
    """Tell how the store's webhooks stand, and when the last event came; no lines without a section ``webhooks``."""
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    sync = lockstep.sync(connection, run_id="")
    checks = sync.platform.hook_state(webhooks.url(connection, "platform"))
    with sync.ledger.session(connection, "orders") as session:
        last = inbox.last_received(session.db, connection, "platform")
    ago = f"{(datetime.now(UTC) - last).total_seconds():.0f} s ago" if last else "never"
    return [*checks, Check("webhook events", ok=True, detail=f"the last one was received {ago}; a quiet store sends none")]
