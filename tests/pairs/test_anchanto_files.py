"""BigCommerce and an Anchanto account that is read by files, end to end in one process."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from orchestration.cli.connect import preflight
from resources.oms.anchanto.files import outbox
from sandbox.app import RunningSandbox
from tests.assets.documents import supply
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME
from tests.pairs.anchanto_files import AnchantoFilesScene

pytestmark = pytest.mark.slow(seconds=25)

FIRST, SECOND = "1Z5R89390357567127", "1Z8W4R260373687877"
SHIPPED, PARTLY, CANCELLED = 2, 3, 5


@pytest.fixture
def files(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[AnchantoFilesScene]:
    """Make a connection between a store and a folder that no other test uses."""
    made = AnchantoFilesScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()


def test_stock_comes_in_by_files_once(files: AnchantoFilesScene) -> None:
    """A row that can't be used is a rejection; the store keeps what it had of its SKU."""
    files.configure(streams=["inventory"])
    files.place_many([1])
    files.to_oms("supply", supply(7))
    files.run("inventory")
    assert files.store_stock()["TENT"]["quantity"] == 7
    writes = files.store_counts()["inventory_writes"]
    files.to_oms("supply", supply(7))
    files.run("inventory")
    assert files.store_counts()["inventory_writes"] == writes, "the same file changes nothing"

    rows = [f"{row['item']},EAST,{row['quantity']}" for row in supply(5)]
    spoilt = ["TENT,EAST,=1+4" if row.startswith("TENT,") else row for row in rows]
    files.put("stock/b.csv", "sku,warehouse_code,available", *spoilt, ",EAST,3")
    (files.folder / "stock/c.xlsx").write_bytes(b"PK cut")
    files.run("inventory")
    stock = files.store_stock()
    assert (stock["TENT"]["quantity"], stock["MUG"]["quantity"]) == (7, 5)
    found = files.sql("SELECT message FROM sync.rejection ORDER BY message")
    texts = " | ".join(message for (message,) in found)
    assert "c.xlsx can't be used" in texts
    assert "is a formula" in texts
    assert len(found) == 3
    kept = {path.relative_to(files.folder).as_posix() for path in files.folder.rglob("*.*")}
    assert {"stock/taken/b.csv", "stock/failed/c.xlsx", "stock/failed/c.xlsx.reason.txt"} <= kept


SHIPMENTS = (
    "order_number,shipment_number,tracking_number,carrier_code,manifest_number,status,sku,quantity"
)


def test_a_connection_by_files_is_checked_before_it_starts(files: AnchantoFilesScene) -> None:
    """Nothing but the untracked product fails; a missing folder is named."""
    assert files.lockstep is not None
    failed = [check.name for _, check in preflight(files.lockstep, NAME) if not check.ok]
    assert failed == ["stock tracking of products"]
    (files.folder / "statuses").rmdir()
    [detail] = [c.detail for _, c in preflight(files.lockstep, NAME) if c.name == "folder"]
    assert "statuses is not a folder" in detail


def test_an_order_goes_out_as_a_file_and_its_shipments_come_back(
    files: AnchantoFilesScene,
) -> None:
    """In two parcels, once each; a rerun writes nothing at either side, and a comparison agrees."""
    files.place_many([1])
    files.run("orders")
    [rows] = files.handed_out("orders")
    assert {(row["number"], row["store_code"], row["status"]) for row in rows} == {
        ("1", "WEB", "New")
    }
    units = {row["order_items.sku"]: int(row["order_items.quantity"]) for row in rows}
    assert files.outcomes("orders") == {"1": ("accepted", "delivered")}
    files.run("orders", "shipments")
    assert files.handed_out("orders") == [], "it goes out once, also where the other side took it"

    sku, *others = units
    files.put("statuses/1.csv", "number,status", "1,Ready_for_Fulfilment")
    files.put("shipments/1.csv", SHIPMENTS, f"1,S1,{FIRST},UPS,M1,In_transit,{sku},{units[sku]}")
    files.run("shipments")
    assert files.shipped(1)[FIRST][0] == "ups"
    assert files.status(1) == PARTLY
    rest = [f"1,S2,{SECOND},UPS,M2,In_transit,{other},{units[other]}" for other in others]
    files.put("shipments/2.csv", SHIPMENTS, *rest)
    files.run("shipments")
    assert set(files.shipped(1)) == {FIRST, SECOND}
    assert files.status(1) == SHIPPED
    before = files.store_counts()
    files.put("shipments/2.csv", SHIPMENTS, *rest)
    files.run("orders", "shipments")
    after = files.store_counts()
    for name in ("shipments", "status_changes"):
        assert after[name] == before[name], "the same file changes nothing"
    assert files.handed_out("orders") == []
    assert drifts_of(look(files)) == []


