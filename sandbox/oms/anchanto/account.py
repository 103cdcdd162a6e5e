"""A simulated Anchanto OMS account, written from oms.md section 3.

No public reference exists: paths, fields and answers of 3.3 are an assumption.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from email.utils import formatdate

from sandbox.oms.anchanto import orders
from sandbox.oms.anchanto.control import CONTROLS
from sandbox.oms.anchanto.envelope import (
    NOT_FOUND,
    THROTTLED,
    UNAUTHORIZED,
    Refused,
    plain,
    refuse,
)
from sandbox.oms.anchanto.state import State
from sandbox.system import Request, Response

_LOG = logging.getLogger(__name__)

_BASE, _ORDERS, _CANCEL = "/rest/v1", "/orders/", "/cancel"
_FIXED: dict[tuple[str, str], tuple[str, Callable[[State, Request], Response]]] = {
    ("POST", "/orders"): ("create", orders.create),
    ("GET", "/orders"): ("list", orders.list_orders),
    ("GET", "/shipments"): ("shipments", orders.list_shipments),
    ("GET", "/stocks"): ("stocks", orders.list_stock),
}


class AnchantoAccount:
    """One account: the API in ``handle``, the sandbox's own calls in ``control``."""

    kind = "anchanto"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self._state = State(instance)

    def handle(self, request: Request) -> Response:
        """Answer a call of the API, dated by the account's own clock."""
        state = self._state
        try:
            response = self._answer(request)
        except Refused as refused:
            names = {UNAUTHORIZED: "unauthorized", THROTTLED: "throttled"}
            state.counts[names.get(refused.status, "refused")] += 1
            response = refuse(refused)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as problem:
            # A body of an unforeseen shape: answered as a server's own error, and logged.
            _LOG.exception("%s %s failed in %s", request.method, request.path, self.instance)
            state.counts["crashed"] += 1
            response = refuse(Refused(f"{type(problem).__name__}: {problem}", 500))
        response.headers |= {
            "Date": formatdate(state.clock.now(), usegmt=True),
            "X-Request-Id": f"{state.instance}-{sum(state.counts.values())}",
        }
        return response

    def _answer(self, request: Request) -> Response:
        state = self._state
        if not state.take_permit():
            raise Refused("Too many requests", THROTTLED)
        path = request.path.removeprefix(_BASE)
        if path == request.path:
            raise Refused(f"No endpoint {request.method} {request.path}", NOT_FOUND)
        if (request.method, path) == ("POST", "/login"):
            state.counts["request.login"] += 1
            return self._login(request)
        given = request.headers.get("authorization", "")
        token = given.removeprefix("Bearer ") if state.settings.bearer else given
        if not state.knows(token):
            raise Refused("Invalid or expired token", UNAUTHORIZED)
        if (fixed := _FIXED.get((request.method, path))) is not None:
            state.counts[f"request.{fixed[0]}"] += 1
            return fixed[1](state, request)
        number = path.removeprefix(_ORDERS)
        if path.startswith(_ORDERS) and request.method == "GET":
            state.counts["request.read"] += 1
            return orders.read(state, request, number)
        if path.startswith(_ORDERS) and request.method == "POST" and number.endswith(_CANCEL):
            state.counts["request.cancel"] += 1
            return orders.cancel(state, request, number.removesuffix(_CANCEL))
        raise Refused(f"No endpoint {request.method} {request.path}", NOT_FOUND)

    def _login(self, request: Request) -> Response:
        user, settings = orders.body_of(request).get("api_user"), self._state.settings
        wanted = {"email": settings.email, "password": settings.password}
        if user != wanted:
            raise Refused("Invalid email or password", UNAUTHORIZED)
        return plain({"jwt": self._state.login()})

    def control(self, request: Request) -> Response:
        """Answer a call below ``/_sandbox/anchanto/{instance}/``."""
        return CONTROLS.answer(self._state, request)

    async def close(self) -> None:
        """Do nothing: no work is under way between calls."""

    def snapshot(self) -> bytes:
        """Serialise the whole state."""
        return self._state.dump()

    def restore(self, state: bytes) -> None:
        """Restore a state from ``snapshot``; raises ValueError for bytes of another format."""
        fresh = State(self.instance)
        fresh.load(state)
        self._state = fresh
