"""Everything that store, OMS and ledger say of themselves at one moment, asked of each directly.

Of any pair by what each system holds (``Truths``), and between BigCommerce and Manhattan by their
own documents, too (``Facts``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from orchestration.local.simulated import Pair
from sandbox.kit.truth import Truth
from sandbox.seed.catalogue import Catalogue
from tests.chaos.systems import Systems
from tests.chaos.traffic import Traffic, skus_of

if TYPE_CHECKING:
    from tests.chaos.asked import Requests
    from tests.chaos.listed import Listed

Json = dict[str, Any]
RETURN_MARK = "-RET"
"""What the OMS's own ids of returns have."""


class Result(NamedTuple):
    """What the ledger says of the newest version of a record."""

    state: str
    rule: str
    outcome: str


class Delivery(NamedTuple):
    """One row of the ledger's deliveries."""

    stream: str
    source_id: str
    action: str
    state: str
    attempts: int
    error: str
    correlation_id: str
    claimed_at: float


class Message(NamedTuple):
    """One row of the ledger's message log."""

    at: float
    system: str
    method: str
    endpoint: str
    status: int
    milliseconds: float
    attempt: int
    error: str
    correlation_id: str


@dataclass(kw_only=True)
class Recorded:
    """What the ledger says."""

    results: dict[str, Result]
    """Of orders, by their ids in the store."""
    deliveries: list[Delivery]
    rejections: list[tuple[str, str, str]]
    """Stream, source id and code of the open ones."""
    unaccounted: list[str]
    waiting_webhooks: int
    """Events in the inbox that are not settled."""
    stuck_runs: list[str]
    messages: list[Message] = field(default_factory=list)


@dataclass(kw_only=True)
class Facts(Recorded):
    """A picture of both systems' documents and of the ledger, to compare."""

    store_orders: dict[str, Json]
    store_shipments: list[Json]
    store_stock: dict[str, int]
    oms_orders: dict[str, Json]
    oms_stock: dict[str, int]
    oms_duplicates: list[str]
    tracked: set[str]
    returned: set[str] = field(default_factory=set)
    """Orders of which units have come back: their status is not that of their parcels."""
    cut: set[str] = field(default_factory=set)
    """Orders of which agents have canceled units."""
    changed: set[str] = field(default_factory=set)
    """Orders that someone changed after they had been placed."""


@dataclass(kw_only=True)
class Truths(Recorded):
    """What two systems of any kind hold, and the ledger's picture, to compare."""

    pair: Pair
    streams: tuple[str, ...]
    store: Truth
    oms: Truth
    tracked: set[str]
    """SKUs whose stock the store keeps."""
    priced: set[str]
    """SKUs that the store sells."""
    changed: set[str]
    """Numbers of the orders that someone changed after they had been placed."""
    requests: Requests | None = None
    """Those of agents."""
    listed: Listed | None = None
    """What sheets have asked for."""


def tracked_skus(catalogue: Catalogue) -> set[str]:
    """Return the SKUs whose stock the store keeps."""
    found = set()
    for product in catalogue.products:
        if product["inventory_tracking"] == "variant":
            found |= {
                variant["sku"] for variant in product.get("variants", ()) if variant.get("sku")
            }
        elif product["inventory_tracking"] == "product":
            found.add(product["sku"])
    return found


def gather(
    systems: Systems, url: str, connection: str, tracked: set[str], *, with_messages: bool = False
) -> Facts:
    """Ask BigCommerce, Manhattan and the ledger."""
    store, oms = systems.paths
    stock: dict[str, int] = {}
    for row in systems.rows(f"{store}/dump/inventory"):
        stock[row["sku"]] = stock.get(row["sku"], 0) + int(row["quantity"])
    return Facts(
        store_orders={str(row["id"]): row for row in systems.rows(f"{store}/dump/orders")},
        store_shipments=systems.rows(f"{store}/dump/shipments"),
        store_stock=stock,
        oms_orders={
            row["OrderId"]: row
            for row in systems.rows(f"{oms}/effects/orders")
            if not _is_return(row)
        },
        oms_stock={
            row["ItemId"]: int(row["TotalQuantity"])
            for row in _availability(systems, oms)
            if row["view"] == "network"
        },
        oms_duplicates=systems.oms("counts", method="GET")["duplicate_alternate_ids"],
        tracked=tracked,
        **_recorded(url, connection, with_messages=with_messages),
    )