def test_cancellations_go_out_as_files_and_are_answered_by_the_status(
    files: AnchantoFilesScene,
) -> None:
    """One that is packed by then is refused; of one that was packed before none goes out."""
    files.place_many(range(1, 4))
    files.run("orders")
    files.put("statuses/1.csv", "number,status", "3,Packed")
    files.run("shipments")
    for number in range(1, 4):
        files.to_store(f"orders/{number}/status", {"status_id": CANCELLED})
    files.run("orders")
    asked = [row["number"] for rows in files.handed_out("cancellations") for row in rows]
    assert sorted(asked) == ["1", "2"]
    assert files.open_rejections("orders") == {"3": "cancel_refused"}
    files.put("statuses/2.csv", "number,status", "1,Canceled", "2,Packed")
    files.run("shipments", "orders")
    assert files.open_rejections("orders") == dict.fromkeys(("2", "3"), "cancel_refused")
    assert files.handed_out("cancellations") == []


def test_an_order_whose_run_was_lost_goes_out_once(
    files: AnchantoFilesScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its file was handed out, and after: then the other program has taken it already."""
    files.place_many([1, 2])

    def stop(*_: Any) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(outbox, "_rename", stop)
        files.run("orders", raise_on_error=False)
    assert files.handed_out("orders") == []
    with monkeypatch.context() as disk:
        disk.setattr(outbox.Outbox, "_confirm_out", stop)
        files.run("orders", raise_on_error=False)
    out = [rows[0]["number"] for rows in files.handed_out("orders")]
    files.run("orders")
    files.run("orders")
    out += [rows[0]["number"] for rows in files.handed_out("orders")]
    assert sorted(out) == ["1", "2"]
    assert set(files.outcomes("orders").values()) == {("accepted", "delivered")}
    assert files.open_rejections("orders") == {}


def test_rows_that_cannot_be_used_are_rejections_of_fulfilment(files: AnchantoFilesScene) -> None:
    """Each names its file; an order of another channel is not an order of ours."""
    files.configure(orders={"order_id_prefix": "US-"})
    files.place_many([1])
    files.run("orders")
    files.put(
        "shipments/1.csv",
        SHIPMENTS,
        f"US-1,S1,{FIRST},UPS,,Odd,MUG,1",
        "UK-7,S2,,UPS,,Packed,A,1",
        ",S3,,UPS,,Packed,A,1",
        "US-9,S4,,UPS,,Packed,A,1",
    )
    files.put("statuses/1.csv", "no,state", "1,x")
    files.run("shipments")
    found = dict(files.sql("SELECT message, code FROM sync.rejection WHERE stream = 'shipments'"))
    texts = " | ".join(found)
    assert "The file 1.csv can't be used: its first row has no column number" in texts
    assert "Line 4 of the file 1.csv can't be used: it names no order" in texts
    assert "status_unknown" in found.values()
    assert "The order has no lines" in texts
    assert files.shipped(1) == {}


def test_a_folder_that_is_restored_from_an_earlier_day_is_corrected_by_the_next_file(
    files: AnchantoFilesScene, tmp_path: Path
) -> None:
    """It shows the account as it was then; a newer file is the newest again."""
    files.configure(streams=["inventory"])
    files.place_many([1])
    files.to_oms("supply", supply(7))
    copy = tmp_path / "copy"
    shutil.copytree(files.folder, copy)
    files.run("inventory")
    files.to_oms("supply", supply(9))
    files.run("inventory")
    shutil.rmtree(files.folder)
    shutil.copytree(copy, files.folder)
    files.to_oms("supply", supply(4))
    files.run("inventory")
    assert files.store_stock()["TENT"]["quantity"] == 4
    writes = files.store_counts()["inventory_writes"]
    files.run("inventory")
    assert files.store_counts()["inventory_writes"] == writes
