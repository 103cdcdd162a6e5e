"""Seeds arrive complete at a running sandbox, and live traffic changes its orders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

import httpx
import orjson
import pytest

from sandbox import traffic
from sandbox.app import running_sandbox
from sandbox.seed import olist, synthetic_seed
from sandbox.seed.load import post, read
from sandbox.seed.seedset import Document
from tests.shared import shared_path


@pytest.fixture
def url() -> Iterator[str]:
    """A separate sandbox for each test."""
    with running_sandbox() as sandbox:
        yield sandbox.url


def dump(url: str, path: str) -> list[Document]:
    """Read a sandbox's NDJSON dump."""
    return [
        orjson.loads(line)
        for line in httpx.get(f"{url}/_sandbox/{path}", timeout=60).content.splitlines()
    ]


def test_a_synthetic_seed_arrives_complete_and_unchanged(url: str) -> None:
    """The store accepts every document, also corrupted ones, and keeps totals, ids and dates."""
    seed = synthetic_seed.seed_set(700, 4, date(2025, 6, 1), 3, dirt=0.05)
    counts = post(url, "bigcommerce/s1", "manhattan/t1", seed)
    assert (counts["orders"], counts["refused"]) == (700, 0)
    assert seed.labels
    kept = {order["id"]: order for order in dump(url, "bigcommerce/s1/dump/orders")}
    for document in seed.documents():
        order = kept[document["id"]]
        assert (order["date_created"], order["total_inc_tax"]) == (
            document["date_created"],
            document["total_inc_tax"],
        )
        assert [line["sku"] for line in order["products"]] == [
            line["sku"] for line in document["products"]
        ]


def test_a_second_load_changes_nothing(url: str) -> None:
    """Existing orders are left unchanged, so seeding again is harmless."""
    seed = synthetic_seed.seed_set(60, 4, date(2025, 6, 1), 3)
    post(url, "bigcommerce/s1", "manhattan/t1", seed)
    before = dump(url, "bigcommerce/s1/dump/orders")
    post(url, "bigcommerce/s1", "manhattan/t1", seed)
    assert dump(url, "bigcommerce/s1/dump/orders") == before


def test_an_order_refused_by_the_store_affects_no_other(url: str) -> None:
    """A refused batch is halved down to the bad order, which is reported with the store's error."""
    seed = synthetic_seed.seed_set(40, 4, date(2025, 6, 1), 3)
    documents = [*seed.documents()]
    documents[17] = documents[17] | {"no_such_field": "twelve", "external_order_id": "bad-one"}
    counts = post(
        url, "bigcommerce/s1", "manhattan/t1", replace(seed, documents=lambda: iter(documents))
    )
    assert (counts["orders"], counts["refused"]) == (39, 1)
    assert "bad-one" in seed.unreadable[0].reason and "no_such_field" in seed.unreadable[0].reason


def test_every_invoice_is_in_the_store_or_reported(url: str, tmp_path: Path) -> None:
    """All are accepted, with invalid prices and negative or zero quantities unchanged."""
    rows = (
        "1,11111,2,1.50",
        "2,11111,-2,1.50",
        "3,11111,x,1.50",
        "4,11111,1,",
        "5,11111,1,cheap",
        "C6,11111,-1,1.50",
        "7,,0,0",
    )
    path = tmp_path / "invoices.csv"
    path.write_text("\n".join(("InvoiceNo,StockCode,Quantity,UnitPrice", *rows)), encoding="utf-8")
    seed = read(path)
    counts = post(url, "bigcommerce/s1", "manhattan/t1", seed)
    assert (counts["orders"], counts["refused"], seed.unreadable) == (7, 0, [])
    kept = dump(url, "bigcommerce/s1/dump/orders")
    assert [
        (order["external_order_id"], order["status_id"], order["products"][0]["quantity"])
        for order in kept
    ] == [
        ("1", 11, 2),
        ("2", 11, -2),
        ("3", 11, 0),
        ("4", 11, 1),
        ("5", 11, 1),
        ("C6", 5, 1),
        ("7", 11, 0),
    ]


@pytest.mark.slow
def test_olist_orders_are_served_as_in_the_tables(url: str) -> None:
    """Of 8,000 the first 2,000, with the sum of payments as their total."""
    every = olist.read(shared_path("data/olist"))
    seed = replace(every, documents=lambda: islice(every.documents(), 2_000))
    counts = post(url, "bigcommerce/s1", "manhattan/t1", seed)
    assert (counts["orders"], counts["refused"], counts["items"]) == (2_000, 0, len(seed.items))
    kept = dump(url, "bigcommerce/s1/dump/orders")
    assert [order["external_order_id"] for order in kept] == [
        document["external_order_id"] for document in seed.documents()
    ]
    assert sum(Decimal(order["total_inc_tax"]) for order in kept) == sum(
        Decimal(document["total_inc_tax"]) for document in seed.documents()
    )


def test_traffic_places_changes_and_cancels_orders_until_it_is_stopped(url: str) -> None:
    """New orders are dated now, and none of the calls fails."""
    post(url, "bigcommerce/s1", "manhattan/t1", synthetic_seed.seed_set(0, 1, date(2025, 6, 1), 1))
    stop = threading.Event()
    timer = threading.Timer(3.0, stop.set)
    timer.start()
    counts = traffic.run(url, "bigcommerce/s1", "manhattan/t1", 100, 1, stop, advance_seconds=0.5)
    assert counts["failed"] == 0
    assert counts["placed"] > 50 and counts["days"] > 2
    assert counts["changed"] and counts["canceled"]
    kept = dump(url, "bigcommerce/s1/dump/orders")
    assert len(kept) == counts["placed"]
    assert sum(order["status_id"] == 5 for order in kept) >= counts["canceled"]
