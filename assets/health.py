"""The health of a connection: whether each of its streams is alive, and whether anything in it stands still.

The checks are those of an asset of their own, ``<connection>/health``, which nothing materializes: on an asset that live runs materialize
every few seconds Dagster would show each result as out of date with the next run.

Without ``from __future__ import annotations``: Dagster reads the resource's type from the functions' annotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg

from assets.chain.keys import DELIVERED, chain_keys
from domain.connections import Connection
from domain.exchange import Check
from resources.ledger.captures import inbox
from resources.ledger.monitoring.clocks import Chain, Stuck, StuckCount, past_limit
from resources.ledger.monitoring.status import StreamStatus, stream_statuses
from resources.lockstep import Lockstep

HEARTBEAT, NOTHING_STUCK = "heartbeat", "nothing_stuck"
SHOWN = 20
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def health_key(connection: str) -> dg.AssetKey:
    """Return ``connection/health``."""
    return dg.AssetKey([connection, "health"])


def check_name(stream: str, check: str) -> str:
    """Return the name of a stream's check, as the asset of its connection has it."""
    return f"{stream}_{check}"


class Judgement(NamedTuple):
    """What a check says of a stream; ``signature`` changes only where someone should be told anew."""

    check: str
    passed: bool
    severity: dg.AssetCheckSeverity
    text: str
    metadata: Mapping[str, Any]
    signature: str

    def result(self, connection: str, stream: str) -> dg.AssetCheckResult:
        """Return the check's result, as a run of the check gives it."""
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=health_key(connection),
            check_name=check_name(stream, self.check),
            severity=self.severity,
            description=self.text,
            metadata=self.metadata,
        )

    def evaluation(self, connection: str, stream: str) -> dg.AssetCheckEvaluation:
        """Return the check's result as an event without a run."""
        return dg.AssetCheckEvaluation(
            asset_key=health_key(connection),
            check_name=check_name(stream, self.check),
            passed=self.passed,
            severity=self.severity,
            description=self.text,
            metadata=self.metadata,
        )


class Watch(NamedTuple):
    """The state of all streams at one moment; ``counts`` is ``None`` where the clocks were not read."""

    statuses: Mapping[Chain, StreamStatus]
    stuck: Mapping[Chain, Sequence[Stuck]]
    counts: Mapping[Chain, Sequence[StuckCount]] | None

    def judgements(self, chain: Chain) -> list[Judgement]:
        """Judge a stream; one that the ledger does not know has never been captured."""
        alive = judge_heartbeat(self.statuses.get(chain))
        return (
            [alive]
            if self.counts is None
            else [alive, judge_stuck(self.stuck.get(chain, ()), self.counts.get(chain, ()))]
        )


def look(lockstep: Lockstep, connection: str | None = None, *, clocks: bool = True) -> Watch:
    """Ask the ledger, by two queries for the whole installation; without ``clocks`` by one that costs milliseconds."""
    lockstep.describe()
    with lockstep.ledger.session(connection or "", "") as session:
        statuses = stream_statuses(session.db, connection)
        rows, counts = past_limit(session.db, connection, most=SHOWN) if clocks else ([], None)
    stuck: dict[Chain, list[Stuck]] = {}
    for row in rows:
        stuck.setdefault((row.connection, row.stream), []).append(row)
    return Watch({(s.connection, s.stream): s for s in statuses}, stuck, counts)


def judge_heartbeat(status: StreamStatus | None) -> Judgement:
    """Say whether a stream is alive: somebody looks at its source, it is not behind, and it is not silent for longer than it may be."""
    if status is None or status.state == "never_captured":
        failed = (
            f" The last probe failed: {status.probe_error}"
            if status and status.probe_failures
            else ""
        )
        text = f"Never captured: run 'lockstep connect' once, and keep the daemon running.{failed}"
        return Judgement(HEARTBEAT, False, WARN, text, {}, f"never_captured:{bool(failed)}")
    texts = {
        "ok": "Probed, in step, and not silent for longer than it may be.",
        "no_probe": f"No successful look at the source for {_span(status.unprobed_for)}; allowed are {_span(status.probe_allowed)}. "
        + (
            f"The last of {status.probe_failures} failed probes: {status.probe_error}"
            if status.probe_failures
            else "No probe failed either: is the daemon running, and its sensor switched on?"
        ),
        "overdue": f"Behind by {_span(status.lag)}; allowed are {_span(status.allowed)}. Look at the last runs of the lane.",
        "silent": f"No change for {_span(status.silent_for)}; allowed are {_span(status.silence_allowed)}. Does the source still work?",
    }
    is_ok = status.state == "ok"
    metadata = {
        "lag in seconds": dg.MetadataValue.float(
            status.lag.total_seconds() if status.lag is not None else 0.0
        ),
        "failed probes in a row": dg.MetadataValue.int(status.probe_failures),
        **{
            name: dg.MetadataValue.timestamp(moment)
            for name, moment in _moments(status).items()
            if moment is not None
        },
    }
    severity = WARN if status.state == "silent" else ERROR
    return Judgement(HEARTBEAT, is_ok, severity, texts[status.state], metadata, status.state)


