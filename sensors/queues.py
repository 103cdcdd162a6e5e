"""Pulls the events that systems keep in queues into the inbox, beside those that webhooks bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from assets.error_redaction import safe_text
from domain.exchange import WebhookEvent
from domain.ports import EventQueue
from resources.ledger.captures import inbox, unread_events
from resources.lockstep import Lockstep
from sensors.parallel import side_by_side

AT_ONCE = 8
SECONDS = 8.0
"""For all queues together: a tick has its probes to make as well."""
MOST_PULLS = 20
"""Of one queue in a tick; what is left waits for the next one."""

Side = Literal["platform", "oms"]


class Pulled(NamedTuple):
    """The outcome of a lane's queues."""

    connections: frozenset[str]
    """Connections with a queue: their inbox has events although nothing sends them webhooks."""
    failures: Mapping[str, str]
    """Queue -> why it could not be read; polling makes up for it."""
    unread: Sequence[str] = ()
    """A sentence for each message whose event could not be read; polling makes up for these, too.
    """


def pull_queues(lockstep: Lockstep, names: Iterable[str]) -> Pulled:
    """Store the events that wait for connections, and take their messages off the queues.

    One that can't be read hides no other.
    """
    queues: dict[tuple[str, Side], EventQueue] = {}
    failures: dict[str, str] = {}
    for name in names:
        try:
            found = lockstep.sync(name, run_id="").queues
        except Exception as error:  # noqa: BLE001 - its probes report it as well
            failures[name] = safe_text(error)
            continue
        queues |= {(name, side): queue for side, queue in found.items()}
    answers = side_by_side(
        {key: partial(pull, lockstep, *key, queue) for key, queue in queues.items()},
        at_once=AT_ONCE,
        seconds=SECONDS,
        name="pull",
    )
    failures |= {"/".join(key): safe_text(error) for key, error in answers.errors.items()}
    failures |= {"/".join(key): f"no answer within {SECONDS:.0f} s" for key in answers.late}
    unread = [text for _, found in sorted(answers.results.items()) for text in found]
    return Pulled(frozenset(name for name, _ in queues), failures, unread)


def pull(lockstep: Lockstep, name: str, side: Side, queue: EventQueue) -> list[str]:
    """Store what a queue has; return a sentence for each message that could not be read.

    Messages are acknowledged once they are committed: after a crash in between they are handed out
    again, and known by their ids. One that can't be read is kept in the ledger, and is taken off
    the queue like the others: there it would come again forever.
    """
    texts: list[str] = []
    for _ in range(MOST_PULLS):
        messages = queue.pull()
        if not messages:
            break
        events: dict[str, WebhookEvent] = {e.event_id: e for m in messages for e in m.events}
        unread = [m.unread for m in messages if m.unread is not None]
        with lockstep.ledger.session(name, "") as session, session.transaction():
            inbox.put(session.db, name, side, list(events.values()))
            unread_events.keep(session.db, name, side, unread)
        texts += [f"{name}/{side}: message {one.message_id}: {one.problem}" for one in unread]
        queue.acknowledge([message.receipt for message in messages])
    return texts
