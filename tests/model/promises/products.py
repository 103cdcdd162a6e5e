"""Products: each is made once and shows what was asked for last; the catalog is the store's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from domain.connections import CATALOG, LISTINGS
from tests.assets import documents
from tests.model.life import OPEN, Life
from tests.model.world import NAME

READ = """SELECT v.sku, v.name FROM sync.product_variant v JOIN sync.product p
          USING (connection, product_id) WHERE v.sku <> '' AND NOT p.is_gone"""
MISSING = "SELECT sku FROM sync.alignment_finding WHERE kind = 'missing_in_oms'"
FULL_READ = timedelta(minutes=31)
"""After it, all products are read again, as deletions show only then."""


def check(life: Life) -> Iterator[str]:
    """Return each product that is lost, doubled, other than asked for, or unknown."""
    if LISTINGS not in life.world.installation.connections[NAME].streams:
        return
    shown = [(row["sku"], row["name"]) for row in life.world.ask_store("truth")["products"]]
    for sku, number in Counter(sku for sku, _ in shown).items():
        if number > 1 and sku not in life.facts.shared:
            yield f"product_doubled: the store has {number} products with {sku}"
    yield from _requests(life, dict(shown))
    yield from _pictures(life)
    creates = life.world.installation.connections[NAME].catalog.create_items
    for _ in range(3 if creates else 1):  # an alignment notices what lacks, and one what was made
        life.world.pass_time(FULL_READ)
        life.live(CATALOG)
        if creates:
            life.attempt(life.runs.unfinished, CATALOG)
    rows = life.world.database.rows
    if any(stream == CATALOG for stream, *_ in rows(OPEN)):
        return
    read = set(rows(READ))
    for sku, name in sorted(set(shown) ^ read):
        where = "the catalog lacks it" if (sku, name) in shown else "it is in the catalog only"
        yield f"catalog_differs: {sku} ({name}): {where}"
    yield from _created(life, {sku for sku, _ in shown} - {""}, creates=creates)
    lacks = {sku for sku, _ in shown} - _items(life) - life.facts.spelled
    found = {sku for (sku,) in rows(MISSING)} - life.facts.spelled
    if life.world.pair.oms != "manhattan":
        found &= lacks  # an item is known there by its stock, which may have vanished
    if lacks != found:
        yield f"alignment_differs: {sorted(lacks)} are not at the OMS, and {sorted(found)} found"


def _created(life: Life, shown: set[str], *, creates: bool) -> Iterator[str]:
    """Return each item that should have been created, and each that was not Lockstep's to change.

    Of two spellings of one SKU either may be the one that the OMS has.
    """
    if life.world.pair.oms != "manhattan":
        return
    facts, items = life.facts, _described(life)
    spelled = {sku.casefold() for sku in facts.spelled}
    lacks = {sku for sku in shown - items.keys() if sku.casefold() not in spelled}
    if creates and lacks:
        yield f"item_not_created: the OMS still lacks {sorted(lacks)}"
    own = {row["ItemId"]: row["Description"] for row in documents.ITEMS} | facts.owned
    for sku in sorted(own.keys() & items.keys() - facts.discontinued):
        if items[sku] != own[sku]:
            yield f"item_overwritten: {sku} is described as {items[sku]} at the OMS"


def _described(life: Life) -> dict[str, str]:
    rows = life.world.ask_oms("items")["items"]
    return {row["ItemId"]: row["Description"] for row in rows}


def _items(life: Life) -> set[str]:
    """Return the items that the OMS has now."""
    if life.world.pair.oms == "manhattan":
        return {row["ItemId"] for row in life.world.ask_oms("items")["items"]}
    learned = {documents.NOT_AT_OMS} if "learn_item" in life.done else set[str]()
    return {row["ItemId"] for row in documents.ITEMS} | learned | life.facts.owned.keys()


def _pictures(life: Life) -> Iterator[str]:
    """Compare how many pictures were asked for with how many the store shows."""
    facts = life.facts
    rows = [(stream, name) for stream, name, _ in life.world.database.rows(OPEN)]
    excused = {name for stream, name in (*rows, *facts.discarded) if stream == LISTINGS}
    if "restore" in life.done or life.world.wire.late_paths:
        return
    shown = {row["sku"]: row.get("pictures") for row in life.world.ask_store("truth")["products"]}
    for sku, numbers in sorted(facts.pictures.items()):
        if sku in {*facts.dropped, *facts.shared} or facts.listed.get(sku, set()) & excused:
            continue
        if shown.get(sku) not in numbers:
            yield f"pictures_differ: {sku} has {shown.get(sku)} pictures, and not {sorted(numbers)}"


def _requests(life: Life, shown: dict[str, str]) -> Iterator[str]:
    """Compare what was asked for with what the store shows."""
    facts = life.facts
    rows = [(stream, name) for stream, name, _ in life.world.database.rows(OPEN)]
    excused = {name for stream, name in (*rows, *facts.discarded) if stream == LISTINGS}
    if "restore" in life.done or life.world.wire.late_paths:
        return  # requests were forgotten, or came late over a change by hand
    for sku in sorted(facts.removed & shown.keys()):
        yield f"product_made_again: {sku} was deleted in the store, and its item brought it back"
    for sku in sorted(facts.requested | facts.titles.keys()):
        if sku in {*facts.dropped, *facts.shared} or facts.listed.get(sku, set()) & excused:
            continue
        titles = facts.titles.get(sku, set())
        if sku not in shown:
            yield f"product_lost: {sku} was asked for, and the store does not have it"
        elif titles and shown[sku] not in titles:
            yield f"title_differs: {sku} is called {shown[sku]}, and not {sorted(titles)}"
