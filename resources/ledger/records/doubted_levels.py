"""Levels of which the ledger does not know what the store shows: they are read before a plan.

While nothing of Lockstep writes a level, merchants do: at a location that shows the OMS's stock no
more, and while the stream is paused. The same number as before would count as written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from domain.connections import INVENTORY

UNKNOWN = b""
"""Instead of the digest of a level that is not known."""


def doubt_elsewhere(
    db: psycopg.Connection[Any], connection: str, locations: Collection[str]
) -> None:
    """Doubt the levels of all locations but those that show the OMS's stock."""
    db.execute(
        """UPDATE sync.target_state SET digest = ''
           WHERE connection = %s AND stream = %s AND digest <> ''
             AND target_id <> ALL(%b::text[])""",
        (connection, INVENTORY, list(locations)),
    )


def doubt_all(db: psycopg.Connection[Any], connection: str) -> None:
    """Doubt all levels, and have all planned by the next read, as after a change of the policy."""
    doubt_elsewhere(db, connection, ())
    db.execute("UPDATE sync.stock_basis SET policy = '' WHERE connection = %s", (connection,))
