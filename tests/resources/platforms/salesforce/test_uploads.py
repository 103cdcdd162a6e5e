"""Large changes of a location's stock by a file that the org imports later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.delivery import Claimed, Intent, LevelChange
from domain.exchange import OutcomeUnknown
from domain.records.inventory import StockTarget, StoreItem
from resources.platforms.salesforce import uploads
from resources.platforms.salesforce.uploads import Status, as_form, outcome_of
from tests.resources.platforms.salesforce.conftest import Shop

Json = dict[str, Any]
COUNT = 130


@pytest.fixture
def shop(open_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return an org to which more than a hundred levels are uploaded, with short waits."""
    monkeypatch.setattr(uploads, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.2)
    return open_shop(stock_upload_from=101)


def levels(count: int, quantity: int = 5, location: str = "WAREHOUSE") -> list[Claimed]:
    """Claim levels of as many SKUs."""
    found = []
    for number in range(count):
        sku = f"S-{number}"
        item = StoreItem(sku=sku, parent_id="p", item_id=None, tracking="product")
        target = StockTarget(sku=sku, location=location, quantity=quantity)
        found.append(Claimed(Intent("stock", uuid4(), sku, LevelChange(target, item)), "stk-1"))
    return found


def counts(shop: Shop) -> tuple[int, int]:
    """Return how many files and how many batches the org was sent."""
    found = shop.control("counts", method="GET")
    return found.get("inventory_uploads", 0), found.get("inventory_batches", 0)


def available(shop: Shop) -> set[int]:
    """Return the numbers that the org shows as available."""
    return {row["available"] for row in shop.control("truth", method="GET")["levels"]}


def test_many_levels_are_one_file_and_few_are_a_batch(shop: Shop) -> None:
    """What is wanted is available: reservations and safety stock are added."""
    shop.control("stock", [{"sku": "S-1", "location": "WAREHOUSE", "quantity": 9, "reserved": 3}])
    outcomes = shop.apply("inventory", *levels(COUNT))
    assert {outcome.state for outcome in outcomes} == {"done"}
    assert [outcome.target_id for outcome in outcomes[:2]] == ["S-0", "S-1"]
    assert (counts(shop), available(shop)) == ((1, 0), {5})
    assert {o.state for o in shop.apply("inventory", *levels(100, 6))} == {"done"}
    assert counts(shop) == (1, 1)


def test_what_an_import_leaves_out_goes_by_batches_which_name_it(shop: Shop) -> None:
    """The answer to a file has counts and no rows."""
    claimed = levels(COUNT)
    wrong = levels(1, -7)[0]
    outcomes = shop.apply("inventory", *claimed[1:], wrong)
    assert [outcome.state for outcome in outcomes] == ["done"] * (COUNT - 1) + ["refused"]
    assert outcomes[-1].problems[0].code == "stock_refused"
    assert available(shop) == {5}


def test_an_import_that_is_late_leaves_levels_uncertain(shop: Shop) -> None:
    """It may still act, so that they are neither done nor failed."""
    shop.control("settings", {"upload_polls": 1_000})
    shop.control("stock", [{"sku": "S-0", "location": "WAREHOUSE", "quantity": 5}])
    first, *others = shop.apply("inventory", *levels(COUNT))
    assert first.state == "done", "it shows the wanted number"
    assert {outcome.state for outcome in others} == {"unknown"}
    assert all(isinstance(outcome.fault, OutcomeUnknown) or outcome.is_lost for outcome in others)
    target = shop.connector.targets["inventory"]
    assert target.acts_for >= 900


def test_an_org_that_takes_no_files_gets_batches(shop: Shop) -> None:
    """Such as one without the resource; nothing is lost by the setting."""
    rule = {
        "kind": "replaced",
        "status": 404,
        "body": [{"errorCode": "NOT_FOUND"}],
        "method": "POST",
        "path": "/uploads",
    }
    shop.control("faults", [rule])
    assert {o.state for o in shop.apply("inventory", *levels(COUNT))} == {"done"}
    assert (counts(shop)[1], available(shop)) == (2, {5})


def test_a_lost_answer_fails_all_and_the_next_try_writes_them(shop: Shop) -> None:
    """Levels are absolute: they are written again."""
    rule = {"kind": "drop_after", "method": "POST", "path": "/uploads", "times": 9}
    shop.control("faults", [rule])
    outcomes = shop.apply("inventory", *levels(COUNT))
    assert {outcome.succeeded for outcome in outcomes} == {False}
    shop.control("faults", [])
    assert {o.state for o in shop.apply("inventory", *levels(COUNT))} == {"done"}
    assert available(shop) == {5}


def test_a_file_has_a_line_for_the_location_and_one_for_each_level() -> None:
    """With ids of their own; the number of a level that is not named stays."""
    body, kind = as_form("EAST", {"MUG": 3, "LAMP": 0}, datetime(2026, 5, 1, 10, tzinfo=UTC))
    mark = kind.partition("boundary=")[2]
    assert body.startswith(f"--{mark}\r\n".encode())
    assert body.endswith(f"\r\n--{mark}--\r\n".encode())
    head, *rows = map(orjson.loads, body.split(b"\r\n\r\n")[1].split(b"\r\n")[0].split(b"\n"))
    assert head == {"location": "EAST", "mode": "UPDATE"}
    assert len({row.pop("recordId") for row in rows}) == 2
    moment = {"effectiveDate": "2026-05-01T10:00:00Z"}
    assert rows == [{"sku": "MUG", "onHand": 3} | moment, {"sku": "LAMP", "onHand": 0} | moment]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status("Completed", 5), "whole"),
        (Status("", 5), "whole"),
        (Status("COMPLETED", 5, 0, ["odd"]), "in part"),
        (Status("Completed With Errors", 3), "in part"),
        (Status("", 3, 2), "in part"),
        (Status("FAILED"), "in part"),
        (Status("IN_PROGRESS", 3), "not yet"),
        (Status(), "not yet"),
    ],
)
def test_counts_decide_where_they_add_up(status: Status, expected: str) -> None:
    """Whatever the word is."""
    assert outcome_of(status, 5) == expected
