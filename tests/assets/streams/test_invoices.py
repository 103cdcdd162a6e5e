"""Invoices with all their dirt, from a file to the OMS: delivered, rejected or skipped by rule."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from sandbox.seed.load import post, read
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
ORDERS: Json = {
    "uom": "EA",
    "shipping_methods": {"Postage": "Ground"},
    "default_payment_method": "Credit Card",
}
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
DELIVERED = ("accepted", "delivered")
CANCELLED = ("skipped", "cancelled_before_export")

# Rows of one invoice (without their date, %d) -> what happens to it.
CASES: dict[str, tuple[list[str], tuple[str, str]]] = {
    "101": (
        [
            "101,85123A,HEART,6,{d},2.55,17850,United Kingdom",
            "101,71053,LANTERN,6,{d},3.39,17850,United Kingdom",
        ],
        DELIVERED,
    ),
    "102": (["102,85123A,,6,{d},2.55,,United Kingdom"], DELIVERED),  # no description, no customer
    "103": (
        ["103,85123A,HEART,6,{d},,17850,United Kingdom"],
        ("rejected", "malformed_value"),
    ),  # no price
    "104": (["104,85123A,HEART,6,{d},cheap,17850,United Kingdom"], ("rejected", "malformed_value")),
    "105": (
        ['105,85123A,HEART,6,{d},"2,55",17850,United Kingdom'],
        DELIVERED,
    ),  # a decimal comma, which the seed reads
    "106": (
        ["106,85123A,HEART,-6,{d},2.55,17850,United Kingdom"],
        ("rejected", "quantity_invalid"),
    ),
    "107": (["107,85123A,HEART,0,{d},2.55,17850,United Kingdom"], ("rejected", "quantity_invalid")),
    "108": (
        ["108,85123A,HEART,six,{d},2.55,17850,United Kingdom"],
        ("rejected", "quantity_invalid"),
    ),
    "109": (
        ["109,85123A,HEART,6,last Tuesday,2.55,17850,United Kingdom"],
        ("rejected", "date_invalid"),
    ),
    "110": (
        ["110,85123A,HEART,6,,2.55,17850,United Kingdom"],
        DELIVERED,
    ),  # no date: the store dates it
    "111": (["111,,,,{d},,,"], ("rejected", "sku_missing")),  # nothing but a number
    "112": (
        ["112,GADGET,NOT AN ARTICLE,1,{d},2.55,17850,United Kingdom"],
        ("rejected", "sku_unknown"),
    ),
    "113": (
        ["113,85123A,HEART,6,{d},2.55,17850,Unspecified"],
        ("rejected", "country_unknown"),
    ),  # no country that exists
    "114": (["114,85123A,HEART,6,{d},2.55,abc,France"], DELIVERED),
    "115": (["115,85123A,C\xc9L\xc8BRE,6,{d},2.55,17850,France"], DELIVERED),
    "116": (
        ["116,85123A,HEART,6,{d},1.234567,17850,United Kingdom"],
        DELIVERED,
    ),  # the store keeps four decimals
    "117": (
        ["117,85123A,HEART,6,01/01/2999 10:00,2.55,17850,United Kingdom"],
        ("rejected", "date_invalid"),
    ),
    "118": (
        [
            "118,85123A,HEART,6,{d},2.55,17850,United Kingdom",
            "118,POST,POSTAGE,1,{d},18.00,17850,United Kingdom",
            "118,D,Discount,-1,{d},1.50,17850,United Kingdom",
        ],
        DELIVERED,
    ),
    "C119": (["C119,85123A,HEART,-6,{d},2.55,17850,United Kingdom"], CANCELLED),
    "C120": (["C120,85123A,HEART,-6,never,,,"], CANCELLED),
    "121": (
        ["121,85123A,HEART,999999999999,{d},2.55,17850,United Kingdom"],
        ("rejected", "quantity_invalid"),
    ),
    "122": (["122,85123A,HEART,6,{d},-2.55,17850,United Kingdom"], ("rejected", "total_negative")),
    "123": (["123,85123A,HEART,6,{d},1E400,17850,United Kingdom"], ("rejected", "malformed_value")),
}
UNREADABLE = ",85123A,HEART,6,{d},2.55,17850,United Kingdom"


@pytest.mark.parametrize("form", ["utf-8", "latin-1", "gz"])
def test_every_invoice_ends_accounted_for(scene: Scene, tmp_path: Path, form: str) -> None:
    """Missing fields, unusual dates and prices: nothing is lost, and no order blocks another."""
    day = scene.moment().strftime("%m/%d/%Y %H:%M")
    lines = [row.replace("{d}", day) for rows, _ in CASES.values() for row in rows]
    content = "\r\n".join([HEADER, *lines, UNREADABLE.replace("{d}", day), ""]).encode(
        "latin-1" if form == "latin-1" else "utf-8"
    )
    path = tmp_path / ("invoices.csv.gz" if form == "gz" else "invoices.csv")
    path.write_bytes(gzip.compress(content) if form == "gz" else content)
    seed = read(path)
    assert [entry.reason for entry in seed.unreadable] == ["no InvoiceNo"]
    counts = post(scene.url, f"bigcommerce/{scene.store}", f"manhattan/{scene.store}", seed)
    assert (counts["orders"], counts["refused"]) == (len(CASES), 0)

    scene.configure(orders=ORDERS, rejection_threshold=1.0)
    scene.run("orders", raise_on_error=False)

    outcomes = scene.outcomes("orders")
    found = {number: outcomes.get(str(int(number.strip("C")))) for number in CASES}
    expected = {
        number: (state, code or (found[number] or ("", ""))[1])
        for number, (_, (state, code)) in CASES.items()
    }
    assert found == expected
    reasons = dict(scene.sql("SELECT source_id, message FROM sync.rejection WHERE state = 'open'"))
    assert all(
        reasons[number] for number, outcome in found.items() if outcome and outcome[0] == "rejected"
    )
