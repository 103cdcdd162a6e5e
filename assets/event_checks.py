"""How a connection's events arrive: webhooks of a store, and queues of a system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.exchange import Check
from domain.parsing.text import plural
from resources.ledger.captures import inbox, unread_events
from resources.ledger.exchanges import exchanges_stored
from resources.lockstep import Lockstep

WEBHOOKS = "webhooks"
"""In place of a stream, in the log of exchanges."""
UNREAD_FOR = timedelta(days=7)
"""How long the check of a queue shows that a message could not be read."""


def ensure_webhooks(lockstep: Lockstep, connection: str) -> list[str]:
    """Register the systems' webhooks that are missing or switched off; return a line per change.

    Does nothing where the connection has no section ``webhooks``. Raises ``TransientError`` or
    ``PermanentError`` where a system could not be asked; polling makes up for events not sent
    meanwhile.
    """
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    sync = lockstep.sync(connection, run_id="")
    with sync.ledger.session(connection, WEBHOOKS) as session, exchanges_stored(session):
        return [
            line
            for side, feed in sync.feeds.items()
            for line in feed.ensure(webhooks.url(connection, side))
        ]


def queue_checks(lockstep: Lockstep, connection: str) -> list[Check]:
    """Return for each queue of a connection whether its events of the last days could be read."""
    sync = lockstep.sync(connection, run_id="")
    if not sync.queues:
        return []
    now = datetime.now(UTC)
    with sync.ledger.session(connection, "orders") as session:
        unread = unread_events.by_system(session.db, connection, now - UNREAD_FOR)
        found = {one.system: one for one in unread}
        last = {side: inbox.last_received(session.db, connection, side) for side in sync.queues}
    checks: list[Check] = []
    for side in sync.queues:
        received = last[side]
        ago = f"{(now - received).total_seconds():.0f} s ago" if received else "never"
        detail = f"the last event was received {ago}; a quiet system sends none"
        if side in found:
            one = found[side]
            detail = (
                f"{plural(one.number, 'message')} of the last {UNREAD_FOR.days} days could not be "
                f"read, the newest at {one.newest:%Y-%m-%d %H:%M:%S}Z: {one.problem}"
            )
        advice = (
            "check them with 'lockstep events list' and discard them once the cause is known; "
            "polling finds the changes anyway"
        )
        checks.append(Check(f"{side} queue events", side not in found, detail, advice))
    return checks


def webhook_checks(lockstep: Lockstep, connection: str) -> list[Check]:
    """Return the state of the store's webhooks, if configured, and the age of the last event."""
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    sync = lockstep.sync(connection, run_id="")
    checks = [
        check
        for side, feed in sync.feeds.items()
        for check in feed.state(webhooks.url(connection, side))
    ]
    with sync.ledger.session(connection, "orders") as session:
        last = inbox.last_received(session.db, connection, "platform")
    ago = f"{(datetime.now(UTC) - last).total_seconds():.0f} s ago" if last else "never"
    detail = f"the last one was received {ago}; a quiet store sends none"
    return [*checks, Check("webhook events", ok=True, detail=detail)]
