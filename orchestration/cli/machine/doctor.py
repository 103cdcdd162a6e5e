"""``lockstep doctor``: checks the installation and says how to fix what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click
import dagster as dg
import psycopg
from rich.text import Text

from assets.archive import folder_of, lost_days
from assets.event_checks import queue_checks, webhook_checks
from domain.connections import Installation
from domain.errors import LockstepError
from domain.exchange import Check
from domain.parsing.text import plural
from orchestration.cli.connect import preflight
from orchestration.cli.context import open_database
from orchestration.cli.machine.machine_checks import (
    Finding,
    check_configuration,
    check_daemon,
    check_database,
    check_disk,
    check_home,
    check_instance,
    check_python,
    check_schema,
)
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.definitions import build
from orchestration.settings import load
from resources import oms, platforms
from resources.capabilities import capabilities_of
from resources.ledger.history import days_waiting
from resources.ledger.monitoring.activation import activations
from resources.ledger.monitoring.caution import cautious_days
from resources.ledger.monitoring.status import stream_statuses
from resources.lockstep import Lockstep
from resources.notifications import build_notifier
from resources.secrets import permission_warning, resolve
from resources.systems import secret_refs, settings_of

SEE_MESSAGE = "see the message"
ARCHIVED_WITHIN = timedelta(days=2)
"""A changed day is archived in the night after; many at once, as after a first read, take more."""
STYLES = {"ok": "green", "warning": "yellow", "FAILED": "red"}


@click.command(
    epilog=examples(
        "lockstep doctor",
        "lockstep doctor --offline --json",
        exit_codes="0 every check passed, 1 a check failed",
    )
)
@click.option("--offline", is_flag=True, help="Skip the checks of remote systems.")
@json_option
def doctor(offline: bool, as_json: bool) -> None:
    """Check the installation and suggest a fix for each failed check.

    Covers Python, the home folder, free disk space, the database and its schema,
    connections.yaml, secrets (never printed), both systems of each connection (read-only calls),
    the archive, and Dagster's definitions, instance and daemon.
    """
    checks = list(diagnose(offline=offline))
    if as_json:
        print_json([_shown(check) for check in checks])
    else:
        print_table(
            ("check", "result", "detail", "what to do"), [_cells(check) for check in checks]
        )
    if not all(check.ok for check in checks):
        sys.exit(1)


def _shown(check: Check) -> dict[str, object]:
    return asdict(check) | {"detail": check.shown, "result": check.result}


def _cells(check: Check) -> list[object]:
    return [
        check.name,
        Text(check.result, style=STYLES[check.result]),
        check.shown,
        check.advice,
    ]


def diagnose(*, offline: bool) -> Iterator[Check]:
    """Run all checks, causes before effects; skip those that depend on a failed one."""
    yield _check("Python", check_python)
    yield _check("home folder", check_home)
    yield _check("disk space", check_disk)
    database = _check("database", check_database)
    yield database
    schema = _check("schema", check_schema) if database.ok else None
    if schema is not None:
        yield schema
    configuration = _check("connections.yaml", check_configuration)
    yield configuration
    if configuration.ok:
        yield from _installation_checks(
            load(),
            database_ok=database.ok,
            schema_ok=schema is not None and schema.ok,
            offline=offline,
        )
    if schema is not None and schema.ok:
        if configuration.ok:
            yield _check("archive", _archive)
        yield _check("Dagster instance", check_instance)
        yield _check("Dagster daemon", check_daemon)


def _installation_checks(
    installation: Installation, *, database_ok: bool, schema_ok: bool, offline: bool
) -> Iterator[Check]:
    lockstep = Lockstep(installation)
    try:
        yield _check("definitions", lambda: _definitions(installation, lockstep))
        yield _check("alerts", lambda: _alerts(installation))
        for name in installation.connections:
            secrets = _check(f"{name}: secrets", lambda name=name: _secrets(installation, name))  # type: ignore[misc]
            yield secrets
            able = capabilities_of(installation.connections[name])
            yield Check(f"{name}: capabilities", ok=True, detail=able)
            if database_ok:
                yield _check(f"{name}: delivery", lambda name=name: _delivery(name))  # type: ignore[misc]
            if schema_ok:
                yield _check(f"{name}: streams", lambda name=name: _streams(lockstep, name))  # type: ignore[misc]
            if secrets.ok and database_ok and not offline:
                yield from _systems(lockstep, name)
    finally:
        lockstep.close()


def _check(name: str, run: Callable[[], Finding]) -> Check:
    try:
        ok, detail, advice = run()
    except (LockstepError, psycopg.Error, OSError, dg.DagsterError) as error:
        ok, detail, advice = False, " ".join(str(error).split()), SEE_MESSAGE
    return Check(name, ok, detail, "" if ok else advice)


def _definitions(installation: Installation, lockstep: Lockstep) -> Finding:
    definitions = build(installation, lockstep)
    dg.Definitions.validate_loadable(definitions)
    return True, f"{len(list(definitions.resolve_all_asset_specs()))} assets, loadable", ""


def _alerts(installation: Installation) -> Finding:
    if installation.alerts is None:
        return True, "not configured: no alerts are sent for failed runs and stuck streams", ""
    build_notifier(installation.alerts)
    return True, "configured for failed runs and stuck streams", ""


def _archive() -> Finding:
    """Return whether the archive has every day as it is; retention waits for it."""
    folder = folder_of(load())
    with open_database() as db:
        lost = lost_days(db, folder)
        days = days_waiting(db, datetime.now(UTC) - ARCHIVED_WITHIN)
    if lost:
        advice = (
            "move the files of the former folder there; or leave it to the nightly archive, which "
            "writes the days again, without what retention has removed"
        )
        shown = f"{plural(len(lost), 'day')} from {lost[0]} to {lost[-1]}"
        return False, f"{folder} has no files of {shown}, which were archived", advice
    if not days:
        return True, "has every day", ""
    shown = f"lacks {plural(len(days), 'day')} from {days[0]} to {days[-1]}, or their last changes"
    advice = "see the failed runs of the job archive, then materialize history/archive for the days"
    return False, f"{shown}; retention keeps their rows until it has them", advice


def _secrets(installation: Installation, name: str) -> Finding:
    """Resolve every secret that the connection refers to, and print none."""
    connection = installation.connections[name]
    sections = (
        settings_of(connection.platform, platforms.REGISTRY),
        settings_of(connection.oms, oms.REGISTRY),
    )
    references = [
        (f"{section.__class__.__name__}.{path}", ref)
        for section in sections
        for path, ref in secret_refs(section)
    ]
    faults = []
    for path, reference in references:
        try:
            resolve(reference)
        except LockstepError as error:
            faults.append(f"{path}: {error}")
    warnings = [
        warning for _, reference in references if (warning := permission_warning(reference))
    ]
    detail = "; ".join(faults + warnings) or f"{len(references)} found"
    return (
        not faults and not warnings,
        detail,
        "set the variable or create the file named in connections.yaml; chmod 600 secret files",
    )


def _streams(lockstep: Lockstep, name: str) -> Finding:
    """Say which streams are paused; that is not a fault."""
    streams = lockstep.installation.connections[name].streams
    with lockstep.ledger.session(name, "") as session:
        states = activations(session.db, name, streams)
    paused = [str(state) for state in states if not state.active]
    return True, "; ".join(paused) or f"active: {', '.join(streams)}", ""


def _restored(lockstep: Lockstep, name: str) -> Check:
    with lockstep.ledger.connect() as db:
        days = cautious_days(db, name)
    shown = (
        f"{plural(len(days), 'day')} to reconcile, from {days[0]} to {days[-1]}" if days else "none"
    )
    return Check(
        f"{name}: days to reconcile after a restore",
        not days,
        shown,
        f"run 'lockstep reconcile {name} --from {days[0]}'" if days else "",
    )


def _systems(lockstep: Lockstep, name: str) -> Iterator[Check]:
    try:
        yield _restored(lockstep, name)
        for system, check in preflight(lockstep, name):
            yield Check(f"{name}: {system} {check.name}", check.ok, check.detail, check.advice)
        for check in (*webhook_checks(lockstep, name), *queue_checks(lockstep, name)):
            yield Check(
                f"{name}: {check.name}", check.ok, check.detail, "" if check.ok else check.advice
            )
    except LockstepError as error:
        yield Check(f"{name}: systems", ok=False, detail=str(error), advice=SEE_MESSAGE)


def _delivery(name: str) -> Finding:
    """Return whether each stream's target takes records, by the last runs."""
    with open_database() as db:
        failing = [s for s in stream_statuses(db, name) if s.state == "failing"]
    if not failing:
        return True, "no target is failing", ""
    detail = "; ".join(
        f"{s.stream} failing since {s.failing_since:%Y-%m-%d %H:%M:%S}Z: {s.delivery_error}"
        for s in failing
    )
    return False, detail, "Records that are due are sent once the target answers; see its error."
