"""Returns of every store that shows them: once, and known by a look."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.refunds import ReturnedUnits, ReturnRecord
from sandbox.app import RunningSandbox
from tests.conformance.conftest import STORES, _made
from tests.conformance.systems import DAY, SimulatedStore

pytestmark = pytest.mark.slow


@pytest.fixture(params=STORES)
def shop(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[SimulatedStore]:
    """Each platform's store that shows returns."""
    made = _made(request.param, sandbox, tmp_path)
    assert isinstance(made, SimulatedStore)
    if "return" not in made.open().targets["returns"].operations:
        pytest.skip(f"{made.kind} has no place for returns")
    yield made
    made.close()


def record(shop: SimulatedStore, arrived: int = 1, return_id: str = "RMA 1") -> ReturnRecord:
    """Return what a new order should show: a unit of its first line that came back."""
    [order_id] = shop.place([DAY])
    line = shop.parcel(order_id, "").lines[0].line_id
    expected = 1 if shop.open().targets["returns"].shows_announced else 0
    return ReturnRecord(
        order_id, return_id, (ReturnedUnits(line, arrived, 0, 0, expected=expected),)
    )


def show(shop: SimulatedStore, wanted: ReturnRecord) -> Outcome:
    """Show a return."""

    async def run() -> Outcome:
        async with shop.open().targets["returns"].writer(lambda _: None) as writer:
            intent = Intent("return", uuid4(), wanted.order_id, wanted)
            [outcome] = await writer.apply([Claimed(intent, "ret-1")])
            found: Outcome = outcome
            return found

    return asyncio.run(run())


def not_shown(shop: SimulatedStore, *records: ReturnRecord) -> dict[str, str]:
    """Return what the store shows otherwise."""
    return asyncio.run(shop.open().targets["returns"].not_shown(records))


def test_a_return_is_shown_once_and_known_by_a_look(shop: SimulatedStore) -> None:
    """However often it is sent; another one of the same order is another."""
    wanted = record(shop)
    assert not_shown(shop, wanted) == {"RMA 1": "differs"}
    for _ in range(2):
        outcome = show(shop, wanted)
        assert outcome.state == "done", (outcome.error, outcome.problems)
        assert not_shown(shop, wanted) == {}
    returns: list[Any] = shop.control("truth", method="GET")["returns"]
    assert len([one for one in returns if one["order"] == wanted.order_id]) == 1


def test_an_order_that_the_store_lacks_is_the_records_fault(shop: SimulatedStore) -> None:
    """It stops no other record, neither of a delivery nor of a look."""
    wanted, other = record(shop), record(shop, return_id="RMA-2")
    unknown = "1OsLk9999999999AAA" if shop.kind == "salesforce" else str(uuid4())
    gone = ReturnRecord(unknown, "RMA-3", wanted.lines)
    assert [problem.code for problem in show(shop, gone).problems] == ["order_missing_in_store"]
    show(shop, other)
    assert not_shown(shop, gone, wanted, other) == {
        "RMA-3": "order_missing_in_store",
        "RMA 1": "differs",
    }
