"""Exchanges outside of delivery: what changes a system is in ``sync.message_log`` all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domain.exchange import Exchange, exchange_log
from resources.ledger.session import Session


@contextmanager
def exchanges_stored(session: Session) -> Iterator[None]:
    """Store the exchanges of calls that are made in the meantime, also where one of them fails.

    Deliveries store theirs when they settle, by logs of their own.
    """
    found: list[Exchange] = []
    token = exchange_log.set(found.append)
    try:
        yield
    finally:
        exchange_log.reset(token)
        if found and not session.db.closed:
            session.repeatable(lambda: session.log(found))
