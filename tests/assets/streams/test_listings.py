"""The stream listings: what a merchant asks a product to show is written once, if it differs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.pipeline.capture import capture_pages
from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import exported, resolve
from assets.streams.listings.stream import Listings, capture_listings
from domain.exchange import RawRecord
from domain.records.listings import Listing
from domain.values import Partition
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, read
from resources.sheets.writer import write
from tests.assets.scene import NAME, Scene

SKUS = {900: "CUP-9", 901: "JAR-9"}
Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog", "listings")
PUT = {"method": "PUT", "path": "/v3/catalog/products"}
PICTURES = ("https://img.example.com/1.jpg", "https://img.example.com/2.jpg")


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection with two products whose texts can be changed."""
    scene.configure(streams=STREAMS, max_attempts=2)
    scene.to_store(
        "catalog",
        [
            {"id": 900, "sku": "CUP-9", "name": "Mug", "description": "old", "price": 1},
            {"id": 901, "sku": "JAR-9", "name": "Jar", "price": 1},
        ],
    )
    return scene


def ask(shop: Scene, number: int = 900, **wanted: Any) -> None:
    """Ask for what a product should show, and deliver it."""
    request(shop, number, **wanted)
    deliver(shop)


def request(shop: Scene, number: int = 900, **wanted: Any) -> dict[Partition, list[str]]:
    """Ask for what a product should show."""
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "request")
    return capture_listings(sync, [Listing(product_id=str(number), sku=SKUS[number], **wanted)])


def deliver(shop: Scene, **more: Any) -> None:
    """Validate and deliver what was asked for."""
    shop.run("listings", steps=("validated", "delivered"), first=shop.today, **more)


def product(shop: Scene, number: int = 900) -> Json:
    """Return a product as the store has it."""
    rows = shop.to_store("products", None, "GET")["products"]
    [found] = [row for row in rows if row["id"] == number]
    return dict(found)


def writes(shop: Scene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def test_texts_and_pictures_are_written_once(shop: Scene) -> None:
    """Only what is asked for and differs; a rerun and the same request again send nothing."""
    ask(shop, name="Stoneware mug", description="old", images=PICTURES)
    shown = product(shop)
    assert (shown["name"], shown["description"]) == ("Stoneware mug", "old")
    assert [image["image_url"] for image in shown["images"]] == list(PICTURES)
    assert [image["is_thumbnail"] for image in shown["images"]] == [True, False]
    assert writes(shop) == 1
    deliver(shop)
    ask(shop, name="Stoneware mug", images=PICTURES)
    assert writes(shop) == 1
    assert product(shop, 901)["name"] == "Jar"
    assert {action for _, action, _, _ in shop.deliveries("listings")} == {"update"}


def test_what_the_merchant_changes_by_hand_stays_until_it_is_asked_for_anew(shop: Scene) -> None:
    """A rerun of the day does not undo it; the same request again does."""
    ask(shop, name="Stoneware mug")
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "By hand", "price": 1}])
    deliver(shop)
    assert product(shop)["name"] == "By hand"
    ask(shop, name="Stoneware mug")
    assert product(shop)["name"] == "Stoneware mug"


def test_requests_that_wait_lose_no_field_to_a_newer_one(shop: Scene) -> None:
    """Neither one that was not validated yet, nor one that could not be delivered."""
    request(shop, name="One")
    request(shop, warranty="2 years")
    deliver(shop)
    shown = product(shop)
    assert (shown["name"], shown["warranty"], shown["description"]) == ("One", "2 years", "old")
    shop.fault("bigcommerce", PUT | {"kind": "status", "status": 503, "times": 20})
    request(shop, description="new")
    deliver(shop, raise_on_error=False)
    assert product(shop)["description"] == "old"
    shop.fault("bigcommerce")
    ask(shop, name="Two")
    shown = product(shop)
    assert (shown["name"], shown["description"]) == ("Two", "new")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_is_resolved_by_a_look(shop: Scene, kind: str) -> None:
    """The product shows what was asked for, and the delivery is settled."""
    shop.fault("bigcommerce", PUT | {"kind": kind, "times": 20})
    request(shop, name="Lost", images=PICTURES)
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    deliver(shop)
    assert product(shop)["name"] == "Lost"
    assert len(product(shop)["images"]) == 2
    assert shop.outcomes("listings") == {"900": ("accepted", "delivered")}
    before = writes(shop)
    deliver(shop)
    assert writes(shop) == before


