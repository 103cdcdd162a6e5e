"""``lockstep up``: runs everything on this machine until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import yaml

from assets.event_checks import ensure_webhooks
from domain.errors import TransientError
from orchestration.cli.context import open_database
from orchestration.cli.machine.database import configure_sandbox, prepare_database
from orchestration.cli.output import examples
from orchestration.local import sandbox_process
from orchestration.local.processes import Children, answers, check_port_free, free_port, listens
from orchestration.local.simulated import PAIR, Pair, pair_named, pairs
from orchestration.settings import FILE_NAME, VARIABLE, connections_path, load, project_root
from resources.ledger.database import embedded
from resources.ledger.monitoring.activation import activations, start_new
from resources.lockstep import Lockstep
from sandbox.seed import synthetic_seed
from sandbox.seed.load import post

SEED_ORDERS, SEED_DAYS, SEED, DIRT = 120, 3, 7, 0.06
START_SECONDS = 120


@click.command(
    epilog=examples(
        "lockstep up",
        "lockstep up --port 3100 --rate 2",
        f"lockstep up --pair {'/'.join(pairs()[-1])}",
        "DATABASE_URL=postgresql://... LOCKSTEP_CONNECTIONS=/etc/lockstep.yaml lockstep up",
        exit_codes="0 stopped by Ctrl-C or SIGTERM, 1 a process did not start or exited",
    )
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Port of Dagster's UI on 127.0.0.1.",
)
@click.option(
    "--no-sandbox",
    is_flag=True,
    help="Do not start the sandbox, even without a connections.yaml of your own.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 50, min_open=True),
    default=0.5,
    show_default=True,
    help="Orders per second in the sandbox.",
)
@click.option(
    "--sandbox-port",
    type=click.IntRange(1, 65535),
    default=sandbox_process.PORT,
    show_default=True,
    help="Loopback port of the sandbox.",
)
@click.option(
    "--webhooks-port",
    type=click.IntRange(1, 65535),
    default=sandbox_process.WEBHOOKS_PORT,
    show_default=True,
    help="Loopback port of the webhook endpoint.",
)
@click.option(
    "--pair",
    default="/".join(PAIR),
    show_default=True,
    metavar="PLATFORM/OMS",
    help=f"The simulated systems: one of {', '.join('/'.join(each) for each in pairs())}.",
)
def up(
    port: int, no_sandbox: bool, rate: float, sandbox_port: int, webhooks_port: int, pair: str
) -> None:
    """Run database, Dagster's UI and daemon, and if needed a sandbox, until Ctrl-C.

    With a connections.yaml of your own (or LOCKSTEP_CONNECTIONS), only your systems are used.
    Without one, a simulated store and OMS are started, shoppers place orders, and each order
    reaches the OMS within seconds. DATABASE_URL replaces the embedded PostgreSQL. Logs are in
    .lockstep/*.log (or in LOCKSTEP_HOME).
    """
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    chosen = pair_named(pair)
    check_port_free(port, "--port")
    check_port_free(webhooks_port, "--webhooks-port")
    with_sandbox = not no_sandbox and not _has_own_connections()
    started_database = prepare_database()
    sandbox: sandbox_process.Sandbox | None = None
    children = Children(
        embedded.home(), project_root(), {**os.environ, "DAGSTER_HOME": str(project_root())}
    )
    try:
        if with_sandbox:
            sandbox = _start_sandbox(
                children, sandbox_port, rate, f"http://127.0.0.1:{webhooks_port}", chosen
            )
        _start_webhooks(children, webhooks_port, stopping, sandbox, chosen)
        _start_dagster(children, port, stopping)
        fault = watch(children, sandbox, stopping)
    finally:
        click.echo("stopping")
        children.stop()
        if sandbox is not None:
            sandbox.stop()
        if started_database:
            embedded.stop()
    if fault:
        raise TransientError(fault)


def _has_own_connections() -> bool:
    return bool(os.environ.get(VARIABLE)) or (project_root() / FILE_NAME).exists()


def _start_sandbox(
    children: Children, port: int, rate: float, webhooks: str, pair: Pair
) -> sandbox_process.Sandbox:
    """Start the sandbox with its saved state, seed it if it is new, and start the traffic."""
    sandbox = sandbox_process.start(port)
    configure_sandbox(sandbox.url, webhooks, pair)
    name = pair.connection
    connection = load().connections[name]
    paths = pair.paths(name)
    sandbox_process.behave_as_vendors(sandbox.url, pair, name)
    with open_database() as db:
        start_new(db, name, connection.streams, "lockstep up")
    if not sandbox_process.is_filled(sandbox.url, paths.store):
        today = datetime.now(UTC).date()
        start = today - timedelta(days=SEED_DAYS)
        seed = synthetic_seed.seed_set(SEED_ORDERS, SEED, start, SEED_DAYS, dirt=DIRT)
        counts = post(sandbox.url, *paths, seed)
        click.echo(
            f"sandbox: seeded with {counts['products']} products and {counts['orders']} orders of "
            "the last days"
        )
        click.echo(
            f"         'lockstep connect {name}' syncs those orders; new ones sync automatically"
        )
    arguments = [
        "sandbox.traffic",
        "--url",
        sandbox.url,
        "--store",
        paths.store,
        "--oms",
        paths.oms,
        "--rate",
        str(rate),
    ]
    children.start("traffic", arguments)
    click.echo(f"sandbox: {sandbox.url}, {rate:g} orders per second")
    return sandbox


def _start_webhooks(
    children: Children,
    port: int,
    stopping: threading.Event,
    sandbox: sandbox_process.Sandbox | None,
    pair: Pair,
) -> None:
    """Start the webhook endpoint if a connection uses it, and register it with the sandbox."""
    installation = load()
    if all(connection.webhooks is None for connection in installation.connections.values()):
        return
    children.start("webhooks", ["orchestration.cli", "webhooks", "--port", str(port)])
    if not children.wait_until(
        lambda: answers(f"http://127.0.0.1:{port}/health"),
        "the webhook endpoint answered",
        START_SECONDS,
        stopping.is_set,
    ):
        return
    if sandbox is not None:
        name = pair.connection
        if webhooks := installation.connections[name].webhooks:
            destination = webhooks.url(name, "oms")
            sandbox_process.push_from_oms(sandbox.url, pair, name, destination)
        lockstep = Lockstep(installation)
        try:
            ensure_webhooks(lockstep, name)
        finally:
            lockstep.close()
    click.echo(f"webhooks: http://127.0.0.1:{port}/hooks/CONNECTION/SYSTEM (docs/webhooks.md)")


def _start_dagster(children: Children, port: int, stopping: threading.Event) -> None:
    """Start a code server, which daemon and webserver share: definitions are loaded once."""
    installation = load()
    click.echo(f"connections: {', '.join(installation.connections)} ({connections_path()})")
    with open_database() as db:
        for name, connection in installation.connections.items():
            for state in activations(db, name, connection.streams):
                if not state.active:
                    click.echo(f"{state}.")
    code_port = free_port()
    children.start("code-server", _code_server(code_port))
    if not children.wait_until(
        lambda: listens(code_port), "the code location loaded", START_SECONDS, stopping.is_set
    ):
        return
    workspace = str(_workspace(code_port))
    children.start("daemon", ["dagster._daemon", "run", "-w", workspace])
    children.start(
        "webserver", ["dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", workspace]
    )
    if children.wait_until(
        lambda: answers(f"http://127.0.0.1:{port}/server_info"),
        "the UI answered",
        START_SECONDS,
        stopping.is_set,
    ):
        click.echo(
            f"Dagster: http://127.0.0.1:{port}   (logs: {embedded.home()}/*.log; Ctrl-C stops all)"
        )


def _code_server(port: int) -> list[str]:
    return [
        "dagster",
        "code-server",
        "start",
        "-m",
        "orchestration.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "--location-name",
        "lockstep",
        "-d",
        str(project_root()),
    ]


def _workspace(code_port: int) -> Path:
    file = embedded.home() / "workspace.yaml"
    server = {"host": "127.0.0.1", "port": code_port, "location_name": "lockstep"}
    file.write_text(
        "# Written by 'lockstep up': the code server shared by webserver and daemon.\n"
        + yaml.safe_dump({"load_from": [{"grpc_server": server}]})
    )
    return file


def watch(
    children: Children, sandbox: sandbox_process.Sandbox | None, stopping: threading.Event
) -> str:
    """Wait for the stop signal or for a process to exit; return what exited, or an empty text."""
    while not stopping.wait(0.5):
        if (child := children.dead()) is not None:
            return f"{child.name} exited with code {child.process.returncode}; see {child.log}"
        process = sandbox.process if sandbox is not None else None
        if process is not None and process.poll() is not None:
            log = embedded.home() / "sandbox.log"
            return f"the sandbox exited with code {process.returncode}; see {log}"
    return ""
