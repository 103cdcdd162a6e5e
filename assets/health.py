"""The health of a connection: whether its streams are alive, and whether any record is stuck.

The checks belong to an asset of their own, ``<connection>/health``, which nothing materializes: on
an asset that live runs materialize every few seconds, Dagster would mark each result as outdated
with the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from assets.chain import metadata
from assets.chain.keys import DELIVERED, chain_keys
from domain.connections import Connection
from resources.ledger.monitoring.clocks import Chain, Stuck, StuckCount, past_limit
from resources.ledger.monitoring.status import StreamStatus, stream_statuses
from resources.lockstep import Lockstep

HEARTBEAT, NOTHING_STUCK = "heartbeat", "nothing_stuck"
CHECK_TEXTS = {
    HEARTBEAT: "The source is probed, the target accepts records, and the stream is neither behind "
    "nor silent for too long.",
    NOTHING_STUCK: "No record stays at a stage longer than the connection's limits allow.",
}
STUCK_COLUMNS = ("stage", "state", "source_id", "since", "correlation_id", "detail")
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def health_key(connection: str) -> dg.AssetKey:
    """Return ``connection/health``."""
    return dg.AssetKey([connection, "health"])


def check_name(stream: str, check: str) -> str:
    """Return the name of a stream's check on the asset of its connection."""
    return f"{stream}_{check}"


class HealthResult(NamedTuple):
    """One check's result for one stream; ``signature`` changes only if it is worth an alert."""

    check: str
    passed: bool
    severity: dg.AssetCheckSeverity
    text: str
    metadata: Mapping[str, Any]
    signature: str

    def to_check_result(self, connection: str, stream: str) -> dg.AssetCheckResult:
        """Return the result of a run of the check."""
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=health_key(connection),
            check_name=check_name(stream, self.check),
            severity=self.severity,
            description=self.text,
            metadata=self.metadata,
        )

    def to_evaluation(
        self, connection: str, stream: str, since: datetime, now: datetime
    ) -> dg.AssetCheckEvaluation:
        """Return the result as an event without a run; it states ``since`` when it holds.

        A result that is only repeated says so: it is neither new nor out of date.
        """
        text = self.text
        if since < now:
            text += f" Unchanged since {since:%Y-%m-%d %H:%M:%S}Z, confirmed just now."
        return dg.AssetCheckEvaluation(
            asset_key=health_key(connection),
            check_name=check_name(stream, self.check),
            passed=self.passed,
            severity=self.severity,
            description=text,
            metadata={**self.metadata, "holds since": dg.MetadataValue.timestamp(since)},
        )


class Health(NamedTuple):
    """The state of all streams; ``counts`` is ``None`` if stuck records were not read."""

    statuses: Mapping[Chain, StreamStatus]
    stuck: Mapping[Chain, Sequence[Stuck]]
    counts: Mapping[Chain, Sequence[StuckCount]] | None

    def results(self, chain: Chain) -> list[HealthResult]:
        """Return the results of a stream; one that the ledger does not know was never captured."""
        results = [heartbeat_result(self.statuses.get(chain))]
        if self.counts is not None:
            results.append(stuck_result(self.stuck.get(chain, ()), self.counts.get(chain, ())))
        return results


def read_health(
    lockstep: Lockstep, connection: str | None = None, *, with_stuck: bool = True
) -> Health:
    """Read the state of all streams, or of one connection's, from the ledger.

    The statuses cost one query of milliseconds; ``with_stuck`` adds one that looks through all
    captures.
    """
    lockstep.describe()
    with lockstep.ledger.session(connection or "", "") as session:
        statuses = stream_statuses(session.db, connection)
        rows, counts = (
            past_limit(session.db, connection, most=metadata.SHOWN) if with_stuck else ([], None)
        )
    stuck: dict[Chain, list[Stuck]] = {}
    for row in rows:
        stuck.setdefault((row.connection, row.stream), []).append(row)
    return Health({(s.connection, s.stream): s for s in statuses}, stuck, counts)


