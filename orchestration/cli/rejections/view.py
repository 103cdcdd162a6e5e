"""One rejection for display or as JSON: problems, payload with edits, attempts, and actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import shorten
from typing import Any

import click
import orjson

from domain.parsing.text import plural
from domain.rejection_codes.codes import entry_of
from orchestration.cli.output import at, print_table, span
from resources.ledger.captures import edits
from resources.ledger.captures.edits import Change
from resources.ledger.rejections.operator_actions import OperatorAction
from resources.ledger.rejections.work_queue import Attempt, Rejection

COLUMNS = (
    "id", "connection", "owner", "stream", "stage", "record", "day", "class", "code", "field",
    "message", "state", "age", "times",
)  # fmt: skip
LONGEST_MESSAGE = 100
"""Characters of a message in a table: a long one would make the table as wide as itself."""


def to_table_row(one: Rejection) -> tuple[object, ...]:
    """Return a rejection as a row of the list, by ``COLUMNS``."""
    return (
        one.rejection_id,
        one.connection,
        one.owner,
        one.stream,
        one.stage,
        one.source_id,
        one.source_day,
        one.class_,
        one.code,
        one.field,
        shorten(one.message, LONGEST_MESSAGE, placeholder=" ..."),
        one.state,
        one.age,
        one.seen_count,
    )


def to_json_row(one: Rejection) -> dict[str, Any]:
    """Return a rejection as a row of JSON output."""
    row = asdict(one)
    return {"class" if name == "class_" else name: value for name, value in row.items()}


def to_json(
    one: Rejection,
    payload: bytes | None,
    changes: Sequence[Change],
    attempts: Sequence[Attempt],
    actions: Sequence[OperatorAction],
) -> dict[str, Any]:
    """Return a whole rejection as JSON; its payload has the edits applied, which are listed too."""
    rows = [
        {
            "at": a.at,
            "who": a.who,
            "action": a.action,
            "mode": a.mode,
            "why": a.why,
            "run_id": a.run_id,
            "outcome": a.outcome,
            "note": a.note,
            "changes": [_change(c) for c in a.changes],
        }
        for a in actions
    ]
    return to_json_row(one) | {
        "payload": _parsed(edits.applied(payload, changes) if payload is not None else None),
        "edits": [_change(c) for c in changes],
        "attempts": [asdict(a) for a in attempts],
        "actions": rows,
    }


def _change(change: Change) -> dict[str, Any]:
    return {"path": change.path, "before": change.before, "after": change.after}


def _parsed(payload: bytes | None) -> object:
    """Return the payload as JSON, or as text: invalid JSON may be why it was rejected."""
    if payload is None:
        return None
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "replace")


def print_one(
    one: Rejection,
    payload: bytes | None,
    changes: Sequence[Change],
    attempts: Sequence[Attempt],
    actions: Sequence[OperatorAction],
) -> None:
    """Print a whole rejection."""
    _print_facts(one)
    if attempts:
        print_table(
            ("at", "attempt", "state", "detail", "run"),
            [(a.at, a.what, a.state, a.detail, a.run_id) for a in attempts],
            title="attempts",
        )
    if actions:
        rows = [(a.at, a.who, a.action, a.mode, a.why, a.outcome, a.run_id) for a in actions]
        columns = ("at", "who", "action", "mode", "why", "outcome", "run")
        print_table(columns, rows, title="actions")
        for action in actions:
            for change in action.changes:
                click.echo(f"  {at(action.at)} {action.who}: {change}")
    _print_payload(payload, changes)


def _print_facts(one: Rejection) -> None:
    closed = f", closed {at(one.closed_at)} by {one.closed_by}: {one.closed_why}"
    for name, value in (
        ("rejection", one.rejection_id),
        ("state", one.state + (closed if one.closed_at else "")),
        ("record", f"{one.connection}/{one.stream} {one.source_id}"),
        ("partition", one.partition),
        ("stage", one.stage),
        ("class", one.class_),
        ("owner", one.owner or "-"),
        ("age", span(one.age)),
        ("first seen", at(one.opened_at)),
        ("last seen", f"{at(one.seen_at)} ({plural(one.seen_count, 'time')})"),
        ("correlation id", one.correlation_id),
        ("run", one.run_id),
    ):
        click.echo(f"{name:<15} {value}")
    for problem in one.problems:
        place = problem["field"] or "the record"
        click.echo(f"\n{problem['code']} at {place}: {problem['message']}")
        if problem.get("value"):
            click.echo(f"  value       {problem['value']}")
        click.echo(f"  rule        {entry_of(problem['code']).rule}")
        click.echo(f"  what to do  {problem['advice']}")


def _print_payload(payload: bytes | None, changes: Sequence[Change]) -> None:
    if payload is None:
        click.echo("\nThe captured version has been deleted by retention.")
        return
    click.echo("\ncaptured payload with these edits:" if changes else "\ncaptured payload:")
    for change in changes:
        click.echo(f"  edited: {change}")
    value = _parsed(edits.applied(payload, changes))
    click.echo(value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2))
