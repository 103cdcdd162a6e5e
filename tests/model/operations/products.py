"""Products: titles and new ones that operators ask for, and what the merchant does by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import listings_of, resolve
from assets.streams.listings.stream import capture_listings, waiting_variants
from domain.connections import CATALOG, LISTINGS
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.commercetools.products import Products
from tests.model.life import OPEN, Life, NotPossibleError
from tests.model.operations.registry import among, operation
from tests.model.world import AT_STORE, NAME, STREAMS

Json = dict[str, Any]
KNOWN = among("MUG", "LAMP", "SHIRT-S")
"""SKUs of products that the store has from the start."""
NEW = among("CUP", "JUG")
"""SKUs of products that it has not."""
TITLE = among("Red", "Blue", "Old")
SIZES = among("S", "SM", "SL", "SML")
"""Variants of a group, by the letters of their sizes."""
FIRST_ID, BY_HAND = 900, "By hand"
"""Of products that are made by hand: the first id, and the title."""
SETTINGS: Mapping[str, Json] = {"commercetools": {"locales": ["en"], "product_type": "plain"}}
TAKES = "catalog/(products|variants)|/products|composite"
"""The paths by which the stores take products."""
WAITING = """SELECT 1 FROM sync.capture c LEFT JOIN sync.record r
    ON r.source_day = c.source_day AND r.capture_id = c.capture_id
    AND r.stream = c.stream AND r.connection = c.connection
    WHERE c.stream = 'listings' AND c.source_id = ANY(%s)
    AND (r.state IS NULL OR r.state = 'accepted' AND r.outcome IS NULL) LIMIT 1"""
SETTLED = """SELECT 1 FROM sync.capture c
    JOIN sync.record r USING (connection, stream, source_day, capture_id)
    WHERE c.stream = 'listings' AND c.source_id = %s AND c.captured_at >= %s
    AND r.outcome IN ('delivered', 'unchanged') LIMIT 1"""
"""Whether an item was read since a moment, and its product is as it should be."""
UNSETTLED = """SELECT 1 FROM sync.delivery WHERE stream = 'listings' AND source_id = ANY(%s)
    AND (state IN ('in_flight', 'failed') OR is_uncertain) LIMIT 1"""


@operation("operator", 4, sku=KNOWN, title=TITLE)
def list_title(life: Life, sku: str, title: str) -> None:
    """Ask for another title of a product."""
    _ask(life, [{"sku": sku, "title": title}])


@operation("operator", 3, sku=NEW, title=TITLE)
def list_new(life: Life, sku: str, title: str) -> None:
    """Ask for a product that the store may not have."""
    _ask(life, [{"sku": sku, "title": title, "price": "12.50", "weight": "0.4"}])


@operation("operator", 2, sizes=SIZES)
def list_group(life: Life, sizes: str) -> None:
    """Ask for a product with variants, or for variants that it lacks."""
    if life.world.pair.store == "salesforce":
        raise NotPossibleError
    rows = [
        {"sku": f"TEE-{size}", "group": "Tee", "options": f"Size: {size}"}
        | {"price": "20", "weight": "0.2"}
        for size in sizes
    ]
    rows[0]["title"] = "Tee"
    _ask(life, rows)


@operation("merchant", 3, sku=among("MUG", "LAMP", "SHIRT-S", "CUP", "JUG"), title=TITLE)
def rename_product(life: Life, sku: str, title: str) -> None:
    """Give a product another title by hand."""
    allow(life)
    rename(life, sku, title)
    before = life.facts.titles.get(sku, set()) if waits(life, sku) else set()
    life.facts.titles[sku] = {title} | before | brought(life, sku)


@operation("merchant", 1, sku=NEW)
def drop_product(life: Life, sku: str) -> None:
    """Delete a product by hand."""
    allow(life)
    has_item = sku in life.facts.owned and not brought(life, sku) and not waits(life, sku)
    delete(life, sku)
    life.facts.titles[sku] = set()
    life.facts.dropped.add(sku)
    life.facts.removed |= {sku} if has_item else set()


@operation("merchant", 1, sku=NEW)
def make_product(life: Life, sku: str) -> None:
    """Make a product by hand, perhaps one that was asked for, or deleted before."""
    allow(life)
    make_by_hand(life, sku)
    facts = life.facts
    before = facts.titles.get(sku, set()) if waits(life, sku) else set()
    owned = {facts.owned[sku]} if sku in facts.owned else set()  # also of another product
    facts.titles[sku] = {BY_HAND} | before | owned


@operation("world", 2, fate=among("drop_after", "drop_before", "replaced"), times=among(1, 2))
def lose_products(life: Life, fate: str, times: int) -> None:
    """Lose changes of products before or after their effect, or answer them with nonsense."""
    rule: Json = {"status": 200, "body": "<html/>"} if fate == "replaced" else {}
    for method in ("PUT", "POST", "PATCH"):
        life.world.fault(AT_STORE, path=TAKES, method=method, kind=fate, times=times, **rule)


@operation("operator", 1)
def rerun_listings(life: Life) -> None:
    """Run the day of all requests again, as from the UI."""
    if LISTINGS not in life.world.installation.connections[NAME].streams:
        raise NotPossibleError
    today = life.world.clock.now().date()
    life.attempt(life.runs.rerun, LISTINGS, today)


def _ask(life: Life, rows: Sequence[Json]) -> None:
    """Ask for what rows want, as far as the store takes it."""
    allow(life)
    assert life.world.lockstep is not None
    fields = life.world.lockstep.sync(NAME, "cli").listings_target.fields
    ask(life, [Wanted(n, _cells(row, fields)) for n, row in enumerate(rows, 1)])


def ask(life: Life, wanted: Sequence[Wanted]) -> None:
    """Import rows as the command does; what they want is known from now on."""
    lockstep = life.world.lockstep
    assert lockstep is not None
    sync = lockstep.sync(NAME, f"cli-{next(life.runs.numbers)}")
    target = sync.listings_target
    with sync.ledger.session(NAME, LISTINGS) as session:
        parts: Json = {"fields": target.fields, "needs": target.needs}
        parts |= {"waiting": waiting_variants(session)}
        resolve(session.products, wanted, creates=True, **parts)
    asked = listings_of(wanted)
    if not asked:
        raise NotPossibleError
    facts = life.facts
    for row in wanted:
        if row.listing is not None:
            facts.listed.setdefault(row.sku, set()).add(row.listing.product_id)
            facts.requested.add(row.sku)
            facts.removed.discard(row.sku)
            if title := row.cells.get("title"):
                facts.titles[row.sku] = {title} | brought(life, row.sku)
            if images := row.cells.get("images"):
                facts.pictures[row.sku] = {len(images.split())}
    capture_listings(sync, asked)
    life.attempt(life.runs.carry_out, LISTINGS)


def _cells(row: Json, fields: Any) -> Json:
    """Return what of a row the store takes."""
    return {
        name: text
        for name, text in row.items()
        if name in ("sku", "title", "group", "options") or name in fields
    }


def waits(life: Life, sku: str) -> bool:
    """Return whether a request for a product may still be sent."""
    names = sorted(life.facts.listed.get(sku, ()))
    rows = life.world.database.rows
    if any(rows(query, names) for query in (WAITING, UNSETTLED)):
        return True
    return any(stream == LISTINGS and name in names for stream, name, _ in rows(OPEN))


def brought(life: Life, sku: str) -> set[str]:
    """Return the title that the OMS's item may bring yet, over what the store shows by then."""
    facts = life.facts
    if sku not in facts.owned:
        return set()
    since = facts.owned_since[sku]
    is_settled = life.world.database.rows(SETTLED, f"item:{sku}", since)
    return set() if is_settled else {facts.owned[sku]}


