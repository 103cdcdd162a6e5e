"""Files of an Anchanto account as programs and people spoil them: no row is lost without a word."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openpyxl import Workbook

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.policies import InventoryPolicy
from domain.skus import sku_key
from domain.sources import AnySource
from domain.values import Window
from tests.bad_input.counts import EXCHANGE_FILES, EXCHANGE_ROWS
from tests.bad_input.outcomes import is_showable
from tests.bad_input.test_files import CELLS
from tests.bad_input.test_sheets import TYPED, damaged
from tests.resources.oms.anchanto.files_samples import HEADER, file_settings, put, source_of
from tests.resources.oms.anchanto.test_files_orders import EVER, SHIPMENT, STATUS, account

pytestmark = [
    pytest.mark.slow(seconds=18),
    pytest.mark.filterwarnings("ignore:File contains an invalid specification"),
]

ROWS_A_FILE = 250
HEADERS = {"stock": HEADER, "statuses": STATUS, "shipments": SHIPMENT}
BY_NODE = InventoryPolicy(mode="by_node", nodes={"EAST": "default", "WEST": "w"})


def row_of(kind: str, random: Random, number: int, spoilt: tuple[Any, ...]) -> list[Any]:
    """Return a good row, of which one or two cells are spoilt in half of the cases."""
    row: list[Any] = {
        "stock": [f"SKU-{number}", random.choice(("EAST", "WEST")), random.choice((3, "4"))],
        "statuses": [f"T-{number}", random.choice(("New", "Packed", "Canceled"))],
        "shipments": [f"T-{number}", "S1", "TRACK", "Packed", "SKU-1", 2],
    }[kind]
    for _ in range(random.choice((0, 0, 1, 2))):
        row[random.randrange(len(row))] = random.choice(spoilt)
    return row


def write(path: Path, kind: str, rows: list[list[Any]]) -> Path:
    """Write a file, as texts or with the types that programs give them."""
    if path.suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in [list(HEADERS[kind]), *rows]:
            sheet.append(row)
        book.save(path)
        return path
    with path.open("w", newline="", encoding="utf-8", errors="replace") as out:
        texts = [[str(cell).replace("\x00", "\x01") for cell in row] for row in rows]
        csv.writer(out).writerows([HEADERS[kind], *texts])
    return path


def outcomes_of(source: AnySource, window: Window, seen: Counter[str]) -> list[str]:
    """Return what the rejections say; every record has one outcome."""
    problems: list[Problem] = []
    for record in (each for page in source.fetch(window) for each in page.records):
        try:
            mapped = source.to_canonical(record.payload)
        except RecordRejected as rejected:
            seen["rejected"] += 1
            problems += rejected.problems
            continue
        assert isinstance(mapped, Mapped | Skipped)
        seen["accepted" if isinstance(mapped, Mapped) else "skipped"] += 1
    assert all(problem.advice and problem.field for problem in problems)
    assert [p.message for p in problems if not is_showable(p.message)] == []
    return [problem.message for problem in problems]


def test_every_row_of_a_spoilt_file_of_stock_is_used_or_named(tmp_path: Path) -> None:
    """Rows of one SKU at one warehouse stand for each other."""
    seen: Counter[str] = Counter()
    for number in range(EXCHANGE_ROWS // 2 // ROWS_A_FILE):
        folder, random = tmp_path / str(number), Random(number)
        suffix = "xlsx" if number % 5 == 0 else "csv"
        spoilt = TYPED if suffix == "xlsx" else CELLS
        rows = [row_of("stock", random, n, spoilt) for n in range(ROWS_A_FILE)]
        source = source_of(file_settings(folder), BY_NODE)
        write(folder / f"stock/s.{suffix}", "stock", rows)
        records = [each for page in source.fetch(EVER) for each in page.records]
        outcomes_of(source, EVER, seen)
        assert list((folder / "stock/taken").iterdir())
        payloads = b"\n".join(record.payload for record in records)
        for row in rows:
            if row[1] in ("EAST", "WEST") and isinstance(row[0], str) and row[0].startswith("SKU"):
                assert row[0].strip().encode() in payloads, row
        assert len({(record.source_id) for record in records}) == len(records)
        named = {sku_key(str(row[0])) for row in rows if str(row[0]).startswith("SKU-")}
        assert len(records) >= len(named) * 0.9
    assert min(seen["accepted"], seen["rejected"]) > EXCHANGE_ROWS // 20


@pytest.mark.parametrize("kind", ["statuses", "shipments"])
def test_every_row_of_a_spoilt_file_of_orders_is_used_or_named(tmp_path: Path, kind: str) -> None:
    """Orders that were not sent are skipped or rejected; none of them stops the others."""
    seen: Counter[str] = Counter()
    for number in range(EXCHANGE_ROWS // 4 // ROWS_A_FILE):
        folder, random = tmp_path / str(number), Random(number)
        suffix = "xlsx" if number % 5 == 0 else "csv"
        spoilt = TYPED if suffix == "xlsx" else CELLS
        rows = [row_of(kind, random, n, spoilt) for n in range(ROWS_A_FILE)]
        source = account(folder).sources["shipments"]
        write(folder / f"{kind}/s.{suffix}", kind, rows)
        assert outcomes_of(source, EVER, seen) or seen["skipped"]
        assert list((folder / kind / "taken").iterdir())
        known = {r.source_id for page in source.fetch(EVER) for r in page.records}
        ours = {row[0] for row in rows if isinstance(row[0], str) and row[0].startswith("T-")}
        assert ours <= known
    assert sum(seen.values()) > EXCHANGE_ROWS // 4 * 0.7


def test_every_damaged_file_is_taken_or_set_aside(tmp_path: Path) -> None:
    """With its reason; what was known stays, and the next file is taken."""
    good = put(tmp_path / "good.xlsx", *((f"SKU-{n}", "EAST", n) for n in range(6)))
    settings = file_settings(tmp_path / "x")
    source, folder = source_of(settings, BY_NODE), tmp_path / "x/stock"
    seen: Counter[str] = Counter()
    for number in range(EXCHANGE_FILES):
        damaged(good, folder / f"s\x07{number}.xlsx", Random(number))
        if number % 20 == 19:
            outcomes_of(source, EVER, seen)
    taken, failed = (len(list((folder / name).glob("*.xlsx"))) for name in ("taken", "failed"))
    assert taken + failed == EXCHANGE_FILES
    assert min(taken, failed) > EXCHANGE_FILES // 20
    assert len(list((folder / "failed").glob("*.reason.txt"))) == failed
    put(folder / "last.csv", ("LAST", "EAST", 7))
    source_ids = [record.source_id for page in source.fetch(EVER) for record in page.records]
    assert "LAST@EAST" in source_ids
