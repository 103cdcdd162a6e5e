"""Orders read from CSVs of invoices: dirt is kept and nothing is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sandbox.seed.load import read

INVOICES = """Country,InvoiceNo,stockcode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID
United Kingdom,536365,85123A,Candle,6,12/1/2010 8:26,2.55,17850.0
Unspecified,536366,71053,"Mug, big",-2,2010-12-01 08:28:00,"3,39",
United Kingdom,536365,POST,Postage,1,12/1/2010 8:26,15.00,17850
United Kingdom,C536379,22727,Clock,-3,12/2/2010 9:41,3.75,14527
EIRE,A5,M,Manual caf\xe9,x,nope,-1,abc
United Kingdom,,22,Stray,1,,,
United Kingdom,536365,D,Discount,-1,12/1/2010 8:26,1.30,17850
,536400,,,1,,,
"""


def invoices(folder: Path, content: str = INVOICES, name: str = "online.csv.gz") -> Path:
    """Write a Latin-1 CSV of invoices, gzipped if its name says so."""
    data = content.encode("latin-1")
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def test_scattered_rows_of_an_invoice_make_one_order(tmp_path: Path) -> None:
    """Postage is shipping, D is a discount, the rest are lines, and the amounts add up."""
    order = next(iter(read(invoices(tmp_path)).documents()))
    assert (order["id"], order["external_order_id"], order["customer_id"], order["status_id"]) == (
        536365,
        "536365",
        17850,
        11,
    )
    assert [(line["sku"], line["quantity"]) for line in order["products"]] == [("85123A", 6)]
    assert [
        order[key] for key in ("shipping_cost_inc_tax", "discount_amount", "total_inc_tax")
    ] == ["15.0000", "1.3000", "29.0000"]
    assert order["products"][0]["applied_discounts"][0]["amount"] == "1.3000"


def test_a_cancellation_is_a_canceled_order_of_positive_quantities(tmp_path: Path) -> None:
    """Quantities of a C invoice become positive; a normal one keeps its negative quantity."""
    _, negative, canceled, *_ = read(invoices(tmp_path)).documents()
    assert (canceled["status_id"], canceled["id"], canceled["products"][0]["quantity"]) == (
        5,
        536379,
        3,
    )
    assert (
        negative["status_id"],
        negative["products"][0]["quantity"],
        negative["products"][0]["price_inc_tax"],
    ) == (11, -2, "3.3900")
    assert (
        negative["customer_id"] == 0
        and negative["staff_notes"] == 'line 3: price "3,39" read as 3.39'
    )


def test_invalid_fields_of_an_invoice_stay_visible(tmp_path: Path) -> None:
    """Notes name unreadable fields, empty ones stay empty, an unknown country has no code."""
    seed = read(invoices(tmp_path))
    _, unspecified, _, manual, empty = seed.documents()
    assert (
        manual["staff_notes"]
        == 'line 6: quantity "x" is not an integer; invoice date "nope" is not a date; '
        'customer "abc" is not a number'
    )
    assert (
        manual["products"][0]["sku"],
        manual["products"][0]["name"],
        manual["products"][0]["quantity"],
    ) == ("M", "Manual café", 0)
    assert (manual["billing_address"]["country"], manual["billing_address"]["country_iso2"]) == (
        "EIRE",
        "IE",
    )
    assert (
        unspecified["billing_address"]["country"],
        unspecified["billing_address"]["country_iso2"],
    ) == ("Unspecified", "")
    assert (empty["products"][0]["sku"], empty["products"][0]["price_inc_tax"]) == (
        "",
        "none given",
    )
    assert [(row.line, row.reason) for row in seed.unreadable] == [(7, "no InvoiceNo")]
    assert {item["ItemId"] for item in seed.items} == {"85123A", "71053", "22727"}
    assert seed.last_day.isoformat() == "2010-12-02"


def test_colliding_invoice_numbers_get_separate_ids(tmp_path: Path) -> None:
    """C5 and 5 share their digits, X-1 has none: none of them gets the id of 9."""
    rows = (
        "InvoiceNo,StockCode,Quantity,UnitPrice\n"
        "5,11111,1,1\nC5,11111,-1,1\nX-1,11111,1,1\n9,11111,1,1\n"
    )
    assert [order["id"] for order in read(invoices(tmp_path, rows, "a.csv")).documents()] == [
        10,
        11,
        12,
        9,
    ]


def test_semicolons_and_the_later_column_names_are_read(tmp_path: Path) -> None:
    """A semicolon export with the later headers is read, also as the only file of a folder."""
    invoices(
        tmp_path,
        "\ufeff".encode().decode("latin-1")
        + "Invoice;StockCode;Quantity;Price;Customer ID\n7;11111;2;1,50;12\n",
        "a.csv",
    )
    (order,) = read(tmp_path).documents()
    assert (order["id"], order["customer_id"], order["total_inc_tax"]) == (7, 12, "3.0000")


def test_a_missing_closing_quote_swallows_no_rows(tmp_path: Path) -> None:
    """A stray quote is text of its row; the following rows stay rows up to the next quote."""
    head, stray = (
        "InvoiceNo,StockCode,Quantity,UnitPrice,Description\n1,11111,1,1,fine\n",
        '2,11111,1,1,"open\n',
    )
    rows = (
        head
        + stray
        + "".join(
            f"{n},11111,1,1,{text}\n"
            for n, text in ((3, "x"), (4, "y"), (5, '"Mug, big"'), (6, '"12"" tray"'))
        )
    )
    seed = read(
        invoices(
            tmp_path,
            rows
            + stray.replace("2", "7")
            + "".join(f"{n},11111,1,1,x\n" for n in range(100, 9000)),
            "a.csv",
        )
    )
    names = {order["id"]: order["products"][0]["name"] for order in seed.documents()}
    assert len(names) == 7 + 8900 and not seed.unreadable
    assert [names[n] for n in range(1, 8)] == [
        "fine",
        '"open',
        "x",
        "y",
        "Mug, big",
        '12" tray',
        '"open',
    ]


def test_a_field_of_several_lines_stays_one_field(tmp_path: Path) -> None:
    """A description with a line break is not a missing quote."""
    seed = read(
        invoices(
            tmp_path,
            "InvoiceNo,Description,StockCode,Quantity,UnitPrice\n"
            '1,"two\nlines",11111,1,1\n2,x,11111,1,1\n',
            "a.csv",
        )
    )
    assert [order["products"][0]["name"] for order in seed.documents()] == ["two\nlines", "x"]


def test_a_path_without_a_known_layout_is_refused_with_the_layouts(tmp_path: Path) -> None:
    """A folder, a file and a missing path are refused; the error names the layouts."""
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for path in (tmp_path, tmp_path / "notes.csv"):
        with pytest.raises(
            ValueError, match=r"order_items.csv.*InvoiceNo|order_items.csv.*invoiceno"
        ):
            read(path)
    with pytest.raises(ValueError, match="does not exist"):
        read(tmp_path / "nowhere")
