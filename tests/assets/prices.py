"""Prices of the scene's tenant, and what its store shows."""

from __future__ import annotations

from typing import Any

import psycopg

from assets.chain.keys import REQUEUE
from assets.chain.run_config import live_config, unfinished_config
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from sensors import requeue
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "prices")
ON = {"streams": STREAMS}


def price(sku: str, base: Any, selling: Any = None, **more: Any) -> Json:
    """Return a row of the price component; other attributes as they are given."""
    sale = {} if selling is None else {"SellingPrice": selling}
    return {"ItemId": sku, "CurrencyCode": "USD", "BasePrice": base, **sale, **more}


def set_prices(scene: Scene, *rows: Json) -> None:
    """Set prices at the tenant."""
    scene.to_oms("prices", list(rows))


def shown(scene: Scene, price_list: str = "") -> dict[str, str]:
    """Return what the store asks for each SKU: the regular price, and a sale price behind it."""
    [found] = scene._ask(f"bigcommerce/{scene.store}/truth")
    return {
        row["sku"]: f"{row['regular']} {row['sale']}".strip()
        for row in found["prices"]
        if row["price_list"] == price_list
    }


def writes(scene: Scene) -> int:
    """Return how many prices the store was sent."""
    return int(scene.store_counts()["price_writes"])


def approve(scene: Scene, reason: str = "checked with the buyer", **run: Any) -> None:
    """Approve what is held back, as ``lockstep rejections retry ID --reason`` does."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        found = work_queue.find(db, RejectionFilter(stream="prices", connection=NAME))
        operator_actions.begin_retry(db, found, "ann", "as_captured", reason)
    run_again(scene, **run)
    with psycopg.connect(scene.database, autocommit=True) as db:
        operator_actions.end_retry(db, {r.rejection_id: "run" for r in found})


def run_again(scene: Scene, **run: Any) -> None:
    """Validate and deliver what was captured today, also what was refused."""
    scene.run("prices", first=scene.today, steps=["validated", "delivered"], **run)


def live(scene: Scene) -> None:
    """Read and deliver as a live run does: nothing that has an outcome is looked at again."""
    moment = scene.moment(scene.today, 0)
    config = live_config(NAME, "prices", moment.isoformat(), moment.isoformat())
    scene.run("prices", first=scene.today, config=config, trigger="live")


def take_up(scene: Scene) -> int:
    """Do what a tick of the sensor ``unfinished`` does, and the run that it requests."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    with sync.ledger.session(NAME, "prices") as session, session.writer_lock():
        number = requeue.MAKES_DUE["prices"](sync, session)
    scene.run(
        "prices",
        first=scene.today,
        steps=["validated", "delivered"],
        config=unfinished_config(NAME, "prices"),
        trigger=REQUEUE,
    )
    return number
