"""Of two versions of a record with the same date, the one that the source shows now is newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.pipeline import capture
from assets.pipeline.capture import capture_pages
from assets.streams.orders.stream import Orders
from domain.exchange import RawRecord
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]


def units_at_oms(scene: Scene, number: int) -> float:
    """Return how many units of an order's line the OMS holds."""
    (line,) = scene.oms_order(number)["OrderLine"]
    return float(line["Quantity"])


def place(scene: Scene, number: int, units: int) -> None:
    """Let the store show a form of an order whose date stays the same."""
    dated = scene.moment()
    if number not in scene.store_orders():
        scene.place(order(number, dated, [("MUG", units)]))
    else:
        line = {"id": number * 100 + 1, "quantity": units}
        change = {"products": [line], "date_modified": dated.isoformat()}
        scene.to_store(f"orders/{number}", change, "PATCH")


def show(scene: Scene, number: int, units: int) -> None:
    """Let the store show a form of an order, and run its day."""
    place(scene, number, units)
    scene.run("orders", first=scene.yesterday)


@pytest.mark.parametrize("shown", [(1, 2), (1, 2, 1), (1, 2, 1, 2), (1, 2, 3, 1, 3), (2, 1, 1, 2)])
def test_the_oms_gets_what_the_store_shows_last(scene: Scene, shown: tuple[int, ...]) -> None:
    """Also where it returns to what it has shown before."""
    for units in shown:
        show(scene, 7, units)
        assert units_at_oms(scene, 7) == units
    effects, stored = scene.effects(), versions(scene)
    show(scene, 7, shown[-1])
    assert (scene.effects(), versions(scene)) == (effects, stored)


def versions(scene: Scene) -> list[bytes]:
    """Return the payloads' digests, oldest version first; the newest must have its own date."""
    rows = scene.sql(
        "SELECT source_updated_at, digest FROM sync.capture WHERE stream = 'orders' ORDER BY 1"
    )
    assert [moment for moment, _ in rows].count(rows[-1][0]) == 1
    return [bytes(digest) for _, digest in rows]


def read(scene: Scene, *given: tuple[str, datetime], started: datetime) -> list[str]:
    """Capture versions (content, date) of an order; return all contents, oldest first."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reading")
    records = [RawRecord("7", moment, content.encode()) for content, moment in given]
    with sync.ledger.session(NAME, "orders", "reading") as session:
        capture_pages(sync, Orders(), session, records, started)
    contents = {RawRecord("7", scene.moment(), c.encode()).digest: c for c in "ABC"}
    return [contents[digest] for digest in versions(scene)]


def test_an_answer_from_before_the_newest_version_was_captured_is_no_return(scene: Scene) -> None:
    """Two runs read one order, and the store does not have it any more."""
    began, moment = datetime.now(UTC), scene.moment()
    assert read(scene, ("A", moment), started=began) == ["A"]
    assert read(scene, ("B", moment), started=datetime.now(UTC)) == ["A", "B"]
    assert read(scene, ("A", moment), started=began) == ["A", "B"]
    assert read(scene, ("C", moment), started=began)[-1] == "B"
    assert read(scene, ("A", moment), started=datetime.now(UTC))[-2:] == ["B", "A"]
    assert read(scene, ("A", moment), started=datetime.now(UTC))[-2:] == ["B", "A"]


@pytest.mark.parametrize("returns", [False, True], ids=["changed", "changed back"])
@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_an_order_that_another_run_captures_while_it_is_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_known: bool, returns: bool
) -> None:
    """It is read again, and the OMS gets what the store shows."""
    if is_known:
        show(scene, 7, 1)
    else:
        place(scene, 7, 1)
    original, others = capture._rows, [lambda: show(scene, 7, 2)]
    if returns:
        others.append(lambda: place(scene, 7, 1))

    def rows(*given: Any) -> Any:
        while others:
            others.pop(0)()
        return original(*given)

    monkeypatch.setattr(capture, "_rows", rows)
    scene.run("orders", first=scene.yesterday)
    assert units_at_oms(scene, 7) == (1 if returns else 2)
    monkeypatch.undo()
    effects, stored = scene.effects(), versions(scene)
    scene.run("orders", first=scene.yesterday)
    assert (scene.effects(), versions(scene)) == (effects, stored)


def test_a_window_whose_record_changes_at_each_read_fails_and_is_due(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watermark stays before it."""
    place(scene, 7, 1)
    original, units, nested = capture._rows, [1], []

    def rows(*given: Any) -> Any:
        found = original(*given)
        if not nested:
            units[0] += 1
            nested.append(units)
            show(scene, 7, units[0])
            nested.clear()
        return found

    monkeypatch.setattr(capture, "_rows", rows)
    failed = scene.run("orders", first=scene.yesterday, raise_on_error=False)
    assert "7 changes at every read" in str(failed.failures["acme__orders_captured"])
    monkeypatch.undo()
    scene.run("orders", first=scene.yesterday)
    assert units_at_oms(scene, 7) == units[0]


def test_an_answer_that_is_dated_before_the_newest_version_stays_older(scene: Scene) -> None:
    """It was made just now, as a version after a clock was set back; but it was read before."""
    began, now = datetime.now(UTC), datetime.now(UTC)
    assert read(scene, ("B", now), started=began) == ["B"]
    assert read(scene, ("A", now - timedelta(seconds=1)), started=began) == ["A", "B"]
    again = read(scene, ("A", now - timedelta(seconds=1)), started=datetime.now(UTC))
    assert again == ["A", "B", "A"]


def test_a_version_made_after_the_newest_was_captured_is_newer(scene: Scene) -> None:
    """The source's clock was set back."""
    now = datetime.now(UTC)
    assert read(scene, ("A", now + timedelta(seconds=90)), started=now) == ["A"]
    assert read(scene, ("B", now + timedelta(seconds=1)), started=datetime.now(UTC)) == ["A", "B"]


@pytest.mark.parametrize("contents", ["AB", "ABA", "ABAB", "AABBA"])
def test_a_record_that_changes_while_its_pages_are_read(scene: Scene, contents: str) -> None:
    """A source may list it more than once."""
    moment, began = scene.moment(), datetime.now(UTC)
    listed = [(content, moment) for content in contents]
    found = read(scene, *listed, started=began)
    assert found[-1] == contents[-1]
    assert read(scene, *listed[-1:], started=datetime.now(UTC)) == found
