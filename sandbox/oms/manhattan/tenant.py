"""A simulated Manhattan Active Omni tenant, written from the public contract (oms.md section 1)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from email.utils import formatdate

from sandbox.oms.manhattan import (
    cancels,
    customers,
    inventory,
    items,
    modifications,
    orders,
    prices,
    search,
)
from sandbox.oms.manhattan.auth import UNAUTHORIZED
from sandbox.oms.manhattan.control import answer_control
from sandbox.oms.manhattan.envelope import Refused, error, refuse
from sandbox.oms.manhattan.persistence import dump_state, load_state
from sandbox.oms.manhattan.rate import TOO_MANY
from sandbox.oms.manhattan.state import State
from sandbox.system import Request, Response

_LOG = logging.getLogger(__name__)

_ORDER = "/order/api/order/order/"
_AVAILABILITY = "/inventory/api/availability/"

_ROUTES: dict[tuple[str, str], tuple[str, Callable[[State, Request], Response]]] = {
    ("POST", f"{_ORDER}save"): ("save", orders.save_order),
    ("POST", f"{_ORDER}bulkImport"): ("bulkImport", orders.bulk_import),
    ("POST", f"{_ORDER}search"): ("search", search.search_orders),
    ("POST", f"{_ORDER}cancel"): (
        "cancel",
        lambda state, request: cancels.cancel_many(state, request, lines=False),
    ),
    ("POST", f"{_ORDER}orderLine/cancel"): (
        "cancel",
        lambda state, request: cancels.cancel_many(state, request, lines=True),
    ),
    ("PUT", f"{_ORDER}orderLine/unhold"): ("unhold", modifications.unhold),
    ("POST", f"{_ORDER}orderLine/unhold"): ("unhold", modifications.unhold),
    ("POST", f"{_ORDER}changeStatus"): ("changeStatus", modifications.change_status),
    ("POST", "/order/api/order/reason/search"): ("reason", modifications.search_reasons),
    ("POST", "/item/api/item/item/search"): ("item", items.search_items),
    ("POST", "/pricepromo/api/pricepromo/itemPrice/search"): ("price", prices.search_prices),
    ("POST", "/item/api/item/item/save"): ("item.save", items.save_item),
    ("POST", "/customer/api/customer/customer/save"): ("customer.save", customers.save_customer),
    ("POST", "/customer/api/customer/customer/search"): (
        "customer.search",
        customers.search_customers,
    ),
    ("POST", f"{_AVAILABILITY}availabilitydetail"): (
        "availability",
        inventory.network_availability,
    ),
    ("POST", f"{_AVAILABILITY}beta/availabilitydetailbyview"): (
        "availability",
        inventory.network_availability_by_view,
    ),
    ("POST", f"{_AVAILABILITY}location/availabilitydetail"): (
        "availability",
        inventory.location_availability,
    ),
}

_BY_ID: dict[tuple[str, str], tuple[str, Callable[[State, Request, str], Response]]] = {
    ("GET", ""): ("read", lambda state, _, order_id: search.read_order(state, order_id)),
    ("GET", "permittedModTypes"): (
        "permittedModTypes",
        lambda state, _, order_id: modifications.permitted_mod_types(state, order_id),
    ),
    ("POST", "cancel"): (
        "cancel",
        lambda state, request, order_id: cancels.cancel_one(state, request, order_id, lines=False),
    ),
    ("POST", "orderLine/cancel"): (
        "cancel",
        lambda state, request, order_id: cancels.cancel_one(state, request, order_id, lines=True),
    ),
}
"""What follows ``orderId/{id}/`` in the path."""


class ManhattanTenant:
    """One tenant: the vendor's API in ``handle``, the sandbox's own in ``control``."""

    kind = "manhattan"

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self._state = State(instance)

    def handle(self, request: Request) -> Response:
        """Answer a call of the vendor's API, dated by the tenant's own clock."""
        response = self._answer(request)
        response.headers["Date"] = formatdate(self._state.clock.now_ms() // 1000, usegmt=True)
        return response

    def _answer(self, request: Request) -> Response:
        """Answer; every answer except the token's has the envelope."""
        state = self._state
        if request.path == "/oauth/token" and request.method == "POST":
            state.counts["request.token"] += 1
            return state.tokens.issue(request, state.settings)
        try:
            state.tokens.check(request)
            state.rate.take(state.settings.requests_per_second)
            return self._route(request)
        except Refused as refused:
            state.counts["unauthorized" if refused.status == UNAUTHORIZED else "refused"] += 1
            answer = refuse(refused, state.settings.business_error_status, request.path)
            if refused.status == TOO_MANY:
                answer.headers["Retry-After"] = "1"
            return answer
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as problem:
            # An attribute of an unforeseen shape: like the vendor, answer the crash in the
            # envelope, and log it.
            _LOG.exception("%s %s failed in tenant %s", request.method, request.path, self.instance)
            state.counts["crashed"] += 1
            crash = error("INTERNAL_ERROR", f"{type(problem).__name__}: {problem}")
            return refuse(Refused(crash, status=500), 500, request.path)

    def control(self, request: Request) -> Response:
        """Answer a call below ``/_sandbox/manhattan/{instance}/``."""
        return answer_control(self._state, request)

    async def close(self) -> None:
        """Cancel pending events."""
        await self._state.events.courier.close()

    def snapshot(self) -> bytes:
        """Serialise the whole state."""
        return dump_state(self._state)

    def restore(self, state: bytes) -> None:
        """Restore a state from ``snapshot``; raises ValueError for bytes of another format."""
        self._state = load_state(state, self.instance)

    def _route(self, request: Request) -> Response:
        state = self._state
        fixed = _ROUTES.get((request.method, request.path))
        if fixed is not None:
            state.counts[f"request.{fixed[0]}"] += 1
            return fixed[1](state, request)
        if request.path.startswith(f"{_ORDER}orderId/"):
            order_id, _, rest = request.path.removeprefix(f"{_ORDER}orderId/").partition("/")
            by_id = _BY_ID.get((request.method, rest))
            if by_id is not None:
                state.counts[f"request.{by_id[0]}"] += 1
                return by_id[1](state, request, order_id)
        state.counts["request.unknown"] += 1
        raise Refused(
            error("NOT_FOUND", f"No endpoint {request.method} {request.path}"), status=404
        )
