"""Stock by files: what a file says is kept once, by the newest that says it; originals stay."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from domain.connections import Connection
from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import Mapped
from domain.policies import InventoryPolicy
from domain.sources import Scope
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.oms.anchanto.adapter import build
from resources.oms.anchanto.catalog import CatalogSource
from resources.oms.anchanto.files import inbox as inbox_module
from resources.oms.anchanto.files.inbox import Inbox
from resources.oms.anchanto.files.reader import FileReader
from resources.oms.anchanto.files.state import FILE, State
from resources.oms.anchanto.files.stock import StockFiles
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.settings import AnchantoSettings
from resources.secrets import resolve
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.files_samples import file_settings, put, source_of

WINDOW = Window(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
BY_NODE = InventoryPolicy(mode="by_node", nodes={"east": "default", "west": "w"})


def read(source: InventorySource, *skus: str) -> tuple[dict[str, int], list[str]]:
    """Return SKU@node -> units, and what the rejections say."""
    levels: dict[str, int] = {}
    faults: list[str] = []
    pages = list(source.fetch(WINDOW, Scope(skus or None)))
    assert pages[-1].complete
    for record in (each for page in pages for each in page.records):
        try:
            mapped = source.to_canonical(record.payload)
        except RecordRejected as rejected:
            faults += [problem.message for problem in rejected.problems]
            continue
        assert isinstance(mapped, Mapped)
        levels[record.source_id] = int(mapped.record.available)
    return levels, faults


def test_a_complete_file_replaces_what_is_known_and_is_kept(tmp_path: Path) -> None:
    """Absent rows are gone; the original stays, and a name that comes again is another file."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    file = put(tmp_path / "stock/s.csv", ("A", "EAST", 3), ("B", "WEST", 1), age=50)
    original = file.read_bytes()
    assert read(source) == ({"A@east": 3, "B@west": 1}, [])
    put(tmp_path / "stock/s.csv", ("A", "EAST", 4), age=40)
    assert read(source, "a", "b") == ({"A@east": 4}, [])
    taken = tmp_path / "stock/taken"
    assert sorted(path.name for path in taken.iterdir()) == ["s-2.csv", "s.csv"]
    assert (taken / "s.csv").read_bytes() == original


def test_a_partial_file_leaves_other_rows_as_they_are(tmp_path: Path) -> None:
    """By setting; the sum over the warehouses is of rows from several files."""
    source = source_of(file_settings(tmp_path, {"stock": "partial"}))
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3), ("B", "WEST", 1), age=50)
    put(tmp_path / "stock/2.csv", ("A", "WEST", 4), age=40)
    assert read(source)[0] == {"A@AllWarehouses": 7, "B@AllWarehouses": 1}


def test_an_older_file_that_comes_late_undoes_nothing(tmp_path: Path) -> None:
    """Neither its rows nor what it does not name; a clock that is ahead shuts out no later file."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    put(tmp_path / "stock/new.csv", ("A", "EAST", 3), ("B", "EAST", 2), age=10)
    assert read(source)[0] == {"A@east": 3, "B@east": 2}
    put(tmp_path / "stock/old.csv", ("A", "EAST", 9), ("C", "EAST", 1), age=100)
    assert read(source)[0] == {"A@east": 3, "B@east": 2, "C@east": 1}
    put(tmp_path / "stock/ahead.csv", ("A", "EAST", 5), age=-9_000)
    assert read(source)[0] == {"A@east": 5}
    put(tmp_path / "stock/later.csv", ("A", "EAST", 6), age=-1)
    assert read(source)[0] == {"A@east": 6}


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    """Not even where a row came from; and stock that returns to an earlier number is taken."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    payloads = []
    for name in ("1", "2"):
        put(tmp_path / f"stock/{name}.csv", ("A", "EAST", 3))
        payloads.append([r.payload for page in source.fetch(WINDOW) for r in page.records])
    assert payloads[0] == payloads[1]
    [payload] = payloads[0]
    document = orjson.loads(payload)
    assert document["attributes"] == {"sku": "A", "warehouse_code": "EAST", "available": "3"}
    assert (document["exchange_file"]["file"], document["exchange_file"]["line"]) == ("1.csv", 2)
    for name, units in (("3", 4), ("4", 3)):
        put(tmp_path / f"stock/{name}.csv", ("A", "EAST", units))
        assert read(source)[0] == {"A@east": units}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_row_that_cannot_be_read_is_a_rejection_and_the_others_go_on(
    tmp_path: Path, suffix: str
) -> None:
    """Each with file and line; a SKU of which one row is wrong is not added up without it."""
    source = source_of(file_settings(tmp_path))
    rows = (("A", "EAST", 3), ("", "EAST", 1), ("B", "EAST", "many"), ("C", "EAST", "=1+1"),
            ("C", "WEST", 4), ("D", "EAST", 5))  # fmt: skip
    put(tmp_path / f"stock/s.{suffix}", *rows)
    levels, faults = read(source)
    assert levels == {"A@AllWarehouses": 3, "D@AllWarehouses": 5}
    assert any("C5 (available) is a formula" in fault and "Line 5" in fault for fault in faults)
    assert len({fault for fault in faults if "SKU" in fault}) == 1
    assert (tmp_path / f"stock/taken/s.{suffix}").exists()


