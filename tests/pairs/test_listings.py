"""Sheets of products reach each store that takes listings: once, and only if it differs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import exported, listings_of, note_results, resolve
from assets.streams.listings.stream import capture_listings
from domain.connections import LISTINGS
from domain.exchange import Mapped
from domain.values import Window
from orchestration.local.simulated import Pair, pairs
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, read
from resources.sheets.writer import write
from resources.sync import Sync
from resources.systems import streams_carried
from tests.assets.scene import NAME
from tests.pairs.pair_scene import OpenPair, PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow(seconds=10)

Json = dict[str, Any]
BY_STORE: Mapping[str, Pair] = {
    pair.store: pair for pair in reversed(pairs()) if LISTINGS in streams_carried(*pair)
}
"""One pair of each store: the OMS has no part in the stream."""
SETTINGS: Mapping[str, Json] = {
    "commercetools": {"locales": ["en"], "product_type": "plain"},
}
PICTURES = "https://img.example.com/1.jpg https://img.example.com/2.jpg"


@pytest.fixture(params=BY_STORE.values(), ids=BY_STORE)
def shop(request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection with a few products, which the catalog has read."""
    pair: Pair = request.param
    made = open_pair(pair)
    made.configure(platform=SETTINGS.get(pair.store, {}))
    rows = [{"products": [{"sku": product["sku"]} for product in made.catalogue.products[:5]]}]
    some = with_only_what_is_ordered(made.catalogue, rows)
    made.to_store("catalog", some.products)
    for name in ("locations", "items", "supply"):
        made.to_oms(name, getattr(some, name))
    made.run("catalog", first=made.today)
    return made


def sync_of(shop: PairScene) -> Sync:
    """Return the connection as the command line opens it."""
    assert shop.lockstep is not None
    return shop.lockstep.sync(NAME, f"cli-{uuid4().hex}")


def skus_of(shop: PairScene) -> list[str]:
    """Return a SKU of each product, in the order of the export."""
    with sync_of(shop).ledger.session(NAME, "catalog") as session:
        return [row[0] for row in exported(session) if row[0]]


def do(shop: PairScene, *rows: Mapping[str, str], deliver: bool = True) -> list[Wanted]:
    """Import rows as ``lockstep catalog import`` does, and return their outcomes."""
    sync = sync_of(shop)
    wanted = [Wanted(number, row) for number, row in enumerate(rows, 1)]
    with sync.ledger.session(NAME, LISTINGS) as session:
        creates = sync.connection.catalog.create_products != "never"
        target = sync.listings_target
        parts = {"fields": target.fields, "needs": target.needs}
        resolve(session.products, wanted, creates=creates, **parts)
        capture_listings(sync, listings_of(wanted))
        if deliver:
            run(shop)
        note_results(session, wanted)
    return wanted


def run(shop: PairScene, **more: Any) -> None:
    """Validate and deliver what was asked for."""
    shop.run(LISTINGS, steps=("validated", "delivered"), first=shop.today, **more)


def shown(shop: PairScene, ids: Sequence[str]) -> list[Json]:
    """Return what the store's products show."""
    target = sync_of(shop).listings_target

    async def go() -> list[Json]:
        async with target.writer(lambda _: None) as writer:
            held = await writer.held(dict.fromkeys(ids, ()))
            return [dict(held[one].content) for one in ids]

    return asyncio.run(go())


