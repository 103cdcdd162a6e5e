"""Tests of ``lockstep catalog template|export|import|set``: products changed by sheet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
import sqlalchemy.exc
from openpyxl import load_workbook

from domain.records.catalog import Product, Variant
from orchestration.local import in_process
from resources.ledger.ledger import Ledger
from resources.ledger.records.products import Products, ProductVersion
from resources.sheets.reader import COLUMNS, NEW_COLUMNS
from resources.sheets.writer import write
from tests import loopback
from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.usefixtures("direct_runs")]

Json = dict[str, Any]
SOLD: tuple[Json, ...] = (
    {"id": 900, "sku": "CUP-9", "name": "Cup", "price": 1},
    {
        "id": 901,
        "sku": "TEE",
        "name": "Tee",
        "price": 1,
        "variants": [{"sku": "TEE-S"}, {"sku": "TEE-L"}],
    },
)


@pytest.fixture
def listing(shop: Shop) -> Shop:
    """A connection with the streams, whose products the ledger knows."""
    shop.change(streams=["orders", "inventory", "shipments", "catalog", "listings"])
    shop._control(f"bigcommerce/{shop.store}/catalog", list(SOLD))
    with Ledger(shop.database).connect() as db:
        versions = [
            ProductVersion(
                Product(
                    product_id=str(one["id"]),
                    name=one["name"],
                    variants=tuple(
                        Variant(variant_id=str(place), sku=variant["sku"])
                        for place, variant in enumerate(one.get("variants", [one]))
                    ),
                ),
                datetime.now(UTC),
                uuid4(),
            )
            for one in SOLD
        ]
        Products(db, "demo").put(versions)
    return shop


def shown(shop: Shop) -> dict[int, Json]:
    """Return the products as the store has them."""
    url = f"{shop.url}/_sandbox/bigcommerce/{shop.store}/products"
    rows = loopback.request("GET", url).json()["products"]
    return {row["id"]: row for row in rows}


def results(file: Path) -> list[str]:
    """Return the column "result" of a sheet."""
    sheet = load_workbook(file).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    return [str(row[header.index("result")]) for row in rows]


def test_good_rows_of_a_sheet_go_on_and_every_row_has_a_result(
    listing: Shop, tmp_path: Path
) -> None:
    """A bad row keeps none back; imported again, what is right is written no second time."""
    file, outcome = tmp_path / "products.xlsx", tmp_path / "products.result.xlsx"
    rows = [
        ("CUP-9", "Stoneware cup", "<p>Blue</p>", "2 years", "https://img.example.com/1.jpg"),
        ("NOPE", "Title", "", "", ""),
        ("TEE-S", "", "", "", "ftp://img.example.com/1.jpg"),
        ("CUP-9", "Another title", "", "", ""),
        ("TEE-L", "Linen tee", "", "", ""),
    ]
    write(file, "products", COLUMNS, rows)
    result = listing.run("catalog", "import", "demo", str(file), "--dry-run")
    assert result.exit_code == 1
    assert shown(listing)[900]["name"] == "Cup"
    outcome.unlink()

    result = listing.run("catalog", "import", "demo", str(file))
    assert result.exit_code == 1
    assert "5 rows, 2 done, 3 not" in result.output
    done, unknown, image, twice, other = results(outcome)
    assert (done, other) == ("done", "done")
    assert "no product with the SKU NOPE" in unknown
    assert "https address" in image
    assert "row 2 names the same product" in twice
    store = shown(listing)
    assert (store[900]["name"], store[900]["warranty"]) == ("Stoneware cup", "2 years")
    assert store[901]["name"] == "Linen tee"

    assert "exists" in listing.run("catalog", "import", "demo", str(file)).output
    outcome.unlink()
    listing.run("catalog", "import", "demo", str(file))
    with Ledger(listing.database).connect() as db:
        [sent] = db.execute(
            "SELECT count(*) FROM sync.message_log WHERE stream = 'listings'"
        ).fetchone() or (0,)
    assert sent == 2


def fill(template: Path, file: Path) -> None:
    """Fill a template in as people do: with numbers, a formula, merged cells, and a row twice."""
    book = load_workbook(template)
    sheet = book.active
    for row in (
        {"sku": "CUP-9", "title": "Stoneware cup", "brand": "Kiln"},
        {"sku": 120, "title": "Jar"},
        {"sku": "TEE-S", "title": "=A2"},
        {"sku": "TEE-L", "title": "Linen tee"},
        {"sku": "TEE-S", "title": "Cotton tee"},
        {"sku": "CUP-9", "title": "Merged"},
    ):
        sheet.append([row.get(name) for name in (*COLUMNS, *NEW_COLUMNS)])
    sheet.merge_cells("B7:C7")
    book.save(file)


def test_a_sheet_is_filled_in_interrupted_corrected_and_imported_again(
    listing: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for before the interruption is sent once; the sheet of results is a sheet."""
    template, file, outcome = (tmp_path / f"{name}.xlsx" for name in ("t", "p", "p.result"))
    listing.done("catalog", "template", str(template))
    fill(template, file)
    listing._control(f"bigcommerce/{listing.store}/brands", [{"id": 31, "name": "Kiln"}])

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(in_process, "run_partitions", interrupted)
        assert listing.run("catalog", "import", "demo", str(file)).exit_code == 1
    assert (shown(listing)[900]["name"], outcome.exists()) == ("Cup", False)
    assert listing.run("catalog", "import", "demo", str(file)).exit_code == 1
    cup, jar, formula, tee, twice, merged = results(outcome)
    assert (cup, tee) == ("done", "done")
    assert "A3 (sku) is a number" in jar
    assert "B4 (title) is a formula" in formula
    assert "row 5 names the same product" in twice
    assert "merged" in merged
    assert (shown(listing)[900]["brand_id"], shown(listing)[901]["name"]) == (31, "Linen tee")

    book = load_workbook(outcome)
    sheet = book.active
    for number in (7, 6, 4, 3):
        sheet.delete_rows(number)
    sheet["B3"] = "Cotton tee"
    again = tmp_path / "again.xlsx"
    book.save(again)
    assert "2 rows, 2 done, 0 not" in listing.done("catalog", "import", "demo", str(again))
    assert shown(listing)[901]["name"] == "Cotton tee"
    with Ledger(listing.database).connect() as db:
        [sent] = db.execute(
            "SELECT count(*) FROM sync.message_log WHERE stream = 'listings'"
        ).fetchone() or (0,)
    assert sent == 3


