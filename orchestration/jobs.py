"""Jobs: one live job a lane, one job a connection for reruns and backfills."""

from __future__ import annotations

import dagster as dg

from assets.chain.keys import chain_keys
from assets.reconciliation.asset import reconciliation_key
from domain.connections import Connection, Installation

LIVE_PRIORITY, BACKFILL_PRIORITY = 10, -10


def lanes(installation: Installation) -> dict[str, list[str]]:
    """Return lane -> its connections; by default each connection is a lane of its own."""
    found: dict[str, list[str]] = {}
    for name, connection in installation.connections.items():
        found.setdefault(connection.lane or name, []).append(name)
    return found


def build_live_job(
    lane: str, names: list[str], installation: Installation
) -> dg.UnresolvedAssetJobDefinition:
    """Build the job of a lane's live runs: in process, ahead of backfills."""
    keys = [
        key for name in names for key in chain_keys(name, installation.connections[name].streams)
    ]
    return dg.define_asset_job(
        f"live_{lane}",
        selection=dg.AssetSelection.assets(*keys),
        description="Syncs what has changed since the last run. The lane's sensor "
        "requests it; one run covers all changes.",
        executor_def=dg.in_process_executor,
        tags={"dagster/priority": str(LIVE_PRIORITY), "sync/lane": lane},
    )


def build_reconcile_job(name: str) -> dg.UnresolvedAssetJobDefinition:
    """Build the job that compares both systems of a connection, for a partition or a range."""
    return dg.define_asset_job(
        f"reconcile_{name}",
        selection=dg.AssetSelection.assets(reconciliation_key(name)),
        description="Compares store, OMS and ledger of a day, and reports every drift. Set "
        "repair: true to close the gaps.",
        executor_def=dg.in_process_executor,
        tags={"dagster/priority": str(BACKFILL_PRIORITY), "sync/connection": name},
    )


def build_sync_job(name: str, connection: Connection) -> dg.UnresolvedAssetJobDefinition:
    """Build the job that reruns whole partitions of a connection, for a partition or a range."""
    return dg.define_asset_job(
        f"sync_{name}",
        selection=dg.AssetSelection.assets(*chain_keys(name, connection.streams)),
        description="Reads a whole day again, validates it again and delivers what the target "
        "lacks. Launch it for a partition or a range.",
        executor_def=dg.in_process_executor,
        tags={"dagster/priority": str(BACKFILL_PRIORITY), "sync/connection": name},
    )