def sent(shop: PairScene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def test_a_sheet_is_written_once_and_only_where_it_differs(shop: PairScene) -> None:
    """A faulty row keeps no other back; reruns and the same sheet again send nothing."""
    first, second, *_ = skus_of(shop)
    takes_pictures = "images" in sync_of(shop).listings_target.fields
    images = {"images": PICTURES} if takes_pictures else {}
    rows = (
        {"sku": first, "title": "Stoneware mug", "description": "<p>New</p>", **images},
        {"sku": second, "title": "Jar"},
        {"sku": "NO-SUCH", "title": "Nothing"},
    )
    wanted = do(shop, *rows)
    assert [row.is_done for row in wanted] == [True, True, False]
    ids = [row.listing.product_id for row in wanted if row.listing is not None]
    mug, jar = shown(shop, ids)
    assert (mug["name"], mug["description"]) == ("Stoneware mug", "<p>New</p>")
    assert mug["images"] == (2 if takes_pictures else 0)
    assert jar["name"] == "Jar"
    before = sent(shop)
    assert before == 2
    run(shop)
    assert [row.is_done for row in do(shop, *rows)] == [True, True, False]
    assert sent(shop) == before
    shop.run("catalog", first=shop.today)
    assert ("Jar",) in shop.sql("SELECT name FROM history.catalog")


def test_an_exported_sheet_that_is_imported_again_sends_nothing(
    shop: PairScene, tmp_path: Path
) -> None:
    """Whatever the form in which the store gives its texts."""
    file, sync = tmp_path / "products.xlsx", sync_of(shop)
    first = skus_of(shop)[0]
    do(shop, {"sku": first, "description": "a\n\nb  c <b>d</b>"})
    shop.run("catalog", first=shop.today)
    before = sent(shop)
    with sync.ledger.session(NAME, "catalog") as session:
        write(
            file,
            "products",
            (*COLUMNS, *NEW_COLUMNS),
            exported(session, sync_of(shop).listings_target.fields),
        )
    rows = [row.cells for row in read(file)]
    assert len(rows) >= 3
    with sync.ledger.session(NAME, "catalog") as session:
        few = next(row for row in exported(session, ("name",)) if row[0] == first)
    assert [name for name, text in zip(COLUMNS, few, strict=False) if text] == [
        "sku",
        "title",
        "description",
    ]
    assert all(row.is_done for row in do(shop, *rows))
    assert sent(shop) == before


def shelves(shop: PairScene) -> None:
    """Give the store brands and categories, two of the same name."""
    for number, name, parent in ((1, "Kitchen", 0), (2, "Mugs", 1), (3, "Sale", 0), (4, "Mugs", 3)):
        up = {"parent_id": str(parent)} if parent else {}
        shop.to_store("categories", [{"id": str(number), "name": name} | up])
    if shop.pair.store == "bigcommerce":
        shop.to_store("brands", [{"id": 31, "name": "Kiln"}])


def test_brands_and_categories_are_written_by_their_names(shop: PairScene, tmp_path: Path) -> None:
    """What the store lacks is named, and sent once it has it; an exported sheet sends nothing."""
    if "brand" not in sync_of(shop).listings_target.fields:
        pytest.skip("its products take neither")
    shelves(shop)
    first, second, *_ = skus_of(shop)
    placed = {"sku": first, "brand": "kiln", "categories": "Sale > mugs; KITCHEN"}
    rows = do(shop, placed, {"sku": second, "title": "Jar", "categories": "Bowls"})
    assert rows[0].result == "done"
    assert rows[1].result.startswith("rejected: the store has no category Bowls")
    assert sent(shop) == 1, "nothing of the second is written"
    assert all(row.is_done for row in do(shop, placed))
    assert sent(shop) == 1
    shop.to_store("categories", [{"id": "5", "name": "Bowls"}])
    [row] = do(shop, {"sku": second, "warranty": "1 year"})
    assert row.result == "done", "what was refused goes with the next request"
    shop.run("catalog", first=shop.today)
    known = dict(shop.sql("SELECT sku, categories FROM history.catalog"))
    assert (sorted(known[first]), known[second]) == (["Kitchen", "Mugs"], ["Bowls"])
    before, file = sent(shop), tmp_path / "products.xlsx"
    with sync_of(shop).ledger.session(NAME, "catalog") as session:
        write(
            file,
            "products",
            (*COLUMNS, *NEW_COLUMNS),
            exported(session, sync_of(shop).listings_target.fields),
        )
    cells = [row.cells for row in read(file)]
    assert {"brand", "categories"} <= cells[0].keys()
    assert all(row.is_done for row in do(shop, *cells))
    assert sent(shop) == before


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_is_resolved_by_a_look(shop: PairScene, kind: str) -> None:
    """The product shows what was asked for, and the delivery is settled."""
    sku = skus_of(shop)[0]
    rule = {"kind": kind, "times": 20}
    faults = [
        rule | {"method": method, "path": path}
        for method in ("PUT", "POST", "PATCH")
        for path in ("/products", "/sobjects")
    ]
    shop.fault(shop.pair.store, *faults)
    images = {"images": PICTURES} if "images" in sync_of(shop).listings_target.fields else {}
    [row] = do(shop, {"sku": sku, "title": "Lost", **images}, deliver=False)
    run(shop, raise_on_error=False)
    shop.fault(shop.pair.store)
    run(shop)
    assert row.listing is not None
    [product] = shown(shop, [row.listing.product_id])
    assert (product["name"], product["images"]) == ("Lost", 2 if images else 0)
    assert shop.outcomes(LISTINGS) == {row.listing.product_id: ("accepted", "delivered")}
    before = sent(shop)
    run(shop)
    assert sent(shop) == before


NEW: tuple[Json, ...] = (
    {"sku": "NEW-1", "title": "New mug", "price": "12.50", "weight": "0.4", "images": PICTURES},
    {"sku": "TEE-S", "group": "Tee", "title": "New tee", "price": "20", "weight": "0.2",
     "options": "Size: S; Colour: Red"},
    {"sku": "TEE-L", "group": "Tee", "options": "Colour: Red; Size: L", "price": "21"},
)  # fmt: skip


@pytest.fixture
def creating(shop: PairScene) -> PairScene:
    """A connection that creates products."""
    settings = SETTINGS.get(shop.pair.store, {})
    shop.configure(
        platform=settings, catalog={"create_products": "visible"}, prices={"currency": "USD"}
    )
    return shop


def new_rows(shop: PairScene) -> list[Json]:
    """Return rows of new products, with what the store's products have a place for."""
    fields = sync_of(shop).listings_target.fields
    places = {"weight": "weight", "images": "images", "group": "variants", "options": "variants"}
    lacking = {column for column, field in places.items() if field not in fields}
    rows = [{n: v for n, v in row.items() if n not in lacking} for row in NEW]
    if "group" in lacking:
        rows[2]["title"] = "New tee, large"
    return rows


def products_with(shop: PairScene, sku: str) -> set[str]:
    """Return the ids of the products that the store sells under a SKU, by a whole new read."""
    source = sync_of(shop).platform.sources["catalog"]
    window = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC))
    found = set()
    for page in source.fetch(window):
        for record in page.records:
            mapped = source.to_canonical(record.payload)
            if isinstance(mapped, Mapped) and sku in {one.sku for one in mapped.record.items}:
                found.add(mapped.record.product_id)
    return found


