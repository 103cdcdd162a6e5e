"""The asset ``<connection>/reconciliation``: store, OMS and ledger compared day by day.

Without ``from __future__ import annotations``: Dagster reads the config's and the resource's types from the functions' annotations.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg
from pydantic import Field

from assets.chain import metadata
from assets.chain.factory import RETRIES
from assets.chain.keys import DELIVERED, chain_keys
from assets.chain.partitions import day_of
from assets.error_redaction import safe_text, unexpected
from assets.reconciliation.result import count_by_class
from assets.reconciliation.run import CONFIRM_SECONDS, Report, Request, reconcile
from domain.connections import Connection
from domain.errors import PermanentError, TransientError
from domain.reconciliation import Drift
from resources.lockstep import Lockstep

RECONCILIATION, NO_DRIFT = "reconciliation", "no_drift"
DAYS_PER_RUN = 7
GRAVE = ("missing_at_target", "duplicate", "stuck")
Context = dg.AssetExecutionContext


class ReconciliationConfig(dg.Config):
    """What to compare, and what to do about what is found."""

    heal: bool = Field(
        default=False,
        description="Correct the ledger and queue the reruns that close the gaps which a machine may close.",
    )
    confirm_seconds: float = Field(
        default=CONFIRM_SECONDS,
        ge=0,
        description="Seconds between the two looks at a drift: what is only under way has arrived by then.",
    )


def reconciliation_key(connection: str) -> dg.AssetKey:
    """Return ``connection/reconciliation``."""
    return dg.AssetKey([connection, RECONCILIATION])


def build_reconciliation(
    name: str, connection: Connection, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Build a connection's reconciliation."""
    key = reconciliation_key(name)

    @dg.asset(
        key=key,
        group_name=name,
        partitions_def=partitions,
        owners=[connection.owner],
        kinds={RECONCILIATION},
        retry_policy=RETRIES,
        deps=chain_keys(name, connection.streams, [DELIVERED]),
        description=_TEXT,
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
        for partition in context.partition_keys:
            request = Request(
                day_of(partition),
                connection.streams,
                config.heal,
                f"run {context.run.run_id}",
                config.confirm_seconds,
            )
            with _classified(name):
                report = reconcile(sync, request)
            found += report.drifts
            context.add_asset_metadata(described(report), partition_key=partition)
            context.log.info(f"{name}/{RECONCILIATION} {partition}: {line(report)}")
        return dg.MaterializeResult(check_results=[_check(found)])

    return reconciliation


def line(report: Report) -> str:
    """Return the human line."""
    found = ", ".join(
        f"{number} {kind}" for kind, number in sorted(count_by_class(report.drifts).items())
    )
    text = f"{report.orders} orders and {report.levels} levels compared: {found or 'no drift'}"
    text += (
        f"; {report.waiting} not judged, since changes of them are under way"
        if report.waiting
        else ""
    )
    text += f"; {report.closed} earlier drifts are gone" if report.closed else ""
    return text + (f"; {len(report.reruns)} reruns queued to heal" if report.reruns else "")


def described(report: Report) -> dict[str, Any]:
    """Return a partition's metadata: counts that plot, the first drifts as a table, the human line."""
    healable = sum(drift.can_repair for drift in report.drifts)
    numbers = {
        "orders": report.orders, "levels": report.levels, "drifts": len(report.drifts),
        "healable": healable, "not judged": report.waiting, "closed": report.closed,
        "reruns queued": len(report.reruns),
    }  # fmt: skip
    by_class = dict.fromkeys(
        ("missing_at_target", "missing_at_source", "differs", "stuck", "duplicate"), 0
    )
    classes = metadata.by_code("drift", by_class | count_by_class(report.drifts))
    return metadata.counts(numbers) | classes | metadata.line(line(report)) | _table(report.drifts)


def _table(drifts: Sequence[Drift]) -> dict[str, Any]:
    if not drifts:
        return {}
    rows = [
        {
            "class": d.drift_class,
            "entity": d.entity,
            "record": d.record,
            "field": d.field,
            "expected": d.expected,
            "found": d.found,
            "what to do": d.advice,
            "correlation id": d.correlation_id,
        }
        for d in drifts[: metadata.SHOWN]
    ]
    schema = dg.TableSchema([dg.TableColumn(name, "string") for name in rows[0]])
    return {
        "drifts found": dg.MetadataValue.table(
            [dg.TableRecord(dict(row)) for row in rows], schema=schema
        )
    }


def _check(found: Sequence[Drift]) -> dg.AssetCheckResult:
    is_grave = any(drift.drift_class in GRAVE for drift in found)
    return dg.AssetCheckResult(
        check_name=NO_DRIFT,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR if is_grave else dg.AssetCheckSeverity.WARN,
        metadata={"drifts": len(found)},
        description=f"{len(found)} drifts; see the table, or run: lockstep reconcile CONNECTION --repair"
        if found
        else "none",
    )


@contextmanager
def _classified(name: str) -> Iterator[None]:
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except (TransientError, psycopg.OperationalError) as error:
        raise TransientError(safe_text(error)) from None
    except Exception as error:  # noqa: BLE001 - the failure says what it was, and is red
        raise unexpected(error, f"{name}/{RECONCILIATION}") from None


_TEXT = """\
Compares the day's orders, shipments and statuses, and of today the stock, at both systems themselves, and names every drift: missing at
target or source, differing, stuck, duplicate.

Changes that are still under way are not judged. With `heal: true` what a machine may correct is delivered again.

**Red or warned?** See the table of the last materialization, `lockstep reconcile CONNECTION`, or the view `history.drifts`."""
