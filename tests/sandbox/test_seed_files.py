"""Orders from files, Olist tables and CSVs of invoices: dirt is kept and nothing is lost."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.seed.load import read
from tests.shared import shared_path

ORDERS = """order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at
late,c1,delivered,2017-05-02 10:00:00,2017-05-02 11:00:00
early,c2,canceled,2017-05-01 09:00:00,
bare,c1,created,2017-05-03 09:00:00,
odd,missing,teleported,not a time,
,c1,delivered,2017-05-01 09:00:00,
late,c1,delivered,2017-05-02 10:00:00,
"""
ITEMS = """order_id,order_item_id,product_id,seller_id,price,freight_value
late,1,p1,s1,10.5,2.00
late,2,p1,s1,10.5,2.00
late,3,p2,s2,5,1.25
early,1,unknown,s1,7.00,0
odd,1,p1,s1,oops,
elsewhere,1,p1,s1,1,1
"""
PAYMENTS = """order_id,payment_sequential,payment_type,payment_installments,payment_value
late,2,voucher,1,11.25
late,1,credit_card,3,20.00
early,1,boleto,1,7.01
other,1,boleto,1,5
"""
CUSTOMERS = """customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,abcdef0123456789,4571,sao paulo,SP
c2,abcdef0123456789,01310,sao paulo,SP
"""
PRODUCTS = """product_id,product_category_name
p1,beleza_saude
p2,
p3,artes
"""
NAMES = "product_category_name,product_category_name_english\nbeleza_saude,health_beauty\n"
TABLES = {
    "orders": ORDERS,
    "order_items": ITEMS,
    "order_payments": PAYMENTS,
    "customers": CUSTOMERS,
    "products": PRODUCTS,
}
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


def write_olist(folder: Path, tables: Mapping[str, str] = TABLES) -> Path:
    """Write a folder of Olist tables, some gzipped and some under the published names."""
    (folder / "product_category_name_translation.csv").write_text(NAMES, encoding="utf-8")
    for name, content in tables.items():
        if name in ("orders", "customers"):
            (folder / f"olist_{name}_dataset.csv").write_text(content, encoding="utf-8")
        else:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(content.encode()))
    return folder


def test_olist_orders_are_numbered_in_the_order_of_purchase(tmp_path: Path) -> None:
    """Ids follow purchase time, undated orders last, and the Olist id is kept."""
    documents = [*read(write_olist(tmp_path)).documents()]
    assert [(document["id"], document["external_order_id"]) for document in documents] == [
        (1001, "early"),
        (1002, "late"),
        (1003, "bare"),
        (1004, "odd"),
    ]
    assert [document["status_id"] for document in documents] == [5, 11, 7, 12]
    assert documents[1]["date_created"] == "Tue, 02 May 2017 10:00:00 +0000"
    assert documents[1]["date_modified"] == "Tue, 02 May 2017 11:00:00 +0000"
    assert documents[3]["date_created"] == "Wed, 03 May 2017 09:00:00 +0000"


def test_olist_items_become_lines_and_payments_become_the_total(tmp_path: Path) -> None:
    """Repeated products become a quantity, freight is shipping, the payments are the total."""
    _, order, bare, odd = read(write_olist(tmp_path)).documents()
    assert [
        (line["sku"], line["quantity"], line["total_inc_tax"]) for line in order["products"]
    ] == [
        ("p1", 2, "21.0000"),
        ("p2", 1, "5.0000"),
    ]
    assert (
        order["shipping_cost_inc_tax"],
        order["total_inc_tax"],
        order["gift_certificate_amount"],
    ) == ("5.2500", "31.2500", "11.2500")
    assert [
        (entry["event"], entry["method"], entry["amount"]) for entry in order["transactions"]
    ] == [
        ("authorization", "credit_card", 20.0),
        ("purchase", "gift_certificate", 11.25),
    ]
    assert order["shipping_addresses"][0]["zip"] == "4571"
    assert bare["products"] == [] and bare["transactions"] == []
    assert (
        odd["products"][0]["price_inc_tax"] == "oops"
        and odd["shipping_addresses"][0]["base_cost"] == ""
    )


def test_an_olist_order_with_other_payments_does_not_add_up(tmp_path: Path) -> None:
    """A difference of a cent between items and payments is left in the order."""
    early = next(read(write_olist(tmp_path)).documents())
    assert (early["subtotal_inc_tax"], early["total_inc_tax"]) == ("7.0000", "7.0100")


def test_olist_rows_that_belong_to_no_order_are_reported(tmp_path: Path) -> None:
    """Skipped rows are reported with file, line and reason; foreign payments are counted."""
    seed = read(write_olist(tmp_path))
    assert [(row.file, row.line) for row in seed.unreadable] == [
        ("olist_orders_dataset.csv", 6),
        ("olist_orders_dataset.csv", 7),
        ("order_items.csv.gz", 7),
    ]
    wanted = {
        "orders": 4,
        "unreadable": 3,
        "payments_of_other_orders": 1,
        "without_items": 1,
        "several_payments": 1,
        "product_unknown": 1,
    }
    assert wanted.items() <= seed.counts.items()
    assert [item["ItemId"] for item in seed.items] == ["p1", "p2"]


def test_a_missing_olist_table_is_named(tmp_path: Path) -> None:
    """The error names the missing file, under both names."""
    write_olist(
        tmp_path, {name: content for name, content in TABLES.items() if name != "customers"}
    )
    with pytest.raises(
        ValueError, match=r"lacks customers.csv\[.gz\] \(or olist_customers_dataset"
    ):
        read(tmp_path)


def test_every_shared_olist_order_becomes_a_document() -> None:
    """All 8,000 orders of the shared tables are read, with the dirt that their notice names."""
    seed = read(shared_path("data/olist"))
    documents = [*seed.documents()]
    assert len({document["id"] for document in documents}) == seed.counts["orders"] == 8000
    assert seed.unreadable == []
    assert seed.counts["without_items"] == sum(not document["products"] for document in documents)
    assert seed.counts["several_payments"] == sum(
        len(document["transactions"]) > 1 for document in documents
    )
    unlike = sum(
        Decimal(document["subtotal_inc_tax"]) + Decimal(document["shipping_cost_inc_tax"])
        != Decimal(document["total_inc_tax"])
        for document in documents
    )
    assert seed.counts["total_not_matching"] == unlike
    known = {item["ItemId"] for item in seed.items}
    assert all(line["sku"] in known for document in documents for line in document["products"])
    assert sum(len(document["shipping_addresses"][0]["zip"]) == 4 for document in documents) > 1000


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


def test_a_cancellation_is_a_cancelled_order_of_positive_quantities(tmp_path: Path) -> None:
    """Quantities of a C invoice become positive; a normal one keeps its negative quantity."""
    _, negative, cancelled, *_ = read(invoices(tmp_path)).documents()
    assert (cancelled["status_id"], cancelled["id"], cancelled["products"][0]["quantity"]) == (
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