def test_a_refusal_and_a_product_that_is_gone_are_rejections(shop: Scene) -> None:
    """With the store's words; the other product is written all the same."""
    request(shop, 900, name="Gone")
    request(shop, 901, name="Here")
    shop.to_store("catalog/900", None, "DELETE")
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_product_gone"}
    assert product(shop, 901)["name"] == "Here"
    body = {"status": 409, "title": "The product name is a duplicate."}
    shop.fault("bigcommerce", PUT | {"kind": "replaced", "status": 422, "body": body, "times": 9})
    ask(shop, 901, name="Refused")
    assert shop.open_rejections("listings")["901"] == "listing_refused"
    shop.fault("bigcommerce")
    ask(shop, 901, name="Other")
    assert shop.open_rejections("listings") == {"900": "listing_product_gone"}


def test_a_listing_that_breaks_a_rule_is_rejected_before_it_is_sent(shop: Scene) -> None:
    """A title of two lines, and a picture that is not an https address."""
    ask(shop, name="One\nTwo", images=("http://img.example.com/1.jpg",))
    assert shop.open_rejections("listings") == {"900": "listing_title_invalid"}
    assert writes(shop) == 0
    assert product(shop)["name"] == "Mug"


REFUSAL = PUT | {"kind": "status", "status": 422}


def test_what_the_store_refused_is_not_lost_by_the_next_request(shop: Scene) -> None:
    """It goes out with the next request, and is rejected with it as long as it is refused."""
    shop.fault("bigcommerce", REFUSAL | {"times": 2})
    ask(shop, name="Wanted")
    ask(shop, warranty="2 years")
    assert shop.open_rejections("listings") == {"900": "listing_refused"}
    assert (product(shop)["name"], product(shop)["warranty"]) == ("Mug", "")
    shop.fault("bigcommerce")
    ask(shop, description="new")
    shown = product(shop)
    assert shop.open_rejections("listings") == {}
    assert (shown["name"], shown["warranty"], shown["description"]) == ("Wanted", "2 years", "new")


def test_what_broke_a_rule_stays_rejected_until_it_is_corrected(shop: Scene) -> None:
    """By a request with the same field; an edit of an operator counts."""
    ask(shop, name="One\nTwo", warranty="2 years")
    ask(shop, description="new")
    assert shop.open_rejections("listings") == {"900": "listing_title_invalid"}
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "edit").ledger.session(NAME, "listings") as session:
        [found] = work_queue.find(session.db, RejectionFilter())
        changes = operator_actions.planned_edit(session.db, found, ["warranty=3 years"])
        operator_actions.edit(session.db, found, changes, "ann", "it is longer")
    ask(shop, name="One")
    shown = product(shop)
    assert shop.open_rejections("listings") == {}
    assert (shown["name"], shown["warranty"], shown["description"]) == ("One", "3 years", "new")


def test_what_an_operator_has_discarded_is_not_sent_again(shop: Scene) -> None:
    """The next request goes out without it."""
    shop.fault("bigcommerce", REFUSAL | {"times": 1})
    ask(shop, name="Wanted")
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "discard").ledger.session(NAME, "listings") as session:
        found = work_queue.find(session.db, RejectionFilter())
        operator_actions.discard(session.db, found, "ann", "the name is taken")
    ask(shop, warranty="2 years")
    assert (product(shop)["name"], product(shop)["warranty"]) == ("Mug", "2 years")
    assert shop.open_rejections("listings") == {}


def test_a_captured_request_that_can_not_be_read_keeps_no_later_one_back(shop: Scene) -> None:
    """It is a rejection of its own until then, and has no fields to lose."""
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "request")
    with sync.ledger.session(NAME, "listings", "request") as session, session.writer_lock():
        bad = RawRecord("900", datetime.now(UTC), b'{"name": 1}')
        capture_pages(sync, Listings(), session, [bad], datetime.now(UTC))
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_unreadable"}
    ask(shop, name="One")
    assert product(shop)["name"] == "One"
    assert shop.open_rejections("listings") == {}