def test_products_that_the_store_lacks_are_created_once(creating: PairScene) -> None:
    """A single one and a group; then the same rows change nothing, and another title updates."""
    rows = do(creating, *new_rows(creating))
    assert [row.result for row in rows] == ["done"] * 3
    before = sent(creating)
    mug, tee = (products_with(creating, sku) for sku in ("NEW-1", "TEE-S"))
    assert (len(mug), len(tee)) == (1, 1)
    has_groups = "variants" in sync_of(creating).listings_target.fields
    assert (products_with(creating, "TEE-L") == tee) is has_groups
    names = [one["name"] for one in shown(creating, [*mug, *tee])]
    assert names == ["New mug", "New tee"]
    run(creating)
    assert all(row.is_done for row in do(creating, *new_rows(creating))), (
        "the catalog does not know them yet"
    )
    creating.run("catalog", first=creating.today)
    again = do(creating, *new_rows(creating))
    assert all(row.is_done for row in again)
    assert "used for new products only" in again[0].result
    assert sent(creating) == before
    assert do(creating, {"sku": "TEE-L" if has_groups else "TEE-S", "title": "Tee"})[0].is_done
    assert shown(creating, [*tee])[0]["name"] == "Tee"
    assert products_with(creating, "NEW-1") == mug


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_creation_without_an_answer_makes_one_product(creating: PairScene, kind: str) -> None:
    """A look by its SKU shows whether the store has it."""
    rule = {"method": "POST", "path": "/catalog/products", "kind": kind, "times": 20}
    paths = ("/products", "/composite")
    creating.fault(creating.pair.store, rule, *(rule | {"path": path} for path in paths))
    do(creating, *new_rows(creating), deliver=False)
    run(creating, raise_on_error=False)
    creating.fault(creating.pair.store)
    run(creating)
    assert {sku: len(products_with(creating, sku)) for sku in ("NEW-1", "TEE-S", "TEE-L")} == {
        "NEW-1": 1,
        "TEE-S": 1,
        "TEE-L": 1,
    }
    assert set(creating.outcomes(LISTINGS).values()) == {("accepted", "delivered")}
    assert creating.sql("SELECT code FROM sync.rejection WHERE state = 'open'") == []


