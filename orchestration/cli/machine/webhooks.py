"""``lockstep webhooks``: the process that receives webhooks."""

from __future__ import annotations

import logging
import signal

import click
import uvicorn
from fastapi import FastAPI

from domain.errors import PermanentError
from orchestration.cli.output import examples
from orchestration.local.sandbox_process import WEBHOOKS_PORT
from orchestration.settings import load
from orchestration.webhooks.app import MAX_BODY, build_app
from resources.ledger.database.embedded import database_url

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HEADER_BYTES = 16 * 1024
MAX_REQUESTS = 2_000
"""Requests at the same time; further ones are answered with 503."""


@click.command(
    epilog=examples(
        "lockstep webhooks",
        "lockstep webhooks --host 0.0.0.0 --port 8080",
        exit_codes="0 when stopped, 1 if it could not start",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=WEBHOOKS_PORT,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1024),
    default=MAX_BODY,
    show_default=True,
    help="Largest body in bytes.",
)
def webhooks(host: str, port: int, max_body: int) -> None:
    """Receive, verify and store webhooks until Ctrl-C; the daemon's sensors do the rest.

    Serves the connections that have a section 'webhooks'. Stores send to https on port 443 only,
    so put a proxy with a certificate in front; by default it listens on this machine's loopback.
    GET /health shows whether it can store, GET /openapi.json describes the API.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    installation = load()
    served = [
        name
        for name, connection in installation.connections.items()
        if connection.webhooks is not None
    ]
    if not served:
        raise PermanentError(
            "No connection in connections.yaml has a section 'webhooks', so there is none to serve."
        )
    app = build_app(installation, database_url(), max_body=max_body)
    click.echo(f"webhooks of {', '.join(served)}: http://{host}:{port}/hooks/CONNECTION/SYSTEM")
    if host not in LOOPBACK:
        click.echo(
            "lockstep: this address can be reached from outside without encryption; "
            "put a proxy with a certificate in front",
            err=True,
        )
    # uvicorn raises the signal again after a clean stop, which would give a failing exit code.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    server = server_of(app, host, port)
    server.run()
    if not server.started:
        raise PermanentError(f"Could not start on {host}:{port}; see the lines above.")


def server_of(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """Return the HTTP server, with bounds on headers and requests, and no access log."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="h11",
        h11_max_incomplete_event_size=HEADER_BYTES,
        limit_concurrency=MAX_REQUESTS,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)
