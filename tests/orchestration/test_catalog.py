"""Tests of ``lockstep catalog``: how the store's catalog compares with the OMS's items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from openpyxl import load_workbook

from domain.records.catalog import Product, Variant
from domain.rules.alignment import Finding
from resources.ledger.ledger import Ledger
from resources.ledger.records.alignment import Alignments
from resources.ledger.records.products import Products, ProductVersion
from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("direct_runs")]


@pytest.fixture
def listing(shop: Shop) -> Shop:
    """A connection with the stream, whose products the ledger knows."""
    shop.change(streams=["orders", "inventory", "shipments", "catalog"])
    sold = [
        Product(product_id=str(n), name="Mug", variants=(Variant(variant_id="1", sku=sku),))
        for n, sku in enumerate(("TOWEL-1", "NOPE", ""), 1)
    ]
    with Ledger(shop.database).connect() as db:
        now = datetime.now(UTC)
        Products(db, "demo").put([ProductVersion(one, now, uuid4()) for one in sold])
    return shop


def test_a_report_of_a_catalog_that_was_never_aligned_says_so(listing: Shop) -> None:
    """With what to do, and exit code 1; a connection without the stream is wrong usage."""
    result = listing.run("catalog", "report", "demo")
    assert result.exit_code == 1
    assert "use --refresh" in result.output
    listing.change(streams=["orders"])
    assert listing.run("catalog", "report", "demo").exit_code == 2


def test_a_catalog_that_was_not_read_is_not_compared(listing: Shop) -> None:
    """Everything that the OMS has would look missing in the store."""
    result = listing.run("catalog", "report", "demo", "--refresh")
    assert result.exit_code == 1
    assert "lockstep resume demo --streams catalog" in result.output


def test_a_refreshed_report_names_what_does_not_match(listing: Shop, tmp_path: Path) -> None:
    """As a table with meanings and advice, as JSON, and as a workbook with all findings."""
    with Ledger(listing.database).connect() as db:
        Products(db, "demo").note_read()
        db.execute(
            """INSERT INTO sync.watermark (connection, stream, watermark, captured_at)
               VALUES ('demo', 'catalog', now(), now())"""
        )
    text = listing.done("catalog", "report", "demo", "--refresh")
    assert "missing_in_oms" in text
    assert "correct the SKU in the store" in text
    report = listing.json("catalog", "report", "demo", "--kind", "missing_in_oms")
    assert "NOPE" in {finding["sku"] for finding in report["findings"]}
    assert {finding["kind"] for finding in report["findings"]} == {"missing_in_oms"}
    assert report["counts"]["no_sku"] == 1
    assert report["is_listed"]
    file = tmp_path / "findings.xlsx"
    listing.done("catalog", "report", "demo", "--excel", str(file))
    [header, *rows] = load_workbook(file).active.values
    assert header[:2] == ("finding", "SKU")
    assert ("missing_in_oms", "NOPE") in {row[:2] for row in rows}
    assert listing.run("catalog", "report", "demo", "--excel", str(file)).exit_code == 1


def test_what_the_store_lacks_is_unknown_where_items_are_not_listed(listing: Shop) -> None:
    """An OMS that can't list its items does not show what else it has."""
    with Ledger(listing.database).connect() as db:
        alignments = Alignments(db, "demo")
        with db.transaction():
            alignments.replace_findings([Finding("no_sku", "", "3", "1", "Mug")])
        alignments.note({"no_sku": 1}, is_listed=False, run_id="r1")
    lines = listing.done("catalog", "report", "demo").splitlines()
    [unknown] = [line for line in lines if "missing_in_store" in line]
    assert "unknown" in unknown
