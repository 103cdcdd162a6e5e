"""Items that the OMS's products are listed from: made, retitled, withdrawn, and asked for again.

The merchant's side is that of all products (``products``): they are renamed, deleted and made by
hand there, or another title is asked for by a sheet.
"""

from __future__ import annotations

from typing import Any

from assets.streams.listings.items_asked import asked_for, capture_asked
from domain.connections import LISTINGS
from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.prices import OMSES, STORES, among_pairs
from tests.model.operations.products import NEW, TITLE, allow, waits
from tests.model.operations.registry import among, perform
from tests.model.runs import FAILURES
from tests.model.world import NAME

Json = dict[str, Any]
OWNED = among("CUP", "CUP", "JUG", "MUG")
"""SKUs of items whose titles change: two that the store lacks at first, one that it sells."""
PRICE, UNITS = "12.50", 5
"""Of a new item."""
VARIANTS = ("SHIRT-S", "SHIRT-M")
"""SKUs that are variants of one product, except in Salesforce, where each is a product."""
operation = among_pairs(STORES, OMSES)


@operation("oms", 4, sku=OWNED, title=TITLE)
def own_item(life: Life, sku: str, title: str) -> None:
    """Make an item at the OMS, bring it back, or give it another title."""
    allow_items(life)
    is_new = sku not in {*_names(), *life.facts.owned}
    life.world.to_oms("items", [_row(life, sku, title)])
    if is_new:
        level = {"item": sku, "location": documents.DEPOT, "quantity": UNITS}
        life.world.to_oms("supply", [level])
        price = {"ItemId": sku, "CurrencyCode": "USD", "BasePrice": PRICE}
        life.world.to_oms("prices", [price])
    _note(life, sku, title)


@among_pairs(STORES, ("manhattan",))("oms", 1, sku=NEW)
def withdraw_item(life: Life, sku: str) -> None:
    """Take an item out of the item master: its product stays."""
    perform(life, "discontinue_item", sku=sku)


@operation("operator", 1, sku=OWNED)
def ask_item(life: Life, sku: str) -> None:
    """Ask for an item by the command line: edits give way, a removed product is made again."""
    allow_items(life)
    lockstep, facts = life.world.lockstep, life.facts
    assert lockstep is not None
    sync = lockstep.sync(NAME, f"cli-{next(life.runs.numbers)}")
    try:
        with sync.ledger.session(NAME, LISTINGS) as session:
            found, absent = asked_for(sync, session, [sku])
            capture_asked(sync, session, found)
    except FAILURES:
        raise NotPossibleError from None  # the OMS can't be asked: the command says so
    if absent or found[0].row.listing is None:
        raise NotPossibleError
    facts.removed.discard(sku)
    life.attempt(life.runs.carry_out, LISTINGS)
    before = facts.titles.get(sku, set()) if waits(life, sku) else set()
    facts.titles[sku] = {facts.owned[sku]} | before


def allow_items(life: Life) -> None:
    """Let the store's products follow the OMS's items, from the first operation on."""
    world, facts = life.world, life.facts
    if world.sections.get("catalog", {}).get("create_items"):
        raise NotPossibleError  # each system would write the other's texts
    allow(life)
    if world.sections["catalog"].get("list_from_oms"):
        return
    policy = {"list_from_oms": True, "oms_fields": ["title", "description"]}
    named = world.with_names(item_weight="Weight", item_text="LongText")
    sections: Json = {"oms": named} if world.pair.oms == "manhattan" else {}
    configure(life, catalog=policy | {"list_interval": "PT5M"}, **sections)
    variants = () if world.pair.store == "salesforce" else VARIANTS
    for row in documents.ITEMS:
        sku, title = row["ItemId"], row["Description"]
        if sku not in {*facts.discontinued, *variants}:
            before = facts.titles.get(sku, set())
            _note(life, sku, title)
            facts.titles[sku] |= before


def _note(life: Life, sku: str, title: str) -> None:
    """Note the title of an item: one that it never had is written, over any edit."""
    facts = life.facts
    if facts.owned.get(sku) == title:
        return
    may_stay = title in facts.owned_before[sku] or waits(life, sku)
    before = facts.titles.get(sku)
    facts.titles[sku] = {title}
    if may_stay:
        facts.titles[sku] = before | {title} if before else set()
    facts.listed.setdefault(sku, set()).add(f"item:{sku}")
    facts.owned[sku], facts.owned_since[sku] = title, life.world.clock.now()
    facts.owned_before[sku].add(title)


def _row(life: Life, sku: str, title: str) -> Json:
    """Return an item in the form of the OMS; what is not its text stays."""
    if life.world.pair.oms == "extensiv":
        price = life.facts.prices.get(sku, "0.00" if sku in _names() else PRICE)
        text: Json = {"name": title, "description": f"About {title}", "weight_lbs": "0.50"}
        return {"ItemId": sku, **text, "retail_price": str(price)}
    known = {row["ItemId"]: row for row in life.world.ask_oms("items")["items"]}
    row = known.get(sku, {"ItemId": sku, "BaseUOM": "EA"})
    return {**row, "Description": title, "LongText": f"About {title}", "Weight": 0.5}


def _names() -> set[str]:
    return {row["ItemId"] for row in documents.ITEMS}
