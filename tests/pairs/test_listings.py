"""Sheets of products reach each store that takes listings: once, and only where it differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from assets.streams.listings import capture_listings
from assets.streams.listings_sheet import DONE, Wanted, exported, note_results, resolve
from domain.connections import LISTINGS
from orchestration.local.simulated import Pair, pairs
from resources.lockstep import Sync
from resources.sheets.reader import COLUMNS, read
from resources.sheets.writer import write
from resources.systems import streams_carried
from sandbox.app import RunningSandbox
from tests.assets.scene import NAME
from tests.pairs.pair_scene import PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow(seconds=10)

Json = dict[str, Any]
BY_STORE: Mapping[str, Pair] = {
    pair.store: pair for pair in reversed(pairs()) if LISTINGS in streams_carried(*pair)
}
"""One pair of each store: the OMS has no part in the stream."""
SETTINGS: Mapping[str, Json] = {"commercetools": {"locales": ["en"]}}
PICTURES = "https://img.example.com/1.jpg https://img.example.com/2.jpg"


@pytest.fixture(params=BY_STORE.values(), ids=BY_STORE)
def shop(
    sandbox: RunningSandbox,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[PairScene]:
    """Make a connection with a few products, which the catalog has read."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    pair: Pair = request.param
    made = PairScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, pair)
    made.configure(platform=SETTINGS.get(pair.store, {}))
    rows = [{"products": [{"sku": product["sku"]} for product in made.catalogue.products[:5]]}]
    some = with_only_what_is_ordered(made.catalogue, rows)
    made.to_store("catalog", some.products)
    for name in ("locations", "items", "supply"):
        made.to_oms(name, getattr(some, name))
    made.run("catalog", first=made.today)
    yield made
    made.close()


def sync_of(shop: PairScene) -> Sync:
    """Return the connection as the command line opens it."""
    assert shop.lockstep is not None
    return shop.lockstep.sync(NAME, f"cli-{uuid4().hex}")


def skus_of(shop: PairScene) -> list[str]:
    """Return a SKU of each product, in the order of the export."""
    with sync_of(shop).ledger.session(NAME, "catalog") as session:
        return [row[0] for row in exported(session) if row[0]]


def do(shop: PairScene, *rows: Mapping[str, str], deliver: bool = True) -> list[Wanted]:
    """Import rows as ``lockstep catalog import`` does, and return what became of them."""
    sync = sync_of(shop)
    wanted = [Wanted(number, row) for number, row in enumerate(rows, 1)]
    with sync.ledger.session(NAME, LISTINGS) as session:
        resolve(session.products, wanted)
        capture_listings(sync, [row.listing for row in wanted if row.listing is not None])
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
    rows = (
        {"sku": first, "title": "Stoneware mug", "description": "<p>New</p>", "images": PICTURES},
        {"sku": second, "title": "Jar"},
        {"sku": "NO-SUCH", "title": "Nothing"},
    )
    wanted = do(shop, *rows)
    assert [row.result == DONE for row in wanted] == [True, True, False]
    ids = [row.listing.product_id for row in wanted if row.listing is not None]
    mug, jar = shown(shop, ids)
    assert (mug["name"], mug["description"], mug["images"]) == ("Stoneware mug", "<p>New</p>", 2)
    assert jar["name"] == "Jar"
    before = sent(shop)
    assert before == 2
    run(shop)
    assert [row.result == DONE for row in do(shop, *rows)] == [True, True, False]
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
        write(file, "products", COLUMNS, exported(session))
    rows = [row.cells for row in read(file)]
    assert len(rows) >= 3
    assert {row.result for row in do(shop, *rows)} == {DONE}
    assert sent(shop) == before


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_is_resolved_by_a_look(shop: PairScene, kind: str) -> None:
    """The product shows what was asked for, and the delivery is settled."""
    sku = skus_of(shop)[0]
    faults = [{"method": method, "path": "/products", "kind": kind, "times": 20}
              for method in ("PUT", "POST", "PATCH")]  # fmt: skip
    shop.fault(shop.pair.store, *faults)
    [row] = do(shop, {"sku": sku, "title": "Lost", "images": PICTURES}, deliver=False)
    run(shop, raise_on_error=False)
    shop.fault(shop.pair.store)
    run(shop)
    assert row.listing is not None
    [product] = shown(shop, [row.listing.product_id])
    assert (product["name"], product["images"]) == ("Lost", 2)
    assert shop.outcomes(LISTINGS) == {row.listing.product_id: ("accepted", "delivered")}
    before = sent(shop)
    run(shop)
    assert sent(shop) == before
