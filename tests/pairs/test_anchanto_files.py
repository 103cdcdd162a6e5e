"""BigCommerce and an Anchanto account that is read by files, from end to end in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from orchestration.settings import ConfigurationError, parse
from sandbox.app import RunningSandbox
from tests.assets.documents import supply
from tests.pairs.anchanto_files import AnchantoFilesScene

pytestmark = pytest.mark.slow(seconds=10)


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


def test_what_files_cannot_carry_is_refused_at_start(tmp_path: Path) -> None:
    """Orders and shipments need the API."""
    connection: dict[str, Any] = {
        "platform": {"kind": "bigcommerce", "store_hash": "abc", "token": {"env": "TOKEN"}},
        "oms": {
            "kind": "anchanto", "experimental": True, "account": "a", "store_code": "WEB",
            "exchange": {"folder": str(tmp_path)},
        },
        "streams": ["orders", "inventory", "shipments"],
    }  # fmt: skip
    with pytest.raises(ConfigurationError) as refused:
        parse(yaml.safe_dump({"connections": {"acme": connection}}))
    for text in ("orders can't be written to", "shipments can't be read from"):
        assert text in str(refused.value)
    connection["streams"] = ["inventory"]
    assert parse(yaml.safe_dump({"connections": {"acme": connection}}))
