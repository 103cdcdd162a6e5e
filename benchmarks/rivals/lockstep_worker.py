"""Lockstep as a contestant: the steps ``captured`` and ``validated`` over one day, without Dagster.

Arguments: the ledger's database URL, the warm-up day, and the measured day.
"""

from __future__ import annotations

import sys
from datetime import date

from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.rig import NAME
from benchmarks.rivals import worker
from domain.values import Partition
from orchestration import settings
from resources.lockstep import Lockstep

ORDERS = STREAMS["orders"]


def main() -> None:
    """Take part in one round."""
    database, warm_up, day = sys.argv[1], *map(date.fromisoformat, sys.argv[2:4])
    lockstep = Lockstep(settings.load(), lambda: database)

    def read(partition: Partition) -> int:
        sync = lockstep.sync(NAME, f"rivals-{partition}")
        captured = capture(sync, ORDERS, partition, partition.window, is_live=False)
        validated = validate(sync, ORDERS, partition, everything=True)
        if captured.captured != validated.accepted:
            raise SystemExit(f"{captured.captured} captured, {validated.accepted} accepted")
        return validated.accepted

    worker.run(lambda: read(Partition.of_day(warm_up)), lambda: read(Partition.of_day(day)))
    lockstep.close()


if __name__ == "__main__":
    main()