def test_excel_may_hold_numbers_and_times_but_no_skus_as_numbers(tmp_path: Path) -> None:
    """120 may have been 00120; a date without its form is not a time."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    noon = datetime(2026, 3, 4, 12)  # noqa: DTZ001 - a workbook has no zones
    header = ("SKU", "Warehouse_Code", "Available", "updated_at", "note")
    rows = (("A", "EAST", 7, noon, "x"), (120, "EAST", 1, noon), ("B", "EAST", 2.5, 45_000),
            ("C", "EAST", True), ("D", "EAST", 1e300))  # fmt: skip
    put(tmp_path / "stock/s.xlsx", *rows, header=header)
    [payload] = [
        record.payload
        for page in source.fetch(WINDOW)
        for record in page.records
        if record.source_id == "A@east"
    ]
    mapped = source.to_canonical(payload)
    assert isinstance(mapped, Mapped)
    assert mapped.record.observed_at == noon.replace(tzinfo=UTC)
    levels, faults = read(source)
    assert levels == {"A@east": 7}
    for cell in ("A3 (sku) is a number", "D4 (updated_at) is a number", "C5 (available) is true"):
        assert any(cell in fault for fault in faults), (cell, faults)


def test_rows_that_contradict_each_other_are_a_rejection(tmp_path: Path) -> None:
    """Whatever a third one says; the same row again is none."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    rows = (("A", "EAST", 3), ("A", "EAST", 4), ("B", "EAST", 1), ("a", "east", 3),
            ("B", "EAST", 1))  # fmt: skip
    put(tmp_path / "stock/s.csv", *rows)
    levels, [fault] = read(source)
    assert levels == {"B@east": 1}
    assert "Line 5 of the file s.csv" in fault
    assert "line 2 has other values" in fault


