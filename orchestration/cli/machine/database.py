"""``lockstep db`` and ``lockstep migrate``: the embedded PostgreSQL and the schema."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psycopg

from domain.parsing.text import plural
from orchestration.cli.output import examples
from orchestration.local import sandbox_process
from orchestration.local.simulated import PAIR, Pair
from orchestration.settings import ConfigurationError, connections_path, project_root
from resources.ledger.database import embedded, roles
from resources.ledger.database.dagster_storage import create_tables
from resources.ledger.database.migrate import is_current, migrate
from resources.ledger.monitoring import caution

HISTORY_DAYS = 90
"""How far back the partitions of a sandbox connection go."""


@click.group(
    epilog=examples(
        "lockstep db start && dagster dev",
        'psql "$(lockstep db url)"',
    )
)
def db() -> None:
    """Start and stop the embedded PostgreSQL, which is used unless DATABASE_URL is set.

    Its data is in .lockstep/postgres (or below LOCKSTEP_HOME). It listens on a Unix socket only,
    and runs until it is stopped.
    """


@db.command("start")
@click.option(
    "--env-file/--no-env-file",
    default=True,
    help="Add DAGSTER_HOME to the project's .env if it is missing.",
)
def start_command(env_file: bool) -> None:
    """Start the database, migrate its schema, and prepare for 'dagster dev'.

    If there is no connections.yaml, one for two sandbox systems is written. Dagster reads
    DAGSTER_HOME from the project's .env, and so uses dagster.yaml and this database.
    """
    prepare_database()
    if not has_configuration():
        file = configure_sandbox(f"http://127.0.0.1:{sandbox_process.PORT}")
        click.echo(
            f"connections.yaml: wrote a connection between sandbox systems to {file}; "
            "'lockstep up' starts these systems"
        )
    if env_file and remember_home(project_root()):
        click.echo(
            f"added DAGSTER_HOME to {project_root() / '.env'}: 'dagster dev' now works in "
            f"{project_root()}"
        )


@db.command("stop")
def stop_command() -> None:
    """Stop the embedded database; its data is kept."""
    click.echo(
        "stopped"
        if embedded.stop()
        else f"no embedded PostgreSQL is running in {embedded.home() / 'postgres'}"
    )


@db.command("status")
def status_command() -> None:
    """Check that the database is running and its schema is current; exit 1 if not."""
    current = is_current(embedded.database_url())
    schema = "current" if current else "out of date: run 'lockstep migrate'"
    click.echo(f"{_place()}: running, schema {schema}")
    sys.exit(0 if current else 1)


@db.command("url")
def url_command() -> None:
    """Print the database's URL, for psql and similar tools."""
    click.echo(embedded.database_url())


@click.command("migrate")
def migrate_command() -> None:
    """Apply the schema migrations that are missing, in order.

    Migrations only go forward; each is applied once, in one transaction. Views, functions and
    grants are always recreated, and Dagster's tables are created too. The running service needs
    only the role lockstep_writer (docs/security.md).
    """
    url = embedded.database_url()
    applied = migrate(url)
    create_tables(url)
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(
        f"{len(applied)} applied; the schema is current"
        if applied
        else "nothing to apply; the schema is current"
    )
    with psycopg.connect(url) as connection:
        if advice := roles.advice(connection):
            click.echo(advice)


@click.command("restored", epilog=examples("lockstep restored"))
def restored_command() -> None:
    """Check both systems before anything is created, after a backup was restored.

    The ledger does not know what happened after the backup. Another database server, or a standby
    that took over, is detected automatically; use this command after loading a dump into the same
    server. The caution ends for each day with that day's reconciliation of orders and shipments.
    """
    with psycopg.connect(embedded.database_url(), autocommit=True) as connection:
        days = caution.become_cautious(connection, "lockstep restored")
    click.echo(
        f"{plural(days, 'day')} treated with caution until reconciled: run "
        "'lockstep reconcile CONNECTION --from DAY'"
        if days
        else "nothing has been captured yet, or all of it is treated with caution already"
    )


def prepare_database() -> bool:
    """Start the embedded database unless ``DATABASE_URL`` is set, and migrate.

    Return whether this call started it.
    """
    given = embedded.configured_url()
    was_running = given is not None or embedded.running_url() is not None
    url = given or embedded.start()
    applied = migrate(url)
    already = " (already running)" if was_running and not given else ""
    click.echo(f"database: {_place()}{already}, {plural(len(applied), 'migration')} applied")
    return not was_running


def has_configuration() -> bool:
    """Return whether there is a ``connections.yaml``, the project's own or the sandbox's."""
    try:
        connections_path()
    except ConfigurationError:
        return False
    return True


def configure_sandbox(url: str, webhooks: str | None = None, pair: Pair = PAIR) -> Path:
    """Write the connection of a pair of sandbox systems; return the file.

    ``webhooks`` is the URL of the webhook endpoint.
    """
    start, name = datetime.now(UTC).date() - timedelta(days=HISTORY_DAYS), pair.connection
    return sandbox_process.configure(name, name, start, url, webhooks, pair)


def remember_home(root: Path) -> bool:
    """Add ``DAGSTER_HOME`` to the ``.env`` of a folder; return False if it is already set there."""
    file = root / ".env"
    text = file.read_text("utf-8") if file.exists() else ""
    if any(
        line.strip().removeprefix("export ").startswith("DAGSTER_HOME=")
        for line in text.splitlines()
    ):
        return False
    separator = "" if not text or text.endswith("\n") else "\n"
    file.write_text(f"{text}{separator}DAGSTER_HOME={root}\n", "utf-8")
    return True


def _place() -> str:
    if os.environ.get("DATABASE_URL"):
        return "DATABASE_URL"
    return f"embedded PostgreSQL in {embedded.home() / 'postgres'}"
