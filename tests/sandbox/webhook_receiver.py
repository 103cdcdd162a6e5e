"""A receiver of webhooks that records them and answers as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

Json = dict[str, Any]


class WebhookReceiver:
    """Records every webhook and answers with the statuses in ``answers``, then 200."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append(
                    ({name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[tuple[str, Json]]:
        """Return (scope, data) of every webhook."""
        return [
            (content["scope"], content["data"])
            for content in (orjson.loads(body) for _, body in self.taken)
        ]


@contextmanager
def running_receiver() -> Iterator[WebhookReceiver]:
    """Run a receiver for the duration of the block."""
    made = WebhookReceiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
