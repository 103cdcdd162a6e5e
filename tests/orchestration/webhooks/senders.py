"""The webhook endpoint on a free port, and requests signed by the schemes' descriptions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psycopg
from fastapi import FastAPI

from domain.connections import Installation
from orchestration.cli.machine.webhooks import server_of
from orchestration.webhooks.app import build_app
from tests import loopback
from tests.assets.scene import NAME, _secret, installation_of

STORE = "s1"
SECRET, OLD_SECRET, PUSH_SECRET = (
    "client-secret-of-the-app",
    "the-secret-before",
    "push-secret-of-the-relay",
)
HOOK, PUSH = f"/hooks/{NAME}/platform", f"/hooks/{NAME}/oms"
Headers = dict[str, str]


def listening(folder: Path, url: str = "http://127.0.0.1:1", **sections: Any) -> Installation:
    """Return an installation whose connection receives webhooks of both systems."""
    platform = {
        "client_secret": {"file": str(_secret(folder, "hook", SECRET))},
        "old_client_secret": {"file": str(_secret(folder, "old-hook", OLD_SECRET))},
    }
    push = {
        "secret": {"file": str(_secret(folder, "push", PUSH_SECRET))},
        "prefix": "sha256=",
        "template": "{timestamp}.{body}",
        "timestamp_header": "X-Timestamp",
    }
    webhooks = {"destination": "https://hooks.example.com"}
    return installation_of(
        url,
        STORE,
        folder,
        **({"platform": platform, "oms": {"push": push}, "webhooks": webhooks} | sections),
    )


def event(
    number: object = 250, scope: str = "store/order/updated", store: str = STORE, **data: Any
) -> bytes:
    """Return a store's thin event."""
    content = {"type": "order", "id": number} | data
    return orjson.dumps(
        {
            "created_at": int(time.time()),
            "store_id": "1",
            "producer": f"stores/{store}",
            "scope": scope,
            "hash": "0" * 40,
            "data": content,
        }
    )


def signed(
    body: bytes, secret: str = SECRET, message_id: str | None = None, age: float = 0
) -> Headers:
    """Sign a body as Standard Webhooks describes it."""
    message_id = message_id or f"msg_{uuid4().hex}"
    stamp = str(int(time.time() - age))
    digest = hmac.new(
        secret.encode(), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256
    ).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def pushed(body: bytes, secret: str = PUSH_SECRET, age: float = 0) -> Headers:
    """Sign a body as the relay does."""
    stamp = str(int(time.time() - age))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Timestamp": stamp, "X-Signature": f"sha256={digest}"}


class Served:
    """A running endpoint and its database."""

    def __init__(self, url: str, database: str) -> None:
        self.url, self.database = url, database
        self.http = loopback.client(url)

    def post(self, body: bytes, headers: Headers | None = None, path: str = HOOK) -> httpx.Response:
        """Send a body, signed as the store does unless headers are given."""
        return self.http.post(
            path, content=body, headers=signed(body) if headers is None else headers
        )

    def stored(self) -> list[tuple[str, str, str, str]]:
        """Return (system, stream, source id, scope) of the inbox, in the order of arrival."""
        with psycopg.connect(self.database) as db:
            return db.execute(
                "SELECT system, stream, source_id, scope FROM sync.inbox ORDER BY inbox_id"
            ).fetchall()


@contextmanager
def served(app: FastAPI, database: str, port: int | None = None) -> Iterator[Served]:
    """Serve an application, by default on a free port, while the block lasts.

    The port is taken at once: one that is only found to be free may be another process's by then.
    """
    listener = socket.create_server(("127.0.0.1", port or 0))
    port = listener.getsockname()[1]
    server = server_of(app, "127.0.0.1", port)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="webhooks", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    running = Served(f"http://127.0.0.1:{port}", database)
    try:
        yield running
    finally:
        running.http.close()
        server.should_exit = True
        thread.join(timeout=20)


@contextmanager
def endpoint(folder: Path, database: str, **sections: Any) -> Iterator[Served]:
    """Serve the connection ``acme``."""
    with served(build_app(listening(folder, **sections), database), database) as running:
        yield running
