"""A merchant's payment service, as docs/returns.md describes it: refunds posted and listed.

It is mounted at ``/payments/{instance}``. Control calls, ``/_sandbox/payments/{instance}/...``:

    POST  settings   any of {token, outcome: accepted | pending | declined | unknown,
                     charged: {order: amount}, prefix}; a refund above what an order was charged
                     is refused, and ids are the prefix with a number
    POST  refunds    {order, amount, currency, lines?}: one that is made by hand, without a key
    POST  settle     {status}: decide all refunds that are pending or unknown; "lost": forget them
    GET   counts     JSON
    GET   truth      {"orders": [], "levels": [], "refunds": [...]}
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from sandbox.kit.refused import Refused
from sandbox.system import Request, Response

Json = dict[str, Any]
STATUSES = ("accepted", "pending", "declined", "unknown")
OPEN = ("pending", "unknown")
LOST = "lost"
ODD = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
TYPE = {"Content-Type": "application/json"}


class PaymentsService:
    """``sandbox.system.System`` for one merchant."""

    kind = "payments"

    def __init__(self, instance: str) -> None:
        self.instance, self.token = instance, f"sandbox-token-{instance}"
        self.outcome = "accepted"
        self.charged: dict[str, str] = {}
        self.prefix = "rf-"
        self.refunds: list[Json] = []
        self.counts: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        """Answer a call of the API."""
        self.counts["requests"] += 1
        try:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise _refused(401, "the token is not valid")
            if request.path.rstrip("/") != "/refunds":
                raise _refused(404, "there is nothing here")
            if request.method == "GET":
                [order] = request.query["order"]
                return _reply({"refunds": [r for r in self.refunds if r["order"] == order]})
            return self._post(request)
        except Refused as refusal:
            return refusal.response
        except ODD as reason:
            return _reply({"error": f"the request can't be read: {type(reason).__name__}"}, 400)

    def _post(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        body = orjson.loads(request.body)
        if not key or body["key"] != key:
            raise _refused(400, "the header of the idempotency key is missing, or another one")
        for refund in self.refunds:
            if refund.get("key") == key:
                self.counts["repeated"] += 1
                return _reply(refund)
        amount = Decimal(body["amount"])
        if amount <= 0:
            raise _refused(422, "the amount must be above zero")
        if (limit := self.charged.get(body["order"])) is not None:
            given = sum((Decimal(r["amount"]) for r in self._paid(body["order"])), Decimal(0))
            if given + amount > Decimal(limit):
                raise _refused(422, f"the order was charged {limit}, of which {given} went back")
        made = self._make(body, self.outcome)
        return _reply(made, 201)

    def _paid(self, order: str) -> list[Json]:
        return [r for r in self.refunds if r["order"] == order and r["status"] != "declined"]

    def _make(self, body: Json, status: str) -> Json:
        lines = [{"line": row["line"], "quantity": row["quantity"]} for row in body["lines"]]
        made = {
            "id": f"{self.prefix}{len(self.refunds) + 1}",
            "key": body.get("key"),
            "order": body["order"],
            "return": body.get("return"),
            "amount": body["amount"],
            "currency": body["currency"],
            "status": status,
            "reason": "The card was closed." if status == "declined" else "",
            "lines": lines,
        }
        self.refunds.append(made)
        self.counts["refunds"] += 1
        return made

    def control(self, request: Request) -> Response:
        """Answer a control call; any error is a 400."""
        try:
            body = orjson.loads(request.body) if request.body.strip() else {}
            return self._control(request.method, request.path.strip("/"), body)
        except ODD as reason:
            return _reply({"error": f"{type(reason).__name__}: {reason}"}, 400)

    def _control(self, method: str, path: str, body: Json) -> Response:
        match method, path:
            case "POST", "settings":
                if body.get("outcome", "accepted") not in STATUSES:
                    raise ValueError(f"an outcome is one of {STATUSES}")
                for name in ("token", "outcome", "charged", "prefix"):
                    setattr(self, name, body.get(name, getattr(self, name)))
                return _reply({"outcome": self.outcome})
            case "POST", "refunds":
                return _reply(self._make({"lines": []} | body, "accepted"))
            case "POST", "settle":
                found = [r for r in self.refunds if r["status"] in OPEN]
                if body["status"] == LOST:
                    self.refunds = [r for r in self.refunds if r not in found]
                    return _reply({"settled": len(found)})
                for refund in found:
                    refund["status"] = body["status"]
                    refund["reason"] = "The bank sent it back."
                return _reply({"settled": len(found)})
            case "GET", "counts":
                return _reply(dict(self.counts))
            case "GET", "truth":
                return _reply({"orders": [], "levels": [], "refunds": self._truth()})
        return _reply({"error": "no such control"}, 404)

    def _truth(self) -> list[Json]:
        return [
            {
                "id": refund["id"],
                "order": refund["order"],
                "amount": refund["amount"],
                "lines": [line | {"sku": ""} for line in refund["lines"]],
                "state": refund["status"],
            }
            for refund in self.refunds
        ]

    async def close(self) -> None:
        """Do nothing: there is no background work."""

    def snapshot(self) -> bytes:
        """Serialise the service."""
        settings = [self.token, self.outcome, self.charged, self.prefix]
        return msgspec.msgpack.encode([settings, self.refunds, dict(self.counts)])

    def restore(self, state: bytes) -> None:
        """Restore what ``snapshot`` returned."""
        settings, self.refunds, counts = msgspec.msgpack.decode(state)
        self.token, self.outcome, self.charged, self.prefix = settings
        self.counts = Counter(counts)


def _reply(value: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(value), TYPE)


def _refused(status: int, message: str) -> Refused:
    return Refused(_reply({"error": message}, status))