def heartbeat_result(status: StreamStatus | None) -> HealthResult:
    """Return whether a stream is alive: probed, not behind, not silent for longer than allowed."""
    if status is not None and status.state == "paused":
        signature = f"paused:{status.paused_at is None}"
        return HealthResult(HEARTBEAT, False, WARN, f"{status.pause}.", {}, signature)
    if status is not None and status.state == "failing":
        return _failing_result(status)
    if status is None or status.state == "never_captured":
        has_failed = status is not None and bool(status.probe_failures)
        text = "Never captured: keep the daemon running."
        if status is not None and has_failed:
            text += f" The last probe failed: {status.probe_error}"
        return HealthResult(HEARTBEAT, False, WARN, text, {}, f"never_captured:{has_failed}")
    texts = {
        "ok": "Probed, up to date, and not silent for longer than allowed.",
        "no_probe": _no_probe_text(status),
        "overdue": f"Behind by {_span(status.lag)}; allowed: {_span(status.allowed)}. "
        "Check the last runs of the lane.",
        "silent": f"No change for {_span(status.silent_for)}; allowed: "
        f"{_span(status.silence_allowed)}. Does the source still work?",
    }
    lag = round(status.lag.total_seconds(), 1) if status.lag is not None else 0.0
    details = {
        "lag in seconds": dg.MetadataValue.float(lag),
        "failed probes in a row": dg.MetadataValue.int(status.probe_failures),
    }
    moments = {
        name: dg.MetadataValue.timestamp(moment)
        for name, moment in _moments(status).items()
        if moment is not None
    }
    severity = WARN if status.state == "silent" else ERROR
    text = texts[status.state]
    is_ok = status.state == "ok"
    return HealthResult(HEARTBEAT, is_ok, severity, text, details | moments, status.state)


def _failing_result(status: StreamStatus) -> HealthResult:
    text = (
        "The target accepts nothing. Records stay due and are sent once it answers. Last error: "
        f"{status.delivery_error}"
    )
    since = status.failing_since or datetime.now(UTC)
    details = {"failing since": dg.MetadataValue.timestamp(since)}
    return HealthResult(HEARTBEAT, False, ERROR, text, details, "failing")


def _no_probe_text(status: StreamStatus) -> str:
    text = (
        f"No successful probe of the source for {_span(status.unprobed_for)}; "
        f"allowed: {_span(status.probe_allowed)}. "
    )
    if status.probe_failures:
        return f"{text}The last of {status.probe_failures} failed probes: {status.probe_error}"
    return f"{text}No probe has failed: is the daemon running, and its sensor switched on?"


def stuck_result(rows: Sequence[Stuck], counts: Sequence[StuckCount]) -> HealthResult:
    """Return whether records of a stream are stuck past a limit.

    Records that wait for an operator or the warehouse are a warning, the others an error.
    """
    if not counts:
        return HealthResult(NOTHING_STUCK, True, WARN, "No record is past its limit.", {}, "ok")
    is_ours = any(count.live for count in counts if count.stage != "released_not_shipped")
    numbers = {count.stage.replace("_", " "): count.number for count in counts}
    text = "; ".join(f"{number} {stage}" for stage, number in numbers.items())
    oldest = [{name: str(getattr(row, name)) for name in STUCK_COLUMNS} for row in rows]
    details = metadata.counts(numbers) | metadata.table("oldest", oldest)
    # By powers of two: an event for every further stuck order would flood the log.
    signature = ",".join(
        f"{count.stage}:{count.number.bit_length()}:{bool(count.live)}" for count in counts
    )
    severity = ERROR if is_ours else WARN
    return HealthResult(NOTHING_STUCK, False, severity, text, details, signature)


def build_health(name: str, connection: Connection, docs: str) -> dg.AssetSpec:
    """Build the asset that carries a connection's health checks; nothing materializes it."""
    link = metadata.doc_link(docs, "monitoring.md", "Monitoring")
    return dg.AssetSpec(
        health_key(name),
        group_name=name,
        kinds={"health"},
        owners=[connection.owner],
        deps=chain_keys(name, connection.streams, [DELIVERED]),
        description="Whether each stream of the connection is alive, and whether any record is "
        "stuck: see its checks, which the sensor `heartbeat` evaluates continuously.\n\n"
        f"**Red?** Run `lockstep status`. See {link}.",
    )


def build_checks(name: str, connection: Connection) -> list[dg.AssetChecksDefinition]:
    """Build both checks of each stream, which operators can execute as well as the sensor."""
    return [
        _build_check(name, stream, check) for stream in connection.streams for check in CHECK_TEXTS
    ]


def _build_check(name: str, stream: str, check: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=health_key(name), name=check_name(stream, check), description=CHECK_TEXTS[check]
    )
    def health_check(lockstep: dg.ResourceParam[Lockstep]) -> dg.AssetCheckResult:
        results = {r.check: r for r in read_health(lockstep, name).results((name, stream))}
        return results[check].to_check_result(name, stream)

    return health_check


def _moments(status: StreamStatus) -> dict[str, Any]:
    return {
        "last probe": status.probed_at,
        "last change seen": status.change_seen_at,
        "last captured": status.captured_at,
        "last delivery": status.delivered_at,
        "last failed probe": status.probe_failed_at,
    }


def _span(length: timedelta | None) -> str:
    return "an unknown time" if length is None else f"{length.total_seconds():.0f} s"