def test_a_product_that_no_longer_sells_the_sku_is_left_alone(shop: Scene) -> None:
    """The merchant moves the SKU while a request waits; not if it is only respelled."""
    shop.fault("bigcommerce", PUT | {"kind": "status", "status": 503, "times": 20})
    request(shop, name="Wanted")
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    new = {"id": 950, "sku": "CUP-9", "name": "New mug", "price": 1}
    shop.to_store("catalog", [{"id": 900, "sku": "OLD-9", "name": "Old mug", "price": 1}, new])
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_product_gone"}
    assert (product(shop)["name"], product(shop, 950)["name"]) == ("Old mug", "New mug")
    shop.to_store("catalog", [{"id": 901, "sku": "Jar-9", "name": "Jar", "price": 1}])
    ask(shop, 901, name="Stoneware jar")
    assert product(shop, 901)["name"] == "Stoneware jar"


def test_a_request_by_another_sku_takes_in_none_that_has_moved(shop: Scene) -> None:
    """What was wanted of the mug is not written to the product that took its id."""
    tee = {"id": 900, "name": "Tee", "price": 1, "variants": [{"sku": "CUP-9"}, {"sku": "TEE-L"}]}
    shop.to_store("catalog", [tee])
    request(shop, name="Wanted")
    shop.to_store("catalog", [{**tee, "variants": [{"sku": "TEE-S"}, {"sku": "TEE-L"}]}])
    assert shop.lockstep is not None
    other = Listing(product_id="900", sku="TEE-L", warranty="2 years")
    capture_listings(shop.lockstep.sync(NAME, "request"), [other])
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_product_gone"}
    assert product(shop)["name"] == "Tee"
    shop.to_store("catalog", [tee])
    capture_listings(shop.lockstep.sync(NAME, "request"), [other])
    deliver(shop)
    assert (product(shop)["name"], product(shop)["warranty"]) == ("Wanted", "2 years")


def test_an_exported_sheet_that_is_imported_again_changes_nothing(
    shop: Scene, tmp_path: Path
) -> None:
    """Also where the store's texts have line ends and spaces that a sheet does not keep."""
    texts = ["<p>a</p>\r\n<p>b</p>", " lead", "a\tb\n", "x_x000D_y", "a\r\rb"]
    rows = [
        {"id": 910 + n, "sku": f"00{n}", "name": f" =Cup {n} ", "description": text, "price": 1}
        for n, text in enumerate(texts)
    ]
    names = "Stone  mug\u00a0\u200bXL", "N" * 300, "N" * 240 + "e\u0301" * 30
    rows += [
        {"id": 920 + n, "sku": f"L{n}", "name": name, "description": "d", "price": 1}
        for n, name in enumerate(names)
    ]
    shop.to_store("catalog", rows)
    shop.run("catalog", first=shop.today)
    assert shop.lockstep is not None
    sync, file = shop.lockstep.sync(NAME, "import"), tmp_path / "products.xlsx"
    with sync.ledger.session(NAME, "catalog") as session:
        write(file, "products", (*COLUMNS, *NEW_COLUMNS), exported(session))
        wanted = [Wanted.of(row) for row in read(file)]
        resolve(session.products, wanted)
    assert not any(row.problems for row in wanted)
    capture_listings(sync, [row.listing for row in wanted if row.listing is not None])
    deliver(shop)
    outcomes = shop.outcomes("listings")
    assert {*outcomes} > {"910", "911", "912", "913", "914"}
    assert {outcome for _, outcome in outcomes.values()} == {"delivered"}
    assert writes(shop) == 0
    assert product(shop, 910)["description"] == texts[0]
    assert [product(shop, 920 + n)["name"] for n in range(3)] == list(names)
    ask(shop, 900, description="old ")
    ask(shop, 900, description="old\nnew")
    assert writes(shop) == 1


def test_the_catalog_sees_what_was_written(shop: Scene) -> None:
    """As any other change of the merchant."""
    shop.run("catalog", first=shop.today)
    ask(shop, name="Stoneware mug")
    shop.run("catalog", first=shop.today)
    assert shop.sql("SELECT name FROM history.catalog WHERE sku = 'CUP-9'") == [("Stoneware mug",)]
