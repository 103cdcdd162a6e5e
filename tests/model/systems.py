"""The simulated systems of programs, by kind: how each is made, set up and written to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from orchestration.local.simulated import SIMULATED, Pair, Place
from sandbox.oms.anchanto.account import AnchantoAccount
from sandbox.oms.extensiv.account import ExtensivAccount
from sandbox.oms.manhattan.tenant import ManhattanTenant
from sandbox.platforms.bigcommerce.store import BigCommerceStore
from sandbox.platforms.commercetools.project import Project
from sandbox.platforms.salesforce.org import Org
from sandbox.system import Request

Json = dict[str, Any]
PAIR = Pair("bigcommerce", "manhattan")
"""The pair of the programs that know both systems' documents; the others know what is neutral."""


class Writes(NamedTuple):
    """What requests change something: their methods, and a pattern of their paths."""

    methods: tuple[str, ...]
    path: str
    parcels: str = ""
    """A pattern of the paths that create shipments, if it is another one."""
    is_read: Callable[[Request], bool] = lambda _: False
    """Whether such a request only reads after all."""

    def match(self, request: Request) -> bool:
        """Return whether a request changes something."""
        is_like = request.method in self.methods and re.search(self.path, request.path)
        return bool(is_like) and not self.is_read(request)


def reads_only(request: Request) -> bool:
    """Return whether a POST of Salesforce reads records by their ids, or is made of queries."""
    if re.search(r"/composite/sobjects/\w+$", request.path):
        return request.method == "POST"
    is_composite = request.path.endswith("/composite")
    return is_composite and not re.search(rb'"method":"(?!GET")', request.body)


class Channels(NamedTuple):
    """What a connection can be narrowed to: the setting, and the names of two of its values."""

    setting: str
    names: tuple[Any, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of system."""

    make: Callable[[str], Any]
    writes: Writes
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Control settings under which no call waits for a quota."""
    section: Mapping[str, Any] = field(default_factory=dict)
    """What a connection's section has beside its addresses and keys."""
    channels: Channels | None = None
    """Of a store."""
    has_whole_seconds: bool = False
    """Whether its simulation has a clock of whole seconds, which may be up to one behind ours: what
    is changed in it right after a read is found by the half-hourly sweep."""


KINDS: Mapping[str, Kind] = {
    "bigcommerce": Kind(
        BigCommerceStore,
        Writes(("POST", "PUT"), "shipments|orders/[0-9]+$|inventory/adjustments", "shipments$"),
        {"quota": 1_000_000},
        {"quota": 1_000_000, "fetch_archived": True},
        Channels("channel_id", (1, 2)),
    ),
    "commercetools": Kind(
        Project,
        Writes(("POST",), "/orders/|/inventory"),
        section={"requests_per_second": 100_000},
        channels=Channels("store_key", ("us", "eu")),
    ),
    "salesforce": Kind(
        Org,
        Writes(("POST", "PATCH"), "composite|batch-update", is_read=reads_only),
        {"daily": 100_000_000},
        {"daily_calls": 100_000_000},
        Channels("sales_store_id", ("0ZE000000000001AAA", "0ZE000000000002AAA")),
        has_whole_seconds=True,
    ),
    "manhattan": Kind(
        ManhattanTenant,
        Writes(("POST",), "order/save|bulkImport|cancel"),
        section={"requests_per_second": 5_000, "push_concurrency": 4},
    ),
    "extensiv": Kind(
        ExtensivAccount,
        Writes(("POST",), "orders/cartrover|orders/cancel"),
        {"bucket": 0},
        {
            "calls_per_minute": 60_000,
            "orders_per_second": 1_000,
            "push_concurrency": 4,
            "snapshot_ttl": "PT0S",
        },
        has_whole_seconds=True,
    ),
    "anchanto": Kind(
        AnchantoAccount,
        Writes(("POST",), "/orders"),
        {"requests_per_second": 0},
        {"requests_per_second": 1_000, "push_concurrency": 4, "snapshot_ttl": "PT0S"},
        has_whole_seconds=True,
    ),
}


def section_of(kind: str, url: str, instance: str, secrets: Path) -> Json:
    """Return a connection's section of one system, whose secrets are written to files."""
    simulated = SIMULATED[kind]
    own = {f"{name}-{instance}": f"sandbox-{name}-{instance}" for name in simulated.own_secrets}
    for name, value in {**simulated.secrets, **own}.items():
        file = secrets / name
        file.touch(mode=0o600)
        file.write_text(value)
    section = simulated.section(Place(url, instance, secrets))
    return {"kind": kind, **section, "timeout": 30.0, **KINDS[kind].section}
