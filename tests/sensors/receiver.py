"""An incoming webhook, as chat systems offer them, that keeps what was posted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import orjson
import pytest


class Receiver:
    """Answers with ``status``; ``posted`` has every body."""

    def __init__(self) -> None:
        self.posted: list[dict[str, object]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.posted.append(
                    orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                )
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/a-secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver while the test lasts."""
    running = Receiver()
    yield running
    running.server.shutdown()
    running.server.server_close()