def test_one_product_is_set_by_its_sku_and_shown_in_trace(listing: Shop) -> None:
    """The delivery is in the product's history; a mistake changes nothing."""
    text = listing.done("catalog", "set", "demo", "CUP-9", "--title", "Set cup")
    assert text.strip().endswith("CUP-9: done")
    assert shown(listing)[900]["name"] == "Set cup"
    assert "update" in listing.done("trace", "900", "--entity", "product")
    assert listing.run("catalog", "set", "demo", "CUP-9").exit_code == 2
    wrong = listing.run("catalog", "set", "demo", "NOPE", "--title", "x")
    assert wrong.exit_code == 1
    assert "no product with the SKU NOPE" in wrong.output


def test_a_run_that_dagster_ends_is_an_error_of_one_sentence(
    listing: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a check that blocks its rest: no traceback, and the row's result says it waits."""

    def blocked(*_: object, **__: object) -> None:
        raise dg.DagsterInvariantViolationError("1 blocking asset check failed:\ndemo")

    monkeypatch.setattr(in_process, "run_partitions", blocked)
    result = listing.run("catalog", "set", "demo", "CUP-9", "--title", "Set cup")
    assert result.exit_code == 1
    assert "1 blocking asset check failed: demo" in result.output
    assert "Traceback" not in result.output


def test_a_database_that_is_lost_during_a_run_is_an_error_of_one_sentence(
    listing: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's storage notices it first, in a library of its own."""

    def lost(*_: object, **__: object) -> None:
        reason = psycopg.OperationalError("server closed the connection unexpectedly")
        raise sqlalchemy.exc.OperationalError("SELECT secret", {"name": "Jane"}, reason)

    monkeypatch.setattr(in_process, "run_partitions", lost)
    result = listing.run("catalog", "set", "demo", "CUP-9", "--title", "Set cup")
    assert result.exit_code == 1
    assert "The database can't be reached (server closed the connection" in result.output
    assert not {"Traceback", "secret", "Jane"} & set(result.output.split())


def test_a_template_is_empty_and_an_export_has_the_products(listing: Shop, tmp_path: Path) -> None:
    """Neither replaces a file that is there."""
    template, export = tmp_path / "template.xlsx", tmp_path / "export.xlsx"
    listing.done("catalog", "template", str(template))
    header = (*COLUMNS, *NEW_COLUMNS)
    assert [tuple(row) for row in load_workbook(template).active.values] == [header]
    assert listing.run("catalog", "template", str(template)).exit_code == 1
    assert "0 products" in listing.done("catalog", "export", "demo", str(export))


def test_a_product_that_the_store_lacks_is_created_from_the_command_line(listing: Shop) -> None:
    """Where the connection says so and its catalog was read; trace shows it."""
    given = (
        "catalog",
        "set",
        "demo",
        "NEW-1",
        "--title",
        "New cup",
        "--price",
        "5",
        "--weight",
        "1",
    )
    assert "no product with the SKU NEW-1" in listing.run(*given).output
    listing.change(catalog={"create_products": "hidden"})
    assert "not been read completely" in listing.run(*given).output
    with Ledger(listing.database).connect() as db:
        Products(db, "demo").note_read()
        db.execute(
            """INSERT INTO sync.watermark (connection, stream, captured_at)
               VALUES ('demo', 'catalog', clock_timestamp()) ON CONFLICT (connection, stream)
               DO UPDATE SET captured_at = excluded.captured_at"""
        )
    assert "would be created" in listing.done(*given, "--dry-run")
    assert listing.done(*given).strip().endswith("NEW-1: done")
    [made] = [product for product in shown(listing).values() if product["sku"] == "NEW-1"]
    assert (made["name"], made["price"], made["is_visible"]) == ("New cup", 5, False)
    assert "create" in listing.done("trace", "new:NEW-1", "--entity", "product")
