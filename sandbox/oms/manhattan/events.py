"""Order events of a tenant: a relay forwards ``PublishOrderEventMSGType``, signed by HMAC.

The vendor publishes to queues (oms.md 1.7). The header names and what is signed are the relay's
own: ``X-Timestamp``, and ``X-Signature: sha256=...`` over ``{timestamp}.{body}``.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import orjson

from sandbox.courier import Courier, Message
from sandbox.oms.manhattan.settings import Settings


class OrderEvents:
    """Sends a tenant's order events to ``settings.push_url``, if it is set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.courier = Courier(blocks=False)

    def publish(self, order: bytes, order_id: str, stamp: str) -> None:
        """Send the event of a changed order."""
        url = self._settings.push_url
        if url:
            headers = {"MSG_TYPE": "PublishOrderEventMSGType", "MSG_ID_PK": f"{order_id}-{stamp}"}
            body = orjson.dumps(
                {"OriginalHeaders": headers, "OriginalPayload": orjson.Fragment(order)}
            )
            self.courier.send(url, headers["MSG_ID_PK"], self._signed(body), lambda: None)

    def _signed(self, body: bytes) -> Callable[[], Message]:
        def sign() -> Message:
            stamp = str(int(time.time()))
            digest = hmac.new(
                self._settings.push_secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256
            ).hexdigest()
            return {
                "Content-Type": "application/json",
                "X-Timestamp": stamp,
                "X-Signature": f"sha256={digest}",
            }, body

        return sign