@pytest.mark.parametrize("row", [("=A1", "EAST", 3), ("A", "=A1", 3)])
def test_a_complete_file_with_a_row_that_cannot_be_read_removes_nothing(
    tmp_path: Path, row: tuple[Any, ...]
) -> None:
    """The row may be of a SKU that would seem to be gone, and the store would show 0."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3), ("B", "EAST", 1), age=50)
    read(source)
    put(tmp_path / "stock/2.csv", row, ("B", "EAST", 2), age=40)
    assert read(source)[0] == {"A@east": 3, "B@east": 2}
    put(tmp_path / "stock/3.csv", ("", "", 9), ("B", "EAST", 3), age=30)
    assert read(source)[0] == {"B@east": 3}, "a row of nothing, such as a total, is no such row"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.xlsx", b"PK\x03\x04 cut", "damaged"),
        ("latin.csv", "sku,available\nM\u00fc,1\n".encode("latin-1"), "line 2 is not in UTF-8"),
        ("wide.csv", "sku,available\nA,1\n".encode("utf-16"), "UTF-8"),
        ("quote.csv", b'sku,available\nA,1\n"B,2\n', "can't be read"),
        ("other.csv", b"item,units\nA,1\n", "no column sku; name the account's columns under"),
        ("empty.csv", b"", "it is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """It changes nothing, is a rejection, and holds up no other file."""
    source = source_of(file_settings(tmp_path), BY_NODE)
    put(tmp_path / "stock/0.csv", ("A", "EAST", 3), age=50)
    read(source)
    (tmp_path / "stock" / name).write_bytes(content)
    os.utime(tmp_path / "stock" / name, (1.7e9, 1.7e9))
    put(tmp_path / "stock/1.csv", ("B", "EAST", 3))
    levels, faults = read(source, "B", "A")
    assert levels == {"B@east": 3}
    assert any(f"The file {name} can't be used" in fault and reason in fault for fault in faults)
    failed = tmp_path / "stock/failed"
    assert (failed / name).read_bytes() == content
    assert reason in (failed / f"{name}.reason.txt").read_text()


def test_a_fault_is_shown_as_long_as_the_setting_says(tmp_path: Path) -> None:
    """It names no record, so that nothing else would take its place; the same again is the same."""
    source = source_of(file_settings(tmp_path, {"keep_faults": "PT100S"}))
    put(tmp_path / "stock/1.csv", ("", "EAST", 1), age=300)
    put(tmp_path / "stock/2.csv", ("", "EAST", 1), age=50)
    assert len(read(source)[1]) == len(set(read(source)[1])) > 0
    put(tmp_path / "stock/3.csv", ("A", "EAST", 1), age=0)
    assert read(source)[1], "it was said again 50 seconds ago"
    other = source_of(file_settings(tmp_path, {"keep_faults": "PT1S"}))
    put(tmp_path / "stock/4.csv", ("A", "EAST", 1))
    assert read(other)[1] == []


def test_a_file_that_is_not_ready_is_left(tmp_path: Path) -> None:
    """Too young, or named as one that some program still writes; a folder, or another kind."""
    settings = file_settings(tmp_path, {"settle": "PT1H"})
    put(tmp_path / "stock/young.csv", ("A", "EAST", 3), age=9_999)
    assert read(source_of(settings)) == ({}, [])
    ready = file_settings(tmp_path)
    for name in (".s.csv", "~$s.xlsx", "s.csv.tmp", "s.txt"):
        (tmp_path / "stock" / name).write_bytes(b"sku,available\nB,1\n")
    (tmp_path / "stock/folder.csv").mkdir()
    assert read(source_of(ready)) == ({"A@AllWarehouses": 3}, [])
    assert len(list((tmp_path / "stock/taken").iterdir())) == 1


def test_a_file_whose_process_has_died_is_taken_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before what the file says was kept, or after; a new file of its name is another one."""
    settings = file_settings(tmp_path)

    def die(*_: Any) -> str:
        raise KeyboardInterrupt

    for place, name in ((StockFiles, "_take"), (Inbox, "_finish")):
        put(tmp_path / "stock/s.csv", ("A", "EAST", 3), age=50)
        with monkeypatch.context() as patch:
            patch.setattr(place, name, die)
            with pytest.raises(KeyboardInterrupt):
                read(source_of(settings))
        put(tmp_path / "stock/s.csv", ("A", "EAST", 3), ("B", "EAST", 1), age=20)
        assert read(source_of(settings))[0] == {"A@AllWarehouses": 3, "B@AllWarehouses": 1}
    assert len(list((tmp_path / "stock/taken").iterdir())) == 4
    assert list((tmp_path / "stock/taking").iterdir()) == []


def test_an_error_within_a_file_leaves_what_was_known(tmp_path: Path) -> None:
    """All of a file is kept, or nothing."""
    state = State(tmp_path)
    source = source_of(file_settings(tmp_path))
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3), age=50)
    read(source)
    known = state.stock(None)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0, "it is for Lockstep's user only"
    with suppress(KeyError), state.taking(2**62) as taking:
        taking.drop_others()
        raise KeyError
    assert state.stock(None) == known