def judge_stuck(rows: Sequence[Stuck], counts: Sequence[StuckCount]) -> Judgement:
    """Say whether records of a stream stand still past a limit; what waits for an operator or the warehouse warns, the rest is an error."""
    if not counts:
        return Judgement(
            NOTHING_STUCK, True, WARN, "Nothing stands still past its limit.", {}, "ok"
        )
    is_ours = any(count.live for count in counts if count.stage != "released_not_shipped")
    text = "; ".join(f"{count.number} {count.stage.replace('_', ' ')}" for count in counts)
    columns = ("stage", "state", "source_id", "since", "correlation_id", "detail")
    records = [
        dg.TableRecord({name: str(getattr(row, name)) for name in columns}) for row in rows[:SHOWN]
    ]
    metadata = {
        count.stage.replace("_", " "): dg.MetadataValue.int(count.number) for count in counts
    }
    table = dg.MetadataValue.table(
        records, schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns])
    )
    # By powers of two: an event for each order that joins a jam would flood the log.
    signature = ",".join(
        f"{count.stage}:{count.number.bit_length()}:{bool(count.live)}" for count in counts
    )
    return Judgement(
        NOTHING_STUCK,
        False,
        ERROR if is_ours else WARN,
        text,
        metadata | {"oldest": table},
        signature,
    )


def build_health(name: str, connection: Connection) -> dg.AssetSpec:
    """Build the asset that a connection's lights hang on; nothing materializes it."""
    return dg.AssetSpec(
        health_key(name),
        group_name=name,
        kinds={"health"},
        owners=[connection.owner],
        deps=chain_keys(name, connection.streams, [DELIVERED]),
        description="Whether each stream of the connection is alive, and whether anything stands still: see its checks. The sensor "
        "`heartbeat` evaluates them all the time.\n\n**Red?** `lockstep status`, and docs/watching.md.",
    )


def build_checks(name: str, connection: Connection) -> list[dg.AssetChecksDefinition]:
    """Build both checks of each stream of a connection; an operator can execute them, and the sensor ``heartbeat`` does all the time."""
    texts = (
        (
            HEARTBEAT,
            "Somebody looks at the source, the stream is not behind, and not silent for too long.",
        ),
        (
            NOTHING_STUCK,
            "No record stands still at a stage for longer than the connection's limits allow.",
        ),
    )
    return [
        _check(name, stream, place, *text)
        for stream in connection.streams
        for place, text in enumerate(texts)
    ]


def _check(name: str, stream: str, place: int, check: str, text: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=health_key(name), name=check_name(stream, check), description=text)
    def judged(lockstep: dg.ResourceParam[Lockstep]) -> dg.AssetCheckResult:
        return look(lockstep, name).judgements((name, stream))[place].result(name, stream)

    return judged


def _moments(status: StreamStatus) -> dict[str, Any]:
    return {
        "last probe": status.probed_at,
        "last change seen": status.change_seen_at,
        "last captured": status.captured_at,
        "last delivery": status.delivered_at,
        "last failed probe": status.probe_failed_at,
    }


def _span(length: Any) -> str:
    return "an unknown time" if length is None else f"{length.total_seconds():.0f} s"


def ensure_webhooks(lockstep: Lockstep, connection: str) -> list[str]:
    """Register the store's webhooks where they are missing or were switched off; return a line for each change.

    Nothing is done, and nothing asked, where the connection has no section ``webhooks``. Raises ``TransientError`` or ``PermanentError``
    where the store could not be asked; events that were not sent meanwhile are made up for by polling.
    """
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    return lockstep.sync(connection, run_id="").platform.ensure_hooks(
        webhooks.url(connection, "platform")
    )


def webhook_checks(lockstep: Lockstep, connection: str) -> list[Check]:
    """Tell how the store's webhooks stand, and when the last event came; no lines without a section ``webhooks``."""
    webhooks = lockstep.installation.connections[connection].webhooks
    if webhooks is None:
        return []
    sync = lockstep.sync(connection, run_id="")
    checks = sync.platform.hook_state(webhooks.url(connection, "platform"))
    with sync.ledger.session(connection, "orders") as session:
        last = inbox.last_received(session.db, connection, "platform")
    ago = f"{(datetime.now(UTC) - last).total_seconds():.0f} s ago" if last else "never"
    return [
        *checks,
        Check(
            "webhook events",
            ok=True,
            detail=f"the last one was received {ago}; a quiet store sends none",
        ),
    ]
