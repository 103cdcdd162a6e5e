"""Orders read from the Olist tables: dirt is kept and nothing is lost."""

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


@pytest.mark.slow
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
