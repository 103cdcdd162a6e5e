"""Control calls that accounts of warehouses have in common: stock, settings, clock, a day's work.

400 names what is wrong with a call, 404 what does not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar

import orjson

from sandbox.kit.clock import Clock
from sandbox.kit.warehouse import Plan
from sandbox.system import Request, Response

Json = dict[str, Any]
OrderT = TypeVar("OrderT")


class Settings(Protocol):
    """The settings of an account."""

    def update(self, given: Json) -> None:
        """Change settings; raises ``ValueError`` for an unknown one."""

    def as_dict(self) -> Json:
        """Return all settings."""


class Supply(Protocol):
    """The stock of an account."""

    @property
    def warehouses(self) -> Collection[str]:
        """Return the names of the warehouses."""

    def set_level(self, row: Json, now: int) -> None:
        """Set the units of a SKU in a warehouse."""

    def add_warehouse(self, name: str, /) -> None:
        """Add a warehouse, once."""


class Account(Protocol):
    """The state of an account, as far as these calls change it."""

    clock: Clock
    counts: Counter[str]

    @property
    def settings(self) -> Settings:
        """Return the settings."""

    @property
    def stock(self) -> Supply:
        """Return the stock."""


A = TypeVar("A", bound=Account)


@dataclass(frozen=True)
class Controls(Generic[A, OrderT]):
    """The control calls of one kind of account."""

    calls: Mapping[tuple[str, str], Callable[[A, Any], Any]]
    order_calls: Mapping[tuple[str, str], Callable[[A, OrderT, Json], Json | None]]
    """Those of one order; without a result they show ``effect``."""
    find: Callable[[A, str], OrderT | None]
    effect: Callable[[OrderT], Json]
    refusal: type[Exception]

    def answer(self, state: A, request: Request) -> Response:
        """Answer one control call."""
        parts = request.path.strip("/").split("/")
        try:
            body = orjson.loads(request.body) if request.body.strip() else None
            if parts[0] == "orders" and len(parts) > 2:
                # An order's number may contain a slash.
                number, name = "/".join(parts[1:-1]), parts[-1]
                return self._order_call(state, request.method, number, name, body or {})
            if parts[:2] == ["effects", "order"]:
                return self._order_call(state, request.method, "/".join(parts[2:]), "effect", {})
            call = self.calls.get((request.method, "/".join(parts)))
            if call is None:
                return plain({"error": f"no control {request.method} {request.path}"}, 404)
            result = call(state, body)
            return result if isinstance(result, Response) else plain(result)
        except self.refusal as refused:
            return plain({"error": str(refused)}, 400)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            ArithmeticError,
        ) as error:
            return plain({"error": f"{type(error).__name__}: {error}"}, 400)

    def _order_call(self, state: A, method: str, number: str, name: str, body: Json) -> Response:
        order, call = self.find(state, number), self.order_calls.get((method, name))
        if order is None or call is None:
            return plain({"error": f"no order {number!r} or no control {method} {name!r}"}, 404)
        return plain(call(state, order, body) or self.effect(order))


def common_calls(
    advance: Callable[[Any, Plan, list[str] | None], Counter[str]],
) -> dict[tuple[str, str], Callable[[Any, Any], Any]]:
    """Return the calls that all accounts have; ``advance`` is the warehouse's work."""
    return {
        ("POST", "supply"): _supply,
        ("POST", "stock"): _supply,
        ("POST", "locations"): _locations,
        ("POST", "settings"): _settings,
        ("GET", "settings"): _settings,
        ("POST", "clock"): _clock,
        ("POST", "advance"): lambda state, body: _advance(state, body, advance),
    }


def counts_of(state: Account, orders: int, names: tuple[str, ...]) -> Json:
    """Return the number of calls by endpoint, and of their effects."""
    return {
        "requests": {
            name.removeprefix("request."): n
            for name, n in sorted(state.counts.items())
            if name.startswith("request.")
        },
        "orders": orders,
        **{name: state.counts[name] for name in names},
    }


def _supply(state: Account, body: Any) -> Json:
    for row in body:
        state.stock.set_level(row, state.clock.now())
    return {"rows": len(body)}


def _locations(state: Account, body: Any) -> Json:
    for row in body:
        state.stock.add_warehouse(str(row.get("name") or row["LocationId"]))
    return {"locations": state.stock.warehouses}


def _settings(state: Account, body: Any) -> Json:
    state.settings.update(body or {})
    return state.settings.as_dict()


def _clock(state: Account, body: Any) -> Json:
    state.clock.move(body.get("now"), freeze=bool(body.get("freeze", False)))
    return {"now": state.clock.now()}


def _advance(
    state: Account, body: Any, advance: Callable[[Any, Plan, list[str] | None], Counter[str]]
) -> Json:
    body = dict(body or {})
    chosen = body.pop("orders", None)
    known = {f.name for f in fields(Plan)}
    if unknown := sorted(body.keys() - known):
        raise ValueError(f"unknown {', '.join(unknown)}; known: orders, {', '.join(sorted(known))}")
    return dict(advance(state, Plan(**body), chosen))


def plain(body: Any, status: int = 200) -> Response:
    """Answer plain JSON."""
    return Response(status, orjson.dumps(body), {"Content-Type": "application/json"})


def lines(rows: list[Json]) -> Response:
    """Answer NDJSON, for many rows."""
    body = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return Response(200, body, {"Content-Type": "application/x-ndjson"})
