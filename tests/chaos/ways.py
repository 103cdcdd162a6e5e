"""What the suite has to know of each kind of system: its calls, and how a test may hurry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestration.local.simulated import Pair, simulated

Json = dict[str, Any]
ANY = None
"""Any method."""


class Call(NamedTuple):
    """Requests of one kind: their method, and a pattern that is searched in the path."""

    method: str | None
    path: str
    is_correlated: bool = False
    """Only those with a correlation id: reads have the same method and path, and none."""

    def rule(self) -> Json:
        """Return what a fault's rule says about the requests that it hits."""
        found: Json = {"method": self.method, "path": self.path}
        return found | {"correlation": "."} if self.is_correlated else found


@dataclass(frozen=True)
class Ways:
    """One kind of system."""

    writes: Sequence[Call]
    """The requests with an effect, of an OMS those that create orders first."""
    reads: Sequence[Call]
    held: Sequence[Call] = ()
    """Requests during which their sender is killed; by default the writes."""
    more: Mapping[str, Sequence[Call]] = field(default_factory=dict)
    """Stream -> its requests with an effect, where they are others."""
    expire: str = ""
    """The control that lets all tokens expire."""
    section: Mapping[str, Any] = field(default_factory=dict)
    """What a connection's section says so that no call waits for a quota."""
    edits_lines: bool = False
    """Of a store: a merchant changes the lines of an order, by the control of its own."""
    reports: Sequence[Call] = ()
    """Of a store: the requests that show agents an outcome. They are repeated until it is shown,
    and the ledger keeps no trace of one that failed."""
    for_agents: Mapping[str, Any] = field(default_factory=dict)
    """What a connection's section says so that agents can ask in the store."""
    for_listings: Mapping[str, Any] = field(default_factory=dict)
    """What a connection's section says so that products can be created."""
    new_product: Mapping[str, str] = field(default_factory=lambda: {"price": "12.50"})
    """Of a store: what the row of a new product has beside its SKU and title."""
    loses_deletions: bool = False
    """Of a store: a customer's deletion is seen by a webhook only, which may get lost."""
    takes_changes: bool = False
    """Of an OMS: an order can be changed once it exists."""


ORDER_UPDATE = Call("POST", "/orders/[^/]+$", is_correlated=True)
COMPOSITE = Call("POST", "/composite$", is_correlated=True)
WAYS: Mapping[str, Ways] = {
    "bigcommerce": Ways(
        writes=(
            Call("POST", "/shipments$"),
            Call("PUT", r"/v2/orders/\d+$"),
            Call("PUT", "/adjustments/absolute$"),
        ),
        reads=(Call("GET", "/v2/orders$"),),
        held=(Call(ANY, r"/shipments$|/v2/orders/\d+$"),),
        more={
            "returns": (Call("POST", "/payment_actions/refunds$"),),
            "prices": (Call("PUT", "/v3/catalog/(products|variants)$"),),
            "listings": (
                Call("PUT", r"/v3/catalog/products/\d+$"),
                Call("POST", "/v3/catalog/products$"),
            ),
        },
        section={"quota": 100_000},
        new_product={"price": "12.50", "weight": "0.4"},
        edits_lines=True,
        loses_deletions=True,
    ),
    "commercetools": Ways(
        writes=(ORDER_UPDATE, Call("POST", "/inventory")),
        reads=(
            Call("GET", "/orders$"),
            Call("GET", "/messages$"),
            Call("GET", "/inventory$"),
            Call("POST", "/oauth/token$"),
        ),
        held=(ORDER_UPDATE,),
        more={
            "returns": (Call("POST", "/payments/[^/]+$"),),
            "prices": (Call("POST", "/standalone-prices"),),
            "listings": (Call("POST", "/products(/[^/]+)?$"),),
        },
        expire="expire",
        section={"requests_per_second": 100_000},
        reports=(Call("POST", "/orders/[^/]+$"),),
        for_agents={"actions": {}},
        for_listings={"product_type": "plain"},
    ),
    "salesforce": Ways(
        writes=(COMPOSITE, Call("POST", "/batch-update$")),
        reads=(
            Call("GET", "/query"),
            Call("POST", "/get-availability$"),
            Call("POST", "/oauth2/token$"),
        ),
        held=(COMPOSITE,),
        more={
            "prices": (Call(ANY, "/composite/sobjects"),),
            "listings": (Call("PATCH", "/composite/sobjects$", is_correlated=True),),
        },
        expire="expire",
        section={"daily_calls": 100_000_000},
        reports=(Call("PATCH", "/composite/sobjects$"),),
    ),
    "manhattan": Ways(
        writes=(Call("POST", "/order/save$"), Call("POST", "/cancel$")),
        reads=(
            Call("POST", "/order/search$"),
            Call("POST", "/availability"),
            Call("POST", "/oauth/token$"),
            Call("POST", "/item/search$"),
        ),
        more={"customers": (Call("POST", "/customer/save$"),)},
        expire="tokens/expire",
        section={"requests_per_second": 5000, "push_concurrency": 4},
        takes_changes=True,
    ),
    "extensiv": Ways(
        writes=(Call("POST", "/orders/cartrover$"), Call("POST", "/orders/cancel/cartrover$")),
        reads=(Call("GET", "/merchant/orders/"), Call("GET", "/merchant/inventory")),
        section={
            "calls_per_minute": 60_000,
            "orders_per_second": 1_000,
            "push_concurrency": 4,
            "prices_a_read": 100,
        },
    ),
    "anchanto": Ways(
        writes=(Call("POST", "/orders$"), Call("POST", "/orders/[^/]+/cancel$")),
        reads=(
            Call("GET", "/orders"),
            Call("GET", "/shipments$"),
            Call("GET", "/stocks$"),
            Call("POST", "/login$"),
        ),
        expire="expire",
        section={"requests_per_second": 1_000, "push_concurrency": 4, "snapshot_ttl": "PT0S"},
    ),
}


def writes_of(pair: Pair, streams: Sequence[str]) -> list[tuple[str, Call]]:
    """Return (kind of system, call) of each kind of request with an effect, orders' first."""
    kinds = (pair.oms, pair.store)
    found = [(kind, call) for kind in kinds for call in WAYS[kind].writes]
    more = [
        (kind, call)
        for kind in kinds
        for stream, calls in WAYS[kind].more.items()
        for call in calls
        if stream in streams
    ]
    shown = WAYS[pair.store].reports if "actions" in streams else ()
    return [*found, *more, *((pair.store, call) for call in shown)]


def reads_of(pair: Pair) -> list[tuple[str, Call]]:
    """Return (kind of system, call) of each kind of request without an effect."""
    return [(kind, call) for kind in pair for call in WAYS[kind].reads]


def held_of(pair: Pair) -> list[tuple[str, Call]]:
    """Return the requests during which a run is killed: new orders twice as often as others."""
    new = (pair.oms, WAYS[pair.oms].writes[0])
    ways = WAYS[pair.store]
    return [new, new, *((pair.store, call) for call in ways.held or ways.writes)]


def senders_of(pair: Pair) -> list[str]:
    """Return the kinds of systems that send webhooks."""
    return [kind for kind in pair if simulated(kind).with_events is not None]
