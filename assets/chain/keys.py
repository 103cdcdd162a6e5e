"""How a chain's parts are named: asset keys, ops, run tags and what marks a live run."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

CAPTURED, VALIDATED, DELIVERED = "captured", "validated", "delivered"
STEPS = (CAPTURED, VALIDATED, DELIVERED)
TRIGGER_TAG = "sync/trigger"
LIVE, REQUEUE = "live", "requeue"
"""Triggers of runs that sensors request again as long as anything is left to do."""


def asset_key(connection: str, stream: str, step: str) -> dg.AssetKey:
    """Return ``connection/<stream>_<step>``: the UI's graph and sidebar show the last part only."""
    return dg.AssetKey([connection, f"{stream}_{step}"])


def chain_keys(
    connection: str, streams: Sequence[str], steps: Sequence[str] = STEPS
) -> list[dg.AssetKey]:
    """Return the keys of the streams' steps, stream by stream."""
    return [asset_key(connection, stream, step) for stream in streams for step in steps]


def op_name(connection: str, stream: str, step: str) -> str:
    """Return the name of a step's op, which is also its key in the run config."""
    return "__".join(asset_key(connection, stream, step).path)


def source_key(connection: str, system: str) -> dg.AssetKey:
    """Return the key of a system as the source of a connection's streams."""
    return dg.AssetKey([connection, system])


def target_key(connection: str, system: str) -> dg.AssetKey:
    """Return the key of a system as the target of a connection's streams.

    It differs from the source's: a store is the source of orders and the target of stock, so that
    one node for both would make the graph cyclic.
    """
    return dg.AssetKey([connection, f"{system}_target"])
