"""The end of a program: what the systems hold and what the ledger says, and which promise broke.

Written from docs/ and the issue's promises, not from the engine: every owed order is at the OMS
exactly once with its content, or an open rejection says why not; units are conserved; the
merchant's decisions stay; stock is as the policy says; nothing is left open.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.model.life import Life
from tests.model.world import store_id

Json = dict[str, Any]

OPEN = """SELECT stream, source_id, code FROM sync.rejection
WHERE state IN ('open', 'retried') ORDER BY 1, 2, 3"""
UNSETTLED = """SELECT stream, source_id, action, state, is_uncertain FROM sync.delivery
WHERE state IN ('in_flight', 'failed', 'requested') OR (is_uncertain AND state <> 'refused')
ORDER BY 1, 2, 3"""


@dataclass
class End:
    """The states of both systems and of the ledger at the end."""

    life: Life
    store: dict[int, Json]
    """The store's documents by order number."""
    oms: dict[int, Json]
    """The OMS's orders by order number, each with the whole ``order``."""
    open: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Stream and source id -> codes of the open rejections."""
    unsettled: list[tuple[str, str, str, str, bool]] = field(default_factory=list)

    def rejections(self, number: int) -> list[str]:
        """Return the codes of the open rejections about an order, in either direction."""
        return self.open.get(("orders", str(number)), []) + self.open.get(
            ("shipments", str(number)), []
        )


def end_of(life: Life) -> End:
    """Read both systems and the ledger."""
    world = life.world
    rows = world.ask_oms("effects/orders")
    oms = {
        int(row["AlternateOrderId"]): row
        | {"order": world.ask_oms(f"effects/order/{row['OrderId']}")["order"]}
        for row in rows
        if row["AlternateOrderId"]  # a return has none
    }
    end = End(life, life.shown(), oms)
    for stream, source_id, code in world.database.rows(OPEN):
        end.open[stream, store_id(stream, source_id)].append(code)
    end.unsettled = world.database.rows(UNSETTLED)
    return end