def gather_truths(
    systems: Systems,
    url: str,
    connection: str,
    traffic: Traffic,
    *,
    with_messages: bool = False,
) -> Truths:
    """Ask two systems of any kind, and the ledger."""
    catalogue = traffic.catalogue
    recorded = _recorded(url, connection, with_messages=with_messages)
    store, oms = systems.truths()
    sold = set(skus_of(catalogue))
    keeps_some = systems.pair.store == "bigcommerce"
    return Truths(
        pair=systems.pair,
        streams=tuple(traffic.streams),
        store=store,
        oms=oms,
        tracked=tracked_skus(catalogue) if keeps_some else sold,
        priced=sold,
        changed={str(number) for number in traffic.changed},
        **recorded,
    )


def _recorded(url: str, connection: str, *, with_messages: bool) -> dict[str, Any]:
    """Return what the ledger says, as the fields of ``Recorded``."""
    with psycopg.connect(url, autocommit=True) as db:
        return {
            "results": _results(db, connection),
            "deliveries": [Delivery(*row) for row in _rows(db, _DELIVERIES, connection)],
            "rejections": _rows(db, _REJECTIONS, connection),
            "unaccounted": [
                f"{stream} {day}: {pending} pending, {blank} without an outcome"
                for stream, day, pending, blank in _rows(db, _UNACCOUNTED, connection)
            ],
            "waiting_webhooks": _rows(db, _WAITING, connection)[0][0],
            "stuck_runs": [
                f"{run} has been {status} for {age:.0f} s" for run, status, age in _stuck(db)
            ],
            "messages": [Message(*row) for row in _rows(db, _MESSAGES, connection)]
            if with_messages
            else [],
        }


def _is_return(row: Json) -> bool:
    """Return whether an order of the OMS is that of a return."""
    return RETURN_MARK in str(row["OrderId"])


def _availability(systems: Systems, oms: str) -> list[Json]:
    rows = systems.rows(f"{oms}/dump/availability")
    return [entry for row in rows for entry in (row if isinstance(row, list) else [row])]


def _results(db: psycopg.Connection[Any], connection: str) -> dict[str, Result]:
    return {source_id: Result(*rest) for source_id, *rest in _rows(db, _RESULTS, connection)}


def _stuck(db: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Return runs that have been active for suspiciously long, by Dagster's tables if present."""
    row = db.execute("SELECT to_regclass('runs')").fetchone()
    return db.execute(_STUCK).fetchall() if row and row[0] else []


def _rows(db: psycopg.Connection[Any], query: str, connection: str) -> list[tuple[Any, ...]]:
    found: Sequence[tuple[Any, ...]] = db.execute(query, (connection,)).fetchall()
    return list(found)


_RESULTS = """SELECT DISTINCT ON (source_id)
    source_id, state, coalesce(rule, ''), coalesce(outcome, '') FROM sync.record
    WHERE connection = %s AND stream = 'orders'
    ORDER BY source_id, source_updated_at DESC, (state <> 'superseded') DESC, validated_at DESC"""
_DELIVERIES = """SELECT stream, source_id, action, state, attempts, error, correlation_id,
    extract(epoch FROM claimed_at)::float8 FROM sync.delivery
    WHERE connection = %s ORDER BY claimed_at"""
_REJECTIONS = """SELECT stream, source_id, code FROM sync.rejection
    WHERE connection = %s AND state IN ('open', 'retried') ORDER BY 1, 2"""
_UNACCOUNTED = """SELECT stream, source_day, pending, unvalidated FROM history.daily_summary
    WHERE connection = %s AND ((pending > 0 AND stream <> 'actions') OR unvalidated > 0
       OR captured <> accepted + rejected + skipped + superseded + unvalidated)"""
"""Agents' requests may wait for an order that never goes out: each is looked at by itself."""
_WAITING = "SELECT count(*) FROM sync.inbox WHERE connection = %s AND taken_at IS NULL"
_MESSAGES = """SELECT
    extract(epoch FROM at)::float8, system, method, endpoint, status, milliseconds, attempt,
    error, correlation_id
    FROM sync.message_log WHERE connection = %s ORDER BY at"""
_STUCK = """SELECT run_id, status, extract(epoch FROM now() AT TIME ZONE 'utc' - update_timestamp)
    FROM runs
    WHERE status IN ('STARTED', 'STARTING', 'NOT_STARTED', 'QUEUED', 'CANCELING')
      AND update_timestamp < (now() AT TIME ZONE 'utc') - interval '40 seconds'
      AND (status <> 'QUEUED' OR NOT EXISTS (
        SELECT FROM runs WHERE start_time > extract(epoch FROM now()) - 120))"""
"""A run that waits in the queue is stuck where no other has started for two minutes."""