def sold(life: Life) -> set[str]:
    """Return the SKUs that the store sells."""
    return {row["sku"] for row in life.world.ask_store("truth")["products"]}


def make_by_hand(life: Life, sku: str) -> None:
    """Make a product past the store's API; raises ``NotPossibleError`` if one has the SKU."""
    if sku in sold(life):
        raise NotPossibleError
    number = FIRST_ID + next(life.runs.numbers)
    document = {"id": number, "sku": sku, "name": BY_HAND, "price": "9.00"}
    life.world.to_store("seed/catalog", [document | {"inventory_tracking": "product"}])
    life.facts.dropped.discard(sku)
    life.facts.removed.discard(sku)


def rename(life: Life, sku: str, title: str) -> None:
    """Change the title of the product with a SKU past the store's API."""
    store: Any = life.world.store
    number = number_of(life, sku)
    if life.world.pair.store == "salesforce":
        store.book.put("Product2", {"Id": number, "Name": title})
    elif life.world.pair.store == "bigcommerce":
        modified = dates.to_iso(store.now())
        store.catalog.products[number] |= {"name": title, "date_modified": modified}
    else:
        product = store.catalogue.need(number)
        action = {"action": "changeName", "name": {"en": title}, "staged": False}
        Products(store)._update(product, {"version": product["version"], "actions": [action]})


def delete(life: Life, sku: str) -> None:
    """Delete the product with a SKU by hand."""
    number = number_of(life, sku)
    if life.world.pair.store == "salesforce":
        life.world.store.book.put("Product2", {"Id": number, "IsDeleted": True})
        life.world.store.products.pop(sku, None)
    else:
        life.world.to_store(f"catalog/{number}", {}, "DELETE")


def number_of(life: Life, sku: str) -> Any:
    """Return the store's id of the product with a SKU."""
    store: Any = life.world.store
    if sku not in sold(life):
        raise NotPossibleError
    if life.world.pair.store == "salesforce":
        rows = store.book.rows("Product2")
        return next(row["Id"] for row in rows if row["StockKeepingUnit"] == sku)
    if life.world.pair.store == "bigcommerce":
        return store.catalog.variants[store.catalog.by_sku[sku]]["product_id"]
    return next(
        product["id"]
        for product in store.products
        if sku in {one.get("sku") for one in (product["masterVariant"], *product["variants"])}
    )


def allow(life: Life) -> None:
    """Let the connection follow the catalog and write products, from the first one on."""
    world = life.world
    if LISTINGS in world.installation.connections[NAME].streams:
        return
    streams = world.sections.get("streams", STREAMS)
    world.restart(
        streams=[*streams, CATALOG, LISTINGS],
        catalog={"create_products": "visible", "full_read": "PT30M", "align_interval": "PT0S"},
        prices={"currency": "USD"},
        platform=SETTINGS.get(world.pair.store, {}),
    )
    life.live(CATALOG)
