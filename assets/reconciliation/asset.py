"""The asset ``<connection>/reconciliation``: compares store, OMS and ledger day by day.

Without ``from __future__ import annotations``: Dagster reads the types of config and resource from
the functions' annotations.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from assets.chain import metadata
from assets.chain.factory import RETRIES
from assets.chain.keys import DELIVERED, chain_keys
from assets.error_redaction import classified
from assets.reconciliation.result import count_by_class
from assets.reconciliation.run import CONFIRM_SECONDS, Report, Request, reconcile
from domain.connections import Connection
from domain.parsing.text import plural
from domain.reconciliation import Drift
from domain.values import Partition
from resources.lockstep import Lockstep

RECONCILIATION, NO_DRIFT = "reconciliation", "no_drift"
DAYS_PER_RUN = 7
CLASSES = ("missing_at_target", "missing_at_source", "differs", "stuck", "duplicate")
SEVERE = ("missing_at_target", "duplicate", "stuck")
TEXT = """\
Compares the day's orders, shipments and statuses (and today's stock) in both systems, and reports
every drift: missing at target or source, different, stuck, duplicate.

Changes in transit are not compared. With `repair: true` what can be corrected
automatically is delivered again.

**Red or yellow?** See the table of the last materialization, `lockstep reconcile CONNECTION`, or
the view `history.drifts`."""

Context = dg.AssetExecutionContext


class ReconciliationConfig(dg.Config):
    """How to compare, and whether to repair what is found."""

    repair: bool = Field(
        default=False,
        description="Correct the ledger, and queue reruns for what can be repaired automatically.",
    )
    confirm_seconds: float = Field(
        default=CONFIRM_SECONDS,
        ge=0,
        description="Seconds to wait before a drift is compared again, so that changes in transit "
        "can arrive.",
    )

    def request_for(self, partition: Partition, streams: tuple[str, ...], run_id: str) -> Request:
        """Return what a run asks for of one day."""
        by = f"run {run_id}"
        return Request(partition.day, streams, self.repair, by, self.confirm_seconds)


def reconciliation_key(connection: str) -> dg.AssetKey:
    """Return ``connection/reconciliation``."""
    return dg.AssetKey([connection, RECONCILIATION])


def build_reconciliation(
    name: str, connection: Connection, partitions: dg.PartitionsDefinition[str], docs: str
) -> dg.AssetsDefinition:
    """Build a connection's reconciliation."""
    key = reconciliation_key(name)
    link = metadata.doc_link(docs, "reconciliation.md", "Reconciliation")

    @dg.asset(
        key=key,
        group_name=name,
        partitions_def=partitions,
        owners=[connection.owner],
        kinds={RECONCILIATION},
        retry_policy=RETRIES,
        deps=chain_keys(name, connection.streams, [DELIVERED]),
        description=f"{TEXT} See {link}.",
        backfill_policy=dg.BackfillPolicy.multi_run(DAYS_PER_RUN),
        tags={"sync/connection": name},
        check_specs=[
            dg.AssetCheckSpec(NO_DRIFT, asset=key, description="Store, OMS and ledger are in step.")
        ],
    )
    def reconciliation(
        context: Context, config: ReconciliationConfig, lockstep: dg.ResourceParam[Lockstep]
    ) -> dg.MaterializeResult:
        sync = lockstep.sync(name, context.run.run_id, "reconciliation", context.log.info)
        found: list[Drift] = []
        for partition in map(Partition.parse, context.partition_keys):
            request = config.request_for(partition, connection.streams, context.run.run_id)
            with classified(key.to_user_string()):
                report = reconcile(sync, request)
            found += report.drifts
            context.add_asset_metadata(described(report), partition_key=partition.key)
            context.log.info(f"{name}/{RECONCILIATION} {partition}: {summary_line(report)}")
        return dg.MaterializeResult(check_results=[_check(found)])

    return reconciliation


def summary_line(report: Report) -> str:
    """Return the line that sums a report up."""
    by_class = sorted(count_by_class(report.drifts).items())
    found = ", ".join(f"{number} {kind}" for kind, number in by_class) or "no drift"
    compared = [plural(report.orders, "order"), plural(report.levels, "level")]
    more = {"customer": report.customers, "price": report.prices, "return": report.returns}
    compared += [plural(number, noun) for noun, number in more.items() if number]
    text = f"{', '.join(compared)} compared: {found}"
    if report.pending:
        text += f"; {report.pending} not compared, since they are still changing"
    if report.closed:
        text += f"; {plural(report.closed, 'earlier drift')} gone"
    if report.reruns:
        text += f"; {plural(len(report.reruns), 'rerun')} queued to repair"
    return text


def described(report: Report) -> dict[str, Any]:
    """Return a partition's metadata: counts that plot, the first drifts as a table, the summary."""
    more = {"customers": report.customers, "prices": report.prices, "returns": report.returns}
    numbers = {name: number for name, number in more.items() if number} | {
        "orders": report.orders,
        "levels": report.levels,
        "drifts": len(report.drifts),
        "repairable": sum(drift.can_repair for drift in report.drifts),
        "not compared": report.pending,
        "closed": report.closed,
        "reruns queued": len(report.reruns),
    }
    by_class = dict.fromkeys(CLASSES, 0) | count_by_class(report.drifts)
    return (
        metadata.counts(numbers)
        | metadata.counts_by("drift", by_class)
        | metadata.summary(summary_line(report))
        | metadata.table("drifts found", [_row(drift) for drift in report.drifts])
    )


def _row(drift: Drift) -> dict[str, str]:
    return {
        "class": drift.drift_class,
        "entity": drift.entity,
        "record": drift.record,
        "field": drift.field,
        "expected": drift.expected,
        "found": drift.found,
        "what to do": drift.advice,
        "correlation id": drift.correlation_id,
    }


def _check(found: Sequence[Drift]) -> dg.AssetCheckResult:
    is_severe = any(drift.drift_class in SEVERE for drift in found)
    number = plural(len(found), "drift")
    text = f"{number}; see the table, or run: lockstep reconcile CONNECTION --repair"
    return dg.AssetCheckResult(
        check_name=NO_DRIFT,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR if is_severe else dg.AssetCheckSeverity.WARN,
        metadata={"drifts": len(found)},
        description=text if found else "none",
    )
