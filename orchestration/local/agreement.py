"""Compares both systems of a demo's connection, and shows what agrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import psycopg
from rich.console import Console
from rich.table import Table

from domain.connections import (
    ACTIONS,
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from domain.streams import KINDS
from orchestration.local import asked, verify
from orchestration.local.simulated import Pair
from orchestration.local.truth import Systems
from resources.ledger.records.catalog import Catalog
from resources.systems import streams_carried

LISTED_DIFFERENCES = 50
LABELS = {INVENTORY: "stock"}
"""What is compared, if it is not called like its stream."""

Agreement: TypeAlias = dict[str, list[str]]
"""Stream -> what the two systems hold differently."""


def verified(
    console: Console, systems: Systems, database: str, name: str, connection: Connection
) -> Agreement:
    """Compare the systems of a connection record by record, and print what was found."""
    try:
        with psycopg.connect(database) as db:
            tracked = set(Catalog(db, name).tracked_skus())
        found: Agreement = {
            ORDERS: verify.order_differences(systems, database, name),
            SHIPMENTS: verify.shipment_differences(systems),
            INVENTORY: verify.stock_differences(systems, tracked, {}),
        }
        if CUSTOMERS in connection.streams:
            found[CUSTOMERS] = verify.customer_differences(systems)
        if RETURNS in connection.streams:
            found[RETURNS] = verify.return_differences(systems)
        if CATALOG in connection.streams:
            found[CATALOG] = asked.catalog_differences(systems, database, name)
        if LISTINGS in connection.streams:
            found[LISTINGS] = asked.listing_differences(systems, database, name)
        if PRICES in connection.streams:
            found[PRICES] = asked.price_differences(systems)
        if ACTIONS in connection.streams:
            found[ACTIONS] = asked.action_differences(systems, database, name)
    finally:
        systems.close()
    for stream, differences in found.items():
        _print(console, LABELS.get(stream, stream), differences)
    if not any(found.values()):
        console.print(
            f"  next: lockstep rejections list --connection {name}; lockstep trace ORDER; make up"
        )
    return found


def _print(console: Console, what: str, differences: list[str]) -> None:
    if not differences:
        console.print(f"  [green]verified[/]  {what}: store and OMS agree, record by record")
    for difference in differences[:LISTED_DIFFERENCES]:
        console.print(f"  [red]DIFFERS[/]   {what}: {difference}")
    if (more := len(differences) - LISTED_DIFFERENCES) > 0:
        console.print(f"  [red]DIFFERS[/]   {what}: and {more} more")


def print_pairs(console: Console, results: Mapping[Pair, Agreement]) -> None:
    """Print which stream of which pair agrees; an absent one lacks a part in one of the systems."""
    table = Table(title="Pairs", title_justify="left")
    for name in ("store", "OMS", *KINDS):
        table.add_column(name)
    for pair, found in results.items():
        table.add_row(*pair, *(_cell(pair, stream, found) for stream in KINDS))
    console.print(table)


def _cell(pair: Pair, stream: str, found: Agreement) -> str:
    if stream not in streams_carried(*pair):
        return "[dim]absent[/]"
    if stream not in found:
        return "not run"
    return f"[red]{len(found[stream])} differ[/]" if found[stream] else "[green]verified[/]"
