"""A simulated Integration Manager account, written from the public contract (oms.md section 2).

Two levels of keys: a cart's creates and cancels, a merchant's reads all orders and the stock.
UNVERIFIED: wrong credentials answer 401, a key of the wrong level 403.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from email.utils import formatdate

from sandbox.oms.extensiv import inventory, orders
from sandbox.oms.extensiv.control import CONTROLS
from sandbox.oms.extensiv.envelope import FAILURE, INVALID, RATE_LIMIT, Refused, refuse
from sandbox.oms.extensiv.state import State
from sandbox.system import Request, Response

_LOG = logging.getLogger(__name__)

_BASE = "/v1"
UNAUTHORIZED, FORBIDDEN = 401, 403
_FIXED: dict[tuple[str, str], tuple[str, Callable[[State, Request], Response]]] = {
    ("POST", "/cart/orders/cartrover"): ("create", orders.create),
    ("POST", "/cart/orders/batch"): ("create", orders.create_batch),
    ("POST", "/cart/orders/cancel/cartrover"): ("cancel", orders.cancel),
    ("GET", "/merchant/inventory"): ("inventory", inventory.list_stock),
}
_BY_KEY: tuple[tuple[str, str, str, Callable[[State, Request, str], Response]], ...] = (
    ("GET", "/cart/orders/wms_cancel/", "wms_cancel", orders.cancel_at_wms),
    ("POST", "/cart/orders/update/", "update", orders.confirm),
    ("GET", "orders/list/", "list", orders.list_orders),
    ("GET", "orders/status/", "status", lambda state, _, key: orders.status_view(state, key)),
    ("GET", "orders/", "view", lambda state, _, key: orders.view(state, key)),
    ("GET", "/merchant/inventory/", "level", lambda state, _, key: inventory.one_level(state, key)),
    ("GET", "/merchant/product/", "product", lambda state, _, key: inventory.product(state, key)),
)
"""Method and start of the path, without the level where both keys may use it."""


class ExtensivAccount:
    """One account: the vendor's API in ``handle``, the sandbox's own in ``control``."""

    kind = "extensiv"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self._state = State(instance)

    def handle(self, request: Request) -> Response:
        """Answer a call of the vendor's API, dated by the account's own clock."""
        state = self._state
        try:
            response = self._answer(request)
        except Refused as refused:
            name = {UNAUTHORIZED: "unauthorized", FORBIDDEN: "unauthorized"}.get(
                refused.status, "throttled" if refused.code == RATE_LIMIT else "refused"
            )
            state.counts[name] += 1
            response = refuse(refused, state.settings.error_text)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as problem:
            # A body of an unforeseen shape: answered as the vendor's hard error, and logged.
            _LOG.exception("%s %s failed in %s", request.method, request.path, self.instance)
            state.counts["crashed"] += 1
            response = refuse(
                Refused(FAILURE, f"{type(problem).__name__}: {problem}", 500), "message"
            )
        response.headers |= {
            "Date": formatdate(state.clock.now(), usegmt=True),
            "X-CartRover-Process-ID": f"{state.instance}-{sum(state.counts.values())}",
        }
        if state.settings.bucket:
            response.headers["X-CartRover-Api-Minute-Hits-Remaining"] = str(state.permits())
        return response

    def _answer(self, request: Request) -> Response:
        level = self._level(request)
        if not request.path.startswith(f"{_BASE}/"):
            raise Refused(FAILURE, f"No endpoint {request.method} {request.path}", 404)
        path = request.path.removeprefix(_BASE)
        asked = path.split("/")[1]
        if asked not in ("cart", "merchant") or asked != level:
            raise Refused(INVALID, f"The {level} key can't call {path}", FORBIDDEN)
        fixed = _FIXED.get((request.method, path))
        name = fixed[0] if fixed else ""
        # Only new orders are not limited.
        if name != "create" and not self._state.take_permit():
            raise Refused(RATE_LIMIT, "API rate limit exceeded")
        if fixed is not None:
            self._state.counts[f"request.{name}"] += 1
            return fixed[1](self._state, request)
        for method, start, kind, call in _BY_KEY:
            begin = start if start.startswith("/") else f"/{asked}/{start}"
            if request.method == method and path.startswith(begin) and path != begin:
                self._state.counts[f"request.{kind}"] += 1
                return call(self._state, request, path.removeprefix(begin))
        raise Refused(FAILURE, f"No endpoint {request.method} {request.path}", 404)

    def _level(self, request: Request) -> str:
        """Return the level of the caller's key; raises ``Refused`` (401) for any other."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        settings = self._state.settings
        keys = {
            f"{settings.cart_user}:{settings.cart_key}": "cart",
            f"{settings.merchant_user}:{settings.merchant_key}": "merchant",
        }
        if scheme.lower() != "basic" or given not in keys:
            raise Refused(INVALID, "Invalid API credentials", UNAUTHORIZED)
        return keys[given]

    def control(self, request: Request) -> Response:
        """Answer a call below ``/_sandbox/extensiv/{instance}/``."""
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
