"""Faults that the sandbox injects between a client and a system, the same for all systems.

Rules are set with ``POST /_sandbox/{kind}/{instance}/faults``, a JSON list of::

    {"method": "POST" | null, "path": "<regex, searched in the path>", "kind": "<one of KINDS>",
     "status": 429, "headers": {"Retry-After": "1"}, "body": <JSON or string>, "delay_ms": 0,
     "correlation": "<regex, searched in X-Correlation-Id>",
     "skip": 0, "times": null, "probability": 1.0, "seed": 0}

A rule skips the first ``skip`` matching requests, then fires for ``times`` of them (null: no
limit), each with ``probability``. The first rule that fires wins; only ``delay`` continues to the
next rule. ``GET`` lists the rules with their hits, ``DELETE`` clears them.
``GET .../faults/hits?after=n`` lists as NDJSON the requests that were hit, from the n-th on,
including those hit by rules that have been cleared:
``{"kind", "status", "method", "path", "correlation", "at": <seconds since 1970>}``.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.system import Request, Response

KINDS = (
    "status",
    "delay",
    "delay_after",
    "drop_before",
    "drop_after",
    "malformed",
    "truncated",
    "wrong_types",
    "replaced",
)
"""``drop_before`` closes the connection before the effect, ``drop_after`` after it and without an
answer; ``delay_after`` holds the answer back for ``delay_ms`` after the effect; ``replaced``
answers ``status`` and ``body`` after the effect, nothing where the body is ``""``."""
CORRELATION_HEADER = "x-correlation-id"


@dataclass(slots=True)
class Rule:
    """One fault with its counters."""

    kind: str
    path: str = ""
    method: str | None = None
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay_ms: int = 0
    correlation: str = ""
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seen: int = 0
    hits: int = 0
    pattern: re.Pattern[str] = field(init=False, repr=False)
    dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        self.pattern = re.compile(self.path)
        self.dice = random.Random(self.seed)

    def fires(self, request: Request) -> bool:
        """Return whether this request is hit, and count it."""
        if self.method not in (None, request.method) or not self.pattern.search(request.path):
            return False
        correlation = request.headers.get(CORRELATION_HEADER, "")
        if self.correlation and not re.search(self.correlation, correlation):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        if self.probability < 1.0 and self.dice.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def describe(self) -> dict[str, Any]:
        """Return the rule as it was set, with ``seen`` and ``hits``."""
        return {
            name: getattr(self, name)
            for name in Rule.__dataclass_fields__
            if name not in ("pattern", "dice")
        }


@dataclass(slots=True)
class Decision:
    """What happens to one request: a wait of ``delay_ms``, then the fault, if any."""

    delay_ms: int = 0
    fault: Rule | None = None


class Faults:
    """The rules of one instance."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.hits: list[bytes] = []

    def decide(self, request: Request) -> Decision:
        """Apply the rules in their order."""
        decision = Decision()
        for rule in self.rules:
            if rule.fires(request):
                self.hits.append(_hit(rule, request))
                decision.delay_ms += rule.delay_ms if rule.kind != "delay_after" else 0
                if rule.kind != "delay":
                    decision.fault = rule
                    break
        return decision

    def control(self, request: Request) -> Response:
        """Answer ``/_sandbox/{kind}/{instance}/faults`` and ``.../faults/hits``."""
        if request.path == "/faults/hits":
            after = int(request.query.get("after", ["0"])[0])
            return Response(
                200,
                b"".join(hit + b"\n" for hit in self.hits[after:]),
                {"Content-Type": "application/x-ndjson"},
            )
        if request.method == "POST":
            try:
                given = orjson.loads(request.body)
                self.rules += [
                    Rule(**rule) for rule in (given if isinstance(given, list) else [given])
                ]
            except (TypeError, ValueError, re.error) as reason:
                return _json({"error": f"invalid fault rule: {reason}"}, 400)
        elif request.method == "DELETE":
            self.rules.clear()
        elif request.method != "GET":
            return _json({"error": "faults accepts GET, POST and DELETE"}, 405)
        return _json([rule.describe() for rule in self.rules])


def _hit(rule: Rule, request: Request) -> bytes:
    correlation = request.headers.get(CORRELATION_HEADER, "")
    status = rule.status if rule.kind == "status" else 0
    hit = {
        "kind": rule.kind,
        "status": status,
        "method": request.method,
        "path": request.path,
        "correlation": correlation,
    }
    return orjson.dumps(hit | {"at": time.time()})


def refusal(rule: Rule) -> Response:
    """Build the answer of a ``status`` or a ``replaced`` fault."""
    body = (
        rule.body
        if rule.body is not None
        else {"status": rule.status, "title": "Injected by the sandbox"}
    )
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    headers = {
        "Content-Type": "text/html" if isinstance(body, str) else "application/json"
    } | rule.headers
    return Response(rule.status, raw, headers)


def corrupt(rule: Rule, response: Response) -> Response:
    """Damage the body of a good answer: ``malformed``, ``truncated`` or ``wrong_types``."""
    body = response.body
    if rule.kind == "truncated":
        body = body[: len(body) // 2]
    elif rule.kind == "malformed":
        body = b'{"oops": ' + body
    elif body:
        body = orjson.dumps(_swap_types(orjson.loads(body)))
    return Response(response.status, body, response.headers)


def _swap_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _swap_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_swap_types(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            return value
    return value


def _json(value: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(value), {"Content-Type": "application/json"})
