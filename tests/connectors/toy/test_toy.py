"""A connector of a few files, registered for these tests alone, carries a whole connection."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from orchestration.settings import ConfigurationError, parse
from sandbox.app import RunningSandbox
from tests.assets.conftest import short_waits
from tests.assets.documents import supply, total_of
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.connectors.toy import client
from tests.connectors.toy.scene import ToyScene
from tests.connectors.toy.settings import KIND

__all__ = ["short_waits"]

pytestmark = pytest.mark.slow(seconds=8)

TRACKING = "1Z12345E0291980793"


@pytest.fixture
def toy(sandbox: RunningSandbox, database: str, tmp_path: Path) -> Iterator[ToyScene]:
    """Make a connection between a store and a folder of the test's own."""
    made = ToyScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    yield made
    made.close()


def test_an_order_goes_out_and_stock_and_its_shipment_come_back_once(toy: ToyScene) -> None:
    """A rerun of all chains writes nothing at either system."""
    [document] = toy.place_many([1])
    toy.run("orders")
    order = toy.order(1)
    assert order["total"] == str(total_of(document))
    assert toy.outcomes("orders") == {"1": ("accepted", "delivered")}

    toy.to_oms("supply", supply(7))
    toy.run("inventory")
    assert toy.store_stock()["TENT"]["quantity"] == 7

    toy.ship(1, TRACKING)
    toy.run("shipments")
    [shipment] = toy.store_shipments()
    assert shipment["tracking_number"] == TRACKING

    before = toy.oms_files(), toy.at_store()
    toy.run("orders", "inventory", "shipments")
    assert (toy.oms_files(), toy.at_store()) == before
    assert drifts_of(look(toy)) == [], "a reconciliation agrees"


def test_what_the_folder_cannot_do_is_refused_at_start(tmp_path: Path) -> None:
    """It has no item master, which two defaults need, and no part for customers."""
    connection: dict[str, Any] = {
        "platform": {"kind": "bigcommerce", "store_hash": "abc", "token": {"env": "TOKEN"}},
        "oms": {"kind": KIND, "folder": str(tmp_path)},
        "streams": ["orders", "inventory", "shipments", "customers"],
    }
    with pytest.raises(ConfigurationError) as refused:
        parse(yaml.safe_dump({"connections": {"acme": connection}}))
    for text in (
        "customers can't be written to toy",
        "orders.check_items: toy has no list of its items",
        "inventory.missing_item: toy has no list of its items",
    ):
        assert text in str(refused.value)
    connection |= {
        "streams": ["orders", "inventory", "shipments"],
        "orders": {"check_items": False},
        "inventory": {"missing_item": "zero"},
    }
    assert parse(yaml.safe_dump({"connections": {"acme": connection}}))


def test_an_order_whose_write_is_not_confirmed_is_written_once(
    toy: ToyScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is read for its outcome, and has it."""
    toy.place_many([1])

    def fail(folder: Path) -> None:
        raise OSError(errno.EIO, "input/output error", str(folder))

    with monkeypatch.context() as disk:
        disk.setattr(client, "confirm", fail)
        toy.run("orders", raise_on_error=False)
    made = toy.oms_files()
    assert list(made) == ["1.json"]
    toy.run("orders")
    assert toy.oms_files() == made
    assert toy.sql("SELECT system, status FROM sync.message_log") == [(KIND, client.UNANSWERED)]
    assert toy.outcomes("orders") == {"1": ("accepted", "delivered")}
    assert toy.open_rejections("orders") == {}
