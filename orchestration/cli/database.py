"""``lockstep db`` and ``lockstep migrate``: the embedded PostgreSQL, and the ledger's schema."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psycopg

from orchestration.cli.output import examples
from orchestration.local import sandbox_process
from orchestration.settings import ConfigurationError, connections_path, project_root
from resources.ledger.database import embedded, roles
from resources.ledger.database.dagster_storage import create_tables
from resources.ledger.database.migrate import is_current, migrate

HISTORY_DAYS = 90
"""How far back the partitions of a sandbox connection begin."""


@click.group(
    epilog=examples(
        "lockstep db start && dagster dev",
        'psql "$(lockstep db url)"',
    )
)
def db() -> None:
    """Start and stop the embedded PostgreSQL, which Lockstep uses where DATABASE_URL is not set.

    It keeps its data in .lockstep/postgres (or LOCKSTEP_HOME), listens on a Unix socket only, and runs until it is stopped.
    """


@db.command("start")
@click.option(
    "--env-file/--no-env-file",
    default=True,
    help="Write DAGSTER_HOME into the project's .env if it is not there.",
)
def start_command(env_file: bool) -> None:
    """Start the database, bring its schema up to date, and prepare 'dagster dev'.

    Where there is no connections.yaml at all, one between sandbox systems is written, so that there is something to see. Dagster reads
    DAGSTER_HOME from the project's .env, and so finds dagster.yaml and this database.
    """
    prepare_database()
    if not has_configuration():
        file = configure_sandbox(f"http://127.0.0.1:{sandbox_process.PORT}")
        click.echo(
            f"connections.yaml: a connection between sandbox systems was written to {file}; 'lockstep up' starts these systems"
        )
    if env_file and remember_home(project_root()):
        click.echo(
            f"DAGSTER_HOME was added to {project_root() / '.env'}: 'dagster dev' works in {project_root()}"
        )


@db.command("stop")
def stop_command() -> None:
    """Stop the embedded database; its data stays."""
    click.echo(
        "stopped"
        if embedded.stop()
        else f"no embedded PostgreSQL runs in {embedded.home() / 'postgres'}"
    )


@db.command("status")
def status_command() -> None:
    """Tell whether a database is there and its schema is current; exit 1 if not."""
    url = embedded.database_url()
    where = (
        "DATABASE_URL"
        if os.environ.get("DATABASE_URL")
        else f"embedded PostgreSQL in {embedded.home() / 'postgres'}"
    )
    current = is_current(url)
    click.echo(
        f"{where}: running, schema {'current' if current else 'not current: run lockstep migrate'}"
    )
    sys.exit(0 if current else 1)


@db.command("url")
def url_command() -> None:
    """Print the database's URL, for psql and the like."""
    click.echo(embedded.database_url())


@click.command("migrate")
def migrate_command() -> None:
    """Bring the ledger's schema up to date: apply what is missing, in order.

    Migrations only go forward, each is applied once and in one transaction; views, functions for readers and the rights of the roles are
    always renewed. Dagster's tables are created too. The running service needs no more than the role lockstep_writer (docs/security.md).
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


def prepare_database() -> bool:
    """Start the embedded database unless ``DATABASE_URL`` names another, and migrate; return whether it was started here."""
    given = os.environ.get("DATABASE_URL")
    was_running = given is not None or embedded.running_url() is not None
    url = given or embedded.start()
    place = "DATABASE_URL" if given else f"embedded PostgreSQL in {embedded.home() / 'postgres'}"
    applied = migrate(url)
    click.echo(
        f"database: {place}{' (ran already)' if was_running and not given else ''}, {len(applied)} migrations applied"
    )
    return not was_running


def has_configuration() -> bool:
    """Tell whether there is a ``connections.yaml``: an own one, or the sandbox's."""
    try:
        connections_path()
    except ConfigurationError:
        return False
    return True


def configure_sandbox(url: str, webhooks: str | None = None) -> Path:
    """Write the connection ``demo`` between sandbox systems; return the file. ``webhooks`` is the address that takes them in."""
    return sandbox_process.configure(
        "demo", "demo", datetime.now(UTC).date() - timedelta(days=HISTORY_DAYS), url, webhooks
    )


def remember_home(root: Path) -> bool:
    """Add ``DAGSTER_HOME`` to the ``.env`` of a folder; False where a line for it stands there already."""
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
