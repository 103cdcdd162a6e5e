"""``/v3/hooks`` (webhooks.v3.yml), and the webhooks of orders, shipments and customers.

Signed by the Standard Webhooks scheme with the client secret as the key; retries keep the message's
id and have their own time. The vendor demands https on port 443; the sandbox also accepts http on
127.0.0.1. Pending messages are lost when the sandbox stops.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from sandbox.courier import Courier, Message
from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce.paging import envelope, paging_v3
from sandbox.platforms.bigcommerce.replies import json_reply, parse_body, v3_error
from sandbox.system import Request, Response

Json = dict[str, Any]

SCOPES = tuple(
    f"store/{name}"
    for name in (
        "order/*",
        "order/created",
        "order/updated",
        "order/archived",
        "order/statusUpdated",
        "order/message/*",
        "order/message/created",
        "order/refund/*",
        "order/refund/created",
        "order/transaction/*",
        "order/transaction/created",
        "order/transaction/updated",
        "order/metafield/*",
        "order/metafield/created",
        "order/metafield/updated",
        "order/metafield/deleted",
        "shipment/*",
        "shipment/created",
        "shipment/updated",
        "shipment/deleted",
        "customer/*",
        "customer/created",
        "customer/updated",
        "customer/deleted",
        "customer/address/*",
        "customer/address/created",
        "customer/address/updated",
        "customer/address/deleted",
        "product/*",
        "sku/*",
        "cart/*",
        "product/inventory/updated",
        "sku/inventory/updated",
        "information/updated",
        "app/uninstalled",
    )
)
FIELDS = {"scope", "destination", "is_active", "headers"}
MOST = 10
"""Most webhooks of one scope."""


class Webhooks:
    """The webhooks registered with one store, and the sender of their events."""

    def __init__(self, store_hash: str, now: Callable[[], int]) -> None:
        self.store_hash, self._now = store_hash, now
        self.client_id = f"sandbox-client-{store_hash}"
        self.secret = f"sandbox-client-secret-{store_hash}"
        self.hooks: dict[int, Json] = {}
        self.courier = Courier()

    def handle(self, rest: list[str], request: Request) -> Response:
        """Answer ``/v3/hooks...``; ``rest`` is the path after ``hooks``."""
        match request.method, rest:
            case "GET", []:
                return self._list(request)
            case "POST", []:
                return self._shown(self._create(_fields(request)))
            case "GET", ["admin"]:
                return self._admin()
            case method, [number] if number.isdigit() and method in ("GET", "PUT", "DELETE"):
                hook = self.hooks.get(int(number))
                if hook is None:
                    return v3_error(404, f"Webhook with id [{number}] not found")
                if method == "PUT":
                    self._check(hook | (fields := _fields(request)), hook["id"])
                    hook |= fields | {"updated_at": self._now()}
                elif method == "DELETE":
                    del self.hooks[hook["id"]]
                return self._shown(hook)
        return v3_error(404, "The requested resource was not found.")

    def _list(self, request: Request) -> Response:
        page, limit = paging_v3(request.query, 50, 250)
        found = list(self.hooks.values())
        for name in ("scope", "destination"):
            if name in request.query:
                found = [hook for hook in found if hook[name] == request.query[name][-1]]
        if "is_active" in request.query:
            found = [
                hook
                for hook in found
                if hook["is_active"] == (request.query["is_active"][-1] == "true")
            ]
        return envelope(
            found[(page - 1) * limit : page * limit], len(found), page, limit, request.query
        )

    def _admin(self) -> Response:
        left = int(self.courier.blocked_until - time.monotonic())
        destinations = (
            {"://".join(urlsplit(hook["destination"])[:2]) for hook in self.hooks.values()}
            if left > 0
            else set()
        )
        blocked = [
            {"destination": destination, "time_left": left, "reasons": []}
            for destination in sorted(destinations)
        ]
        listed = [
            hook | {"status": "active" if hook["is_active"] else "deactivated"}
            for hook in self.hooks.values()
        ]
        return json_reply(
            {"data": {"emails": [], "hooks_list": listed, "blocked_domains": blocked}, "meta": {}}
        )

    def _create(self, fields: Json) -> Json:
        number = max(self.hooks, default=18_000_000) + 1
        self._check(fields, number)
        now = self._now()
        about = {
            "id": number,
            "client_id": self.client_id,
            "store_hash": self.store_hash,
            "created_at": now,
            "updated_at": now,
        }
        self.hooks[number] = about | {"is_active": True, "headers": None} | fields
        return self.hooks[number]

    def _check(self, hook: Json, number: int) -> None:
        """Refuse with 422 a webhook that the store would not accept."""
        if hook.get("scope") not in SCOPES:
            raise _invalid("scope", "error.expected.scope")
        destination = hook.get("destination")
        if not isinstance(destination, str) or not _may_receive(destination):
            raise _invalid(
                "destination",
                "error.path.missing" if destination is None else "must be https on port 443",
            )
        headers = hook.get("headers")
        if headers is not None and not (
            isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values())
        ):
            raise _invalid("headers", "must be an object of texts")
        same = [
            other
            for other in self.hooks.values()
            if other["scope"] == hook["scope"] and other["id"] != number
        ]
        if len(same) >= MOST or any(other["destination"] == destination for other in same):
            raise _invalid(
                "destination",
                "there is a hook of this scope for this destination, or too many of this scope",
            )

    @staticmethod
    def _shown(hook: Json) -> Response:
        return json_reply({"data": hook, "meta": {}})

    def emit(self, scope: str, data: Json) -> None:
        """Send an event to every webhook that subscribed to it."""
        for hook in list(self.hooks.values()):
            if hook["is_active"] and (
                hook["scope"] == scope
                or (hook["scope"][-1] == "*" and scope.startswith(hook["scope"][:-1]))
            ):
                message_id = f"msg_{uuid.uuid4().hex}"
                message = self._message(message_id, scope, data, hook["headers"] or {})
                self.courier.send(
                    hook["destination"], message_id, message, partial(_switch_off, hook)
                )

    def _message(
        self, message_id: str, scope: str, data: Json, headers: dict[str, str]
    ) -> Callable[[], Message]:
        payload = {
            "scope": scope,
            "store_id": "1000",
            "producer": f"stores/{self.store_hash}",
            "created_at": self._now(),
            "data": data,
        }
        body = orjson.dumps(
            {
                **payload,
                "hash": hashlib.sha1(orjson.dumps(payload), usedforsecurity=False).hexdigest(),
            }
        )

        def sign() -> Message:
            stamp = str(int(time.time()))
            digest = hmac.new(
                self.secret.encode(), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256
            ).digest()
            signed = {
                "webhook-id": message_id,
                "webhook-timestamp": stamp,
                "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
            }
            return {"Content-Type": "application/json", **headers, **signed}, body

        return sign

    def control(self, body: Json) -> Json:
        """Set the sending options and ``secret``; ``switch_off`` deactivates all webhooks."""
        options = dict(body)
        self.secret = options.pop("secret", self.secret)
        if options.pop("switch_off", False):
            for hook in self.hooks.values():
                _switch_off(hook)
        return {"hooks": list(self.hooks.values()), **self.courier.control(options)}


def _switch_off(hook: Json) -> None:
    hook["is_active"] = False


def _fields(request: Request) -> Json:
    body = parse_body(request.body)
    if not isinstance(body, dict) or not body or set(body) - FIELDS:
        raise _invalid("body", f"must be an object of {', '.join(sorted(FIELDS))}")
    return body


def _may_receive(destination: str) -> bool:
    try:
        parts = urlsplit(destination)
        port = parts.port
    except ValueError:
        return False
    on_loopback = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    return on_loopback or (parts.scheme == "https" and bool(parts.hostname) and port in (None, 443))


def _invalid(field: str, reason: str) -> Refused:
    return Refused(v3_error(422, "JSON data is missing or invalid", {field: reason}))
