"""The job ``manual_sync``: ``lockstep sync-orders`` and ``sync-stock`` for users of the UI.

There is no ``from __future__ import annotations``: Dagster reads the types from the annotations.
"""

from datetime import UTC, datetime

import dagster as dg
import psycopg
from pydantic import Field

from assets.error_redaction import safe_text
from assets.streams.requested import Requested, capture_orders, capture_stock
from domain.connections import INVENTORY, ORDERS
from domain.errors import LockstepError, PermanentError
from domain.parsing.text import plural
from domain.values import Partition
from resources.ledger.rejections import reruns
from resources.ledger.rejections.reruns import Rerun
from resources.lockstep import Lockstep


class ManualSyncConfig(dg.Config):
    """What to sync now."""

    connection: str = Field(description="The connection, as in connections.yaml.")
    orders: list[str] = Field(
        default=[], description="Ids or numbers of orders; their progress is read, too."
    )
    skus: list[str] = Field(default=[], description="SKUs whose stock is read.")
    all_stock: bool = Field(default=False, description="Read all stock.")
    who: str = Field(description="Your name; it is recorded with the request.", min_length=1)


@dg.op(
    name="request_sync",
    description="Reads the named orders and SKUs, and queues what delivers them.",
)
def request_sync(
    context: dg.OpExecutionContext, config: ManualSyncConfig, lockstep: dg.ResourceParam[Lockstep]
) -> dg.Output[None]:
    """Capture what is named; the output's metadata says what was found."""
    try:
        found = _captured(lockstep, config, context.run_id)
        queued = _queue(lockstep, config, found)
    except LockstepError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except psycopg.Error as error:
        raise dg.Failure(safe_text(error), allow_retries=True) from None
    summary = f"queued as {plural(queued, 'rerun')}; the sensor 'reruns' runs them within seconds"
    if found.missing:
        summary += f"; not found: {', '.join(found.missing)}"
    context.log.info(summary)
    return dg.Output(
        None,
        metadata={
            "summary": dg.MetadataValue.md(summary),
            "reruns": dg.MetadataValue.int(queued),
            "missing": dg.MetadataValue.int(len(found.missing)),
        },
    )


@dg.job(
    name="manual_sync",
    executor_def=dg.in_process_executor,
    description="Syncs single orders or SKUs, or all stock, now; the launchpad describes each "
    "field. For the orders of some days, launch the connection's sync job for these partitions.",
)
def manual_sync_job() -> None:
    """Sync what an operator names."""
    request_sync()


def _captured(lockstep: Lockstep, config: ManualSyncConfig, run_id: str) -> Requested:
    """Capture what is named. Raises ``PermanentError`` for a request that can't be met."""
    known = lockstep.installation.connections
    if config.connection not in known:
        raise PermanentError(
            f"There is no connection {config.connection!r}; known are {', '.join(sorted(known))}."
        )
    if not (config.orders or config.skus or config.all_stock):
        raise PermanentError("Nothing is named: give orders, skus, or all_stock.")
    if not config.who.strip():
        raise PermanentError("who is empty; it is recorded with the request.")
    needed = [ORDERS] * bool(config.orders) + [INVENTORY] * bool(config.skus or config.all_stock)
    streams = known[config.connection].streams
    if absent := [stream for stream in needed if stream not in streams]:
        raise PermanentError(f"The connection {config.connection} has no stream {absent[0]}.")
    sync, start = lockstep.sync(config.connection, run_id), lockstep.installation.start
    found = capture_orders(sync, start, config.orders) if config.orders else Requested()
    if config.skus:
        stock = capture_stock(sync, start, config.skus)
        found = Requested(found.records + stock.records, found.missing + stock.missing)
    return found


def _queue(lockstep: Lockstep, config: ManualSyncConfig, found: Requested) -> int:
    """Queue what was captured, and a read of all stock if it is wanted; return how many."""
    name, who, why = config.connection, config.who, "manual_sync"
    wanted = [
        Rerun(name, stream, partition, ids, "as_captured", False, who, why)
        for stream, partition, ids in found.records
    ]
    if config.all_stock:
        grain = lockstep.installation.connections[name].grain
        present = Partition.of(datetime.now(UTC), grain)
        wanted.append(Rerun(name, INVENTORY, present, None, "re_read", False, who, why))
    with lockstep.ledger.connect() as db, db.transaction():
        return len(reruns.ask(db, wanted))
