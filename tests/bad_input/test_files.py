"""Invoice files as spreadsheets write them: each row becomes an order or is reported by line."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from random import Random

import orjson
import pytest

from sandbox.seed.load import read
from tests.bad_input.counts import FILES
from tests.bad_input.outcomes import outcome_of
from tests.resources.platforms.bigcommerce.stores import mapper

pytestmark = pytest.mark.slow

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
ROW = "5363{},8512{}A,Candle,6,12/1/2010 8:26,2.55,17850,United Kingdom"
CELLS = (
    "",
    " ",
    "NaN",
    "Infinity",
    "-1",
    "0.5",
    "1e400",
    "9" * 400,
    "0." + "3" * 400,
    "2,55",
    "1.234,50",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "#REF!",
    "\x00",
    "a\x1b[31m",
    "😀",
    "שלום",
    "\u202eevil",
    "'; DROP TABLE x; --",
    "12/31/0010 8:26",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01",
    "13/13/2020",
    "2026-02-30",
    "TRUE",
    '"',
    '""',
    '"a,b"',
    "a;b",
    "a\tb",
    "a\nb",
    "\ufeff",
    "x" * 3_000,
    "C536379",
    "c",
    "POST",
    "D",
    "1E5",
    "１２",
    "٣",
    "-99999999999",
    "1e-400",
    "0x10",
    "1_000",
    "none",
    "NULL",
    "2020-01-01T00:00:00+23:59",
    "45000.5",
)
MAPPER = mapper({"shipping_methods": {"Postage": "STD"}})


def of_cells(random: Random) -> bytes:
    """Build a table of four rows with a few bad cells, rows, columns, line ends and encodings."""
    table = [HEADER.split(","), *(ROW.format(i % 3, i).split(",") for i in range(4))]
    for _ in range(random.choice((1, 2, 3, 5))):
        row = random.randrange(len(table))
        kind, cell = random.randrange(12), random.choice(CELLS)
        if kind == 0:
            table.insert(row, list(table[row]))
        elif kind == 1 and len(table) > 1:
            del table[row]
        elif kind == 2:
            table[row].append(cell)
        elif kind == 3 and table[row]:
            table[row].pop(random.randrange(len(table[row])))
        elif kind == 4:
            table[row] = [cell]
        else:
            at = random.randrange(len(table[row]) or 1)
            table[row][at : at + 1] = [cell]
    delimiter = random.choice((",", ",", ",", ";", "\t"))
    text = random.choice(("\n", "\r\n", "\r", "\n\n")).join(delimiter.join(row) for row in table)
    encoding = random.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    body = text.encode(encoding, "replace")
    if random.random() < 0.1:
        body = body[: random.randrange(len(body) + 1)]
    if random.random() < 0.1:
        at = random.randrange(len(body) + 1)
        body = (
            body[:at]
            + random.choice((b"\xff\xfe", b"\x00" * 9, b'"' * 3, b"\x1a", b"PK\x03\x04"))
            + body[at:]
        )
    return body


def test_every_row_of_a_bad_file_is_an_order_or_reported(tmp_path: Path) -> None:
    """Or the file is refused with a message; its orders are mapped or rejected with advice."""
    outcomes: Counter[str] = Counter()
    for number in range(FILES):
        seed = 7_000_000 + number
        random = Random(seed)
        body = of_cells(random)
        file = tmp_path / ("invoices.csv.gz" if random.random() < 0.2 else "invoices.csv")
        packed = gzip.compress(body, 1) if file.suffix == ".gz" else body
        file.write_bytes(packed if random.random() < 0.95 else packed[: len(packed) // 2])
        try:
            outcomes += taken(file)
        except BaseException as error:
            raise AssertionError(
                f"seed {seed}: {type(error).__name__}: {error}\n{body[:2000]!r}"
            ) from error
        file.unlink()
    assert outcomes["refused"] + outcomes["read"] == FILES
    assert outcomes["refused"] > FILES // 20
    assert outcomes["mapped"] > FILES


def taken(file: Path) -> Counter[str]:
    """Read a file and map its orders; return the number of each outcome."""
    try:
        seed = read(file)
    except ValueError as error:
        return Counter({"refused" if str(file) in str(error) else "no message": 1})
    documents = list(seed.documents())
    assert len(documents) == seed.counts.get("orders", 0)
    assert len({document["id"] for document in documents}) == len(documents), (
        "no order replaces another"
    )
    assert all(entry.line > 1 and entry.reason for entry in seed.unreadable)
    lines = sum(len(document["products"]) for document in documents)
    assert lines <= seed.counts.get("rows", 0)
    outcomes = Counter(read=1)
    for document in documents:
        outcome, fault = outcome_of(
            lambda body: MAPPER.to_order(body, lambda _: False), orjson.dumps(order_of(document))
        )
        assert fault == ""
        outcomes[outcome] += 1
    return outcomes


def order_of(document: dict[str, object]) -> dict[str, object]:
    """Return a seed's document in the form of the store's list, with lines in a consignment."""
    content = dict(document)
    products, addresses = content.pop("products"), content.pop("shipping_addresses", [])
    assert isinstance(addresses, list)
    assert isinstance(products, list)
    place = addresses[0] if addresses else {}
    lines = [{"id": i} | line for i, line in enumerate(products, 1)]
    costs = {
        key: content.get(f"shipping_{key}") for key in ("cost_ex_tax", "cost_inc_tax", "cost_tax")
    }
    return content | {
        "consignments": {
            "shipping": [
                {"id": 1, "shipping_method": "Postage", **place, **costs, "line_items": lines}
            ]
        }
    }


def test_a_workbook_is_refused_with_advice(tmp_path: Path) -> None:
    """Its sheet can be saved as CSV; an Excel "Unicode text" file can be read."""
    for name in ("orders.xlsx", "orders.XLS", "orders.ods"):
        file = tmp_path / name
        file.write_bytes(b"PK\x03\x04")
        with pytest.raises(ValueError, match="workbook; save its sheet as CSV"):
            read(file)
    unicode_text = tmp_path / "orders.txt"
    unicode_text.write_bytes(
        "\n".join((HEADER, ROW.format(1, 2))).replace(",", "\t").encode("utf-16")
    )
    assert read(unicode_text).counts["orders"] == 1


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """Wherever it was cut; half of a file is never used."""
    whole = gzip.compress("\n".join((HEADER, *(ROW.format(i, i) for i in range(500)))).encode())
    file = tmp_path / "orders.csv.gz"
    for size in (0, 5, 40, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="orders"):
            read(file)


def test_a_repeated_column_is_refused(tmp_path: Path) -> None:
    """Otherwise the last one would be used silently."""
    file = tmp_path / "orders.csv"
    file.write_text(f"{HEADER},Quantity\n{ROW.format(1, 2)},7\n")
    with pytest.raises(ValueError, match="column quantity twice"):
        read(file)


def test_a_field_of_megabytes_loses_its_own_row_only(tmp_path: Path) -> None:
    """It is longer than the limit of the csv module, quoted or not."""
    file = tmp_path / "orders.csv"
    for cell in ("x" * 300_000, '"' + "x" * 300_000 + '"', '"' + "x\n" * 100_000):
        rows = [ROW.format(1, 1), ROW.format(2, 2).replace("Candle", cell), ROW.format(3, 3)]
        file.write_text("\n".join((HEADER, *rows)) + "\n")
        found = read(file)
        assert {"53631", "53633"} <= {
            document["external_order_id"] for document in found.documents()
        }, cell[:5]
