"""The checks of steps on open work, kept true between runs.

A step reports how many records are kept out or due when it runs. An operator who discards the last
rejection, or a cancellation that ends what was due, makes that result wrong, and the next run of
the stream may be far away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg

from assets.chain.checks import ALL_DELIVERED, NO_REJECTIONS, pending_check, rejections_check
from assets.chain.keys import DELIVERED, VALIDATED, asset_key
from resources.ledger.monitoring.clocks import Chain
from resources.ledger.monitoring.status import StreamStatus
from resources.lockstep import Lockstep


def open_counts(statuses: Mapping[Chain, StreamStatus]) -> dict[str, int]:
    """Return, by ``connection/stream/check``, how many records are kept out or due."""
    counts: dict[str, int] = {}
    for (name, stream), status in statuses.items():
        counts[f"{name}/{stream}/{NO_REJECTIONS}"] = status.open_rejections
        counts[f"{name}/{stream}/{ALL_DELIVERED}"] = status.pending
    return counts


def changed_checks(
    lockstep: Lockstep,
    statuses: Mapping[Chain, StreamStatus],
    before: Mapping[str, int],
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the results that differ from those known ``before``.

    Of rejections by powers of two: an event for each further one would flood the log. Of what is
    due only that it has ended: a record is due for a moment in every run.
    """
    for (name, stream), status in statuses.items():
        if status.state == "paused":
            continue
        rejected = before.get(f"{name}/{stream}/{NO_REJECTIONS}")
        is_new = rejected is not None and (
            rejected.bit_length() != status.open_rejections.bit_length()
        )
        has_ended = bool(before.get(f"{name}/{stream}/{ALL_DELIVERED}")) and not status.pending
        if not (is_new or has_ended):
            continue
        grain = lockstep.installation.connections[name].grain
        with lockstep.ledger.session(name, stream) as session:
            if is_new:
                found = rejections_check(session.rejections.open_by_partition(grain))
                yield _evaluation(found, asset_key(name, stream, VALIDATED))
            if has_ended:
                found = pending_check(session.partitions.due(grain), "")
                yield _evaluation(found, asset_key(name, stream, DELIVERED))


def _evaluation(result: dg.AssetCheckResult, key: dg.AssetKey) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=str(result.check_name),
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
