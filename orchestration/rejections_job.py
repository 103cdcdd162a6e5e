"""The job ``rejections``: ``lockstep rejections`` for operators who use the UI.

There is no ``from __future__ import annotations``: Dagster reads the types from the annotations.
"""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Any

import dagster as dg
import psycopg
from pydantic import Field

from assets.error_redaction import safe_text
from assets.streams.registry import HELD
from domain.errors import LockstepError, PermanentError
from domain.parsing.text import plural
from domain.rejection_codes.entry import CLASSES
from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.reruns import Mode
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from resources.lockstep import Lockstep

LISTED = 200


class Action(Enum):
    """What to do with the rejections. Lower case, since the launchpad shows the names."""

    retry = "retry"
    edit = "edit"
    discard = "discard"


class Replay(Enum):
    """What a retry processes."""

    as_captured = "as_captured"
    re_read = "re_read"


class RejectionClass(Enum):
    """What is wrong with a record (docs/rejections.md)."""

    value = "value"
    missing = "missing"
    duplicate = "duplicate"
    mapping = "mapping"
    permission = "permission"
    rate_limit = "rate_limit"
    connection = "connection"
    business_rule = "business_rule"


class RejectionsConfig(dg.Config):
    """Which rejections, and what to do with them."""

    action: Action = Field(
        description="retry: process the records again. edit: replace captured values (see set), "
        "then retry. discard: close the rejections for good."
    )
    who: str = Field(description="Your name; it is recorded with the action.", min_length=1)
    reason: str = Field(
        default="", description="Why; it is recorded with the action. Required for discard."
    )
    ids: list[int] = Field(
        default=[],
        description="Ids of rejections, from 'lockstep rejections list' or the assets' tables.",
    )
    rejection_class: RejectionClass | None = Field(
        default=None, description=f"Only this class: {', '.join(CLASSES)}."
    )
    code: str | None = Field(
        default=None, description="Only this code, e.g. shipping_method_unknown."
    )
    connection: str | None = Field(default=None, description="Only this connection.")
    stream: str | None = Field(
        default=None, description="Only this stream, e.g. orders or inventory."
    )
    first_day: str | None = Field(
        default=None, description="Only partitions from this day on (YYYY-MM-DD, UTC)."
    )
    last_day: str | None = Field(
        default=None, description="Only partitions up to this day (YYYY-MM-DD, UTC), inclusive."
    )
    mode: Replay = Field(
        default=Replay.as_captured,
        description="as_captured: the rejected records only, as they were captured. "
        "re_read: read their whole partitions from the source first.",
    )
    set: list[str] = Field(
        default=[],
        description="For edit, with one id: path=value, where path is the rejection's field, e.g. "
        "consignments.shipping[0].zip=78701. Dagster stores and shows run configurations: for "
        "personal data use 'lockstep rejections retry --set' instead.",
    )

    def to_filter(self) -> RejectionFilter:
        """Return the filter. Raises ``PermanentError`` if it is empty: that would be everything."""
        wanted = RejectionFilter(
            ids=tuple(self.ids) or None,
            connection=self.connection,
            stream=self.stream,
            code=self.code,
            category=self.rejection_class.value if self.rejection_class else None,
            first_day=_day(self.first_day, "first_day"),
            last_day=_day(self.last_day, "last_day"),
        )
        if wanted == RejectionFilter():
            raise PermanentError(
                "No filter is given: give ids, a class, a code, a connection, a stream or days."
            )
        if self.action is Action.edit and (
            len(self.ids) != 1 or not self.set or self.mode is Replay.re_read
        ):
            raise PermanentError(
                "An edit needs one id, at least one path=value in set, and the mode as_captured."
            )
        if self.action is not Action.edit and self.set:
            raise PermanentError("set is only for the action edit.")
        return wanted


@dg.op(
    name="work_rejections",
    description="Retries, edits or discards rejections, and queues the reruns for it.",
)
def work_rejections(
    context: dg.OpExecutionContext, config: RejectionsConfig, lockstep: dg.ResourceParam[Lockstep]
) -> dg.Output[None]:
    """Apply the configured action; the output's metadata lists the rejections."""
    try:
        with lockstep.ledger.connect() as db:
            found, reruns = _work(db, config)
    except LockstepError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except psycopg.Error as error:
        raise dg.Failure(safe_text(error), allow_retries=True) from None
    queued = (
        f"queued as {plural(len(reruns), 'rerun')}; the sensor 'reruns' runs them within seconds"
    )
    result = {
        Action.discard: "discarded",
        Action.retry: queued,
        Action.edit: f"edited and {queued}",
    }[config.action]
    summary = "No open rejection matches."
    if found:
        summary = f"{plural(len(found), 'rejection')} {result}"
    context.log.info(summary)
    return dg.Output(
        None,
        metadata={
            "summary": dg.MetadataValue.md(summary),
            "rejections": dg.MetadataValue.int(len(found)),
            "reruns": dg.MetadataValue.int(len(reruns)),
            "table": _table(found, config.action.value),
        },
    )


@dg.job(
    name="rejections",
    executor_def=dg.in_process_executor,
    description="Retries, edits or discards rejections; the launchpad describes each field. The "
    "sensor 'reruns' runs queued reruns. The checks 'no_open_rejections' show what is left.",
)
def rejections_job() -> None:
    """Retry, edit or discard rejections."""
    work_rejections()


def _work(
    db: psycopg.Connection[Any], config: RejectionsConfig
) -> tuple[list[Rejection], list[int]]:
    approves = config.action is not Action.discard and bool(config.reason.strip())
    found = operator_actions.chosen(db, config.to_filter(), HELD if approves else ())
    who = config.who.strip()
    if not who:
        raise PermanentError("who is empty: every action is recorded with a name.")
    if config.action is Action.discard:
        closed = operator_actions.discard(db, found, who, config.reason)
        return [r for r in found if r.rejection_id in set(closed)], []
    mode: Mode = "re_read" if config.mode is Replay.re_read else "as_captured"
    with db.transaction():
        if config.action is Action.edit:
            changes = operator_actions.planned_edit(db, found[0], config.set)
            operator_actions.edit(db, found[0], changes, who, config.reason)
        return found, operator_actions.queue_retry(db, found, who, mode, config.reason)


def _day(text: str | None, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PermanentError(f"{name} is not a date: use YYYY-MM-DD") from None


def _table(found: Sequence[Rejection], action: str) -> dg.TableMetadataValue:
    names = ("id", "connection", "stream", "partition", "record", "class", "code", "action")
    rows = [
        (
            r.rejection_id,
            r.connection,
            r.stream,
            r.partition.key,
            r.source_id,
            r.class_,
            r.code,
            action,
        )
        for r in found[:LISTED]
    ]
    records = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(
        records,
        schema=dg.TableSchema([dg.TableColumn(n, "int" if n == "id" else "string") for n in names]),
    )