def with_tee(creating: PairScene) -> tuple[list[Json], set[str]]:
    """Create the products, let the catalog read them, and return rows with one more size."""
    if "variants" not in sync_of(creating).listings_target.fields:
        pytest.skip("its products have no variants")
    tee = new_rows(creating)[1:]
    assert all(row.is_done for row in do(creating, *tee))
    creating.run("catalog", first=creating.today)
    larger = {"sku": "TEE-XL", "group": "Tee", "options": "Size: XL; Colour: Red", "price": "22.50"}
    return [*tee, larger], products_with(creating, "TEE-S")


def test_a_row_of_a_group_whose_product_exists_adds_a_variant_once(creating: PairScene) -> None:
    """With an option's value that is new; the sheet again, also after a read, sends nothing."""
    rows, tee = with_tee(creating)
    before = sent(creating)
    done = do(creating, *rows)
    assert [row.is_done for row in done] == [True] * 3
    assert products_with(creating, "TEE-XL") == tee
    after = sent(creating)
    assert after > before
    assert all(row.is_done for row in do(creating, *rows))
    run(creating)
    creating.run("catalog", first=creating.today)
    assert all(row.is_done for row in do(creating, *rows))
    assert sent(creating) == after
    [product_id] = tee
    assert shown(creating, [product_id])[0]["name"] == "New tee"
    key = ("accepted", "delivered")
    assert creating.outcomes(LISTINGS)[product_id] == key


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_variant_whose_answer_is_lost_is_added_once(creating: PairScene, kind: str) -> None:
    """A look shows whether the product sells it."""
    rows, tee = with_tee(creating)
    rule = {"method": "POST", "path": "/products", "kind": kind, "times": 20}
    creating.fault(creating.pair.store, rule)
    do(creating, *rows, deliver=False)
    run(creating, raise_on_error=False)
    creating.fault(creating.pair.store)
    run(creating)
    assert products_with(creating, "TEE-XL") == tee
    assert creating.sql("SELECT code FROM sync.rejection WHERE state = 'open'") == []
    before = sent(creating)
    run(creating)
    assert sent(creating) == before


def test_a_new_product_that_lacks_what_the_store_needs_is_not_created(creating: PairScene) -> None:
    """Neither one without a title, nor a group of which one row is faulty."""
    rows = (
        {"sku": "BARE", "price": "1"},
        {"sku": "A", "group": "G", "title": "G", "price": "1", "weight": "1", "options": "Size: S"},
        {"sku": "B", "group": "G", "options": "Size"},
        {"sku": "C", "group": "H", "title": "H", "price": "1", "weight": "1", "options": "Size: S"},
        {"sku": "D", "group": "H", "options": "Size: S"},
    )
    done = do(creating, *rows)
    assert [row.listing for row in done] == [None] * 5
    assert all(row.problems for row in done)
    assert sent(creating) == 0


def test_what_the_stores_products_have_no_place_for_is_named(shop: PairScene) -> None:
    """Before it is sent; the other rows go on."""
    lacking = {"warranty", "images"} - set(sync_of(shop).listings_target.fields)
    if not lacking:
        pytest.skip("its products have all of them")
    first, second, *_ = skus_of(shop)
    given = {name: PICTURES if name == "images" else "2 years" for name in lacking}
    rows = do(shop, {"sku": first, "title": "A", **given}, {"sku": second, "title": "B"})
    assert [row.is_done for row in rows] == [False, True]
    assert "don't have one of the listing's fields" in rows[0].result


def test_a_text_that_is_shown_in_another_language_only_is_named(shop: PairScene) -> None:
    """It is not written, since an exported sheet has it, and not taken for done without a word."""
    if shop.pair.store != "commercetools":
        pytest.skip("its products have one language")
    shop.configure(platform={"locales": ["de"]})
    sku = skus_of(shop)[0]
    [(product_id,)] = shop.sql("SELECT product_id FROM sync.product_variant WHERE sku = %s", sku)
    [row] = do(shop, {"sku": sku, "title": shown(shop, [product_id])[0]["name"]})
    assert row.result.startswith("done; name: the product shows this text in another language")
    assert sent(shop) == 0
    [row] = do(shop, {"sku": sku, "title": "Becher"})
    assert (row.result, shown(shop, [product_id])[0]["name"]) == ("done", "Becher")
