"""A ledger on a fresh database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resources.ledger.ledger import Ledger
from resources.ledger.session import Session


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger, and close it at the end."""
    opened = Ledger(database)
    yield opened
    opened.close()


@pytest.fixture
def session(ledger: Ledger) -> Iterator[Session]:
    """Open a session of the connection ``acme``'s orders."""
    with ledger.session("acme", "orders", "run-1") as opened:
        yield opened