def test_the_accounts_names_of_columns_are_settings(tmp_path: Path) -> None:
    """They are those of the API's fields, with the same renames; items are read by files, too."""
    names = {"fields": {"stock": {"sku": "Article", "available": "ATP", "warehouse_code": "WH"}}}
    settings = file_settings(tmp_path, wire=names)
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3), header=("ARTICLE", "wh", "atp"))
    source = source_of(settings)
    assert read(source) == ({"A@AllWarehouses": 3}, [])
    files = StockFiles(settings.exchange, settings.wire.fields)
    items = CatalogSource(StockList(FileReader(files, settings.wire), settings), settings)
    [page] = items.read(["a", "B"])
    assert [record.source_id for record in page.records] == ["a"]


def test_a_folder_that_cannot_be_used_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And changes nothing; what is damaged says so."""
    source = source_of(file_settings(tmp_path))
    (tmp_path / FILE).write_bytes(b"this is not a database" * 100)
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3))
    with pytest.raises(PermanentError, match="is damaged"):
        read(source)
    (tmp_path / FILE).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(inbox_module, "LOCK", "none/lock")
        with pytest.raises(PermanentError, match="can't be used"):
            read(source)
    assert read(source)[0] == {"A@AllWarehouses": 3}, "what was claimed is taken"
    put(tmp_path / "stock/2.csv", ("A", "EAST", 4))
    with monkeypatch.context() as patch:
        patch.setattr(inbox_module, "is_ready", lambda path: path.rename(path.parent / ".x"))
        with pytest.raises(TransientError, match="has changed"):
            read(source)
    with pytest.raises(TransientError, match="can't be made"):
        State(tmp_path / "none").stock(None)
    (tmp_path / "stock").rename(tmp_path / "gone")
    with pytest.raises(PermanentError, match="folder stock .* can't be used"):
        read(source)


def test_what_files_cannot_say_is_refused(tmp_path: Path) -> None:
    """Orders and shipments are not read by files."""
    settings = file_settings(tmp_path)
    files = StockFiles(settings.exchange, settings.wire.fields)
    with pytest.raises(PermanentError, match="can't be read by files"):
        FileReader(files, settings.wire).page("/orders", {})


def test_settings_are_of_the_api_or_of_files(tmp_path: Path) -> None:
    """Never of both or neither; two spellings of a folder are one account."""
    settings = file_settings(tmp_path)
    assert settings.identity == file_settings(tmp_path / "x" / "..").identity
    for changes in ({"base_url": "http://a/b"}, {"email": "a@example.com"}):
        with pytest.raises(ValidationError, match="remove them or exchange"):
            file_settings(tmp_path, **changes)
    neither = {"experimental": True, "account": "a", "store_code": "b", "email": "a@example.com"}
    with pytest.raises(ValidationError, match="are needed, or exchange"):
        AnchantoSettings.model_validate(neither)
    with pytest.raises(ValidationError, match="absolute"):
        file_settings(tmp_path, {"folder": "here"})


def connection(tmp_path: Path, **inventory: Any) -> Connection:
    """Return a connection by files."""
    section = file_settings(tmp_path).model_dump(mode="json", exclude_unset=True)
    return connection_of(
        oms={"kind": "anchanto", **section}, inventory=inventory, streams=["inventory"]
    )


def test_the_preflight_looks_at_the_folder(tmp_path: Path) -> None:
    """It is there, writable, and for us only; and it has stock of the named warehouses."""
    settings = file_settings(tmp_path)
    nodes = {"mode": "by_node", "nodes": {"EAST": "default", "NORTH": "n"}}
    made = connection(tmp_path, **nodes)
    oms = build(settings, made, resolve, LocalQuota())
    assert [check.ok for check in oms.preflight()] == [True, False, False]
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3))
    details = {check.name: check.detail for check in oms.preflight()}
    assert "such as that of A" in details["stock"]
    assert "no SKU has stock at NORTH" in details["warehouses"]
    assert abs(oms.clock() - datetime.now(UTC)) < timedelta(minutes=1)
    (tmp_path / "stock").chmod(0o777)
    [check] = oms.preflight()
    assert "everyone on this machine" in check.detail
    (tmp_path / "stock").rename(tmp_path / "gone")
    [check] = oms.preflight()
    assert "is not a folder" in check.detail
    oms.close()
