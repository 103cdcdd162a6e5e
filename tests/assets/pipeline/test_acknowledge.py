"""Sources that hand records out until they are acknowledged: nothing is lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from assets.pipeline import capture as capturing
from assets.pipeline.capture import CaptureCounts, capture
from assets.streams.orders.stream import Orders
from domain.errors import TransientError
from domain.exchange import RawRecord
from domain.sources import Page, Scope
from domain.values import Partition, Window
from resources.sync import Sync
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


class Counter:
    """A store that hands each order out until it is acknowledged."""

    shape = "requests"
    deletion_events = frozenset[str]()
    sku_path = "sku"

    def __init__(self, scene: Scene, ids: Sequence[str]) -> None:
        self.scene = scene
        self.waiting = {i: record_of(i, scene.moment()) for i in ids}
        self.log: list[str] = []
        self.seen: list[tuple[int, int]] = []
        """For each acknowledgement, the captures in the ledger and the watermarks there."""
        self.fails: Exception | None = None
        self.breaks_after: int | None = None

    def fetch(self, window: Window, scope: Scope) -> Iterator[Page]:
        """Hand out one order a page."""
        del window, scope
        for number, record in enumerate(list(self.waiting.values())):
            if number == self.breaks_after:
                raise TransientError("the list has ended in the middle")
            self.log.append(f"page {record.source_id}")
            yield Page([record])

    def deleted(self, window: Window) -> Iterator[tuple[str, datetime]]:
        """Return none."""
        del window
        yield from ()

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Hand these out no more."""
        self.seen.append((captured(self.scene), watermarks(self.scene)))
        if self.fails is not None:
            raise self.fails
        self.log.append(f"acknowledged {','.join(done)}")
        for source_id in done:
            del self.waiting[source_id]


def record_of(source_id: str, moment: datetime) -> RawRecord:
    """Return an order as the source sends it."""
    return RawRecord(source_id, moment, orjson.dumps({"id": source_id}))


def captured(scene: Scene) -> int:
    """Return how many captures are committed."""
    return int(scene.sql("SELECT count(*) FROM sync.capture")[0][0])


def watermarks(scene: Scene) -> int:
    """Return how many streams have a watermark."""
    return int(scene.sql("SELECT count(*) FROM sync.watermark WHERE watermark IS NOT NULL")[0][0])


def read(scene: Scene, source: Any, *, is_live: bool = True) -> CaptureCounts:
    """Capture yesterday from the source."""
    assert scene.lockstep is not None
    sync: Sync = scene.lockstep.sync(NAME, "run")
    sync.platform.sources["orders"] = source
    partition = Partition.of_day(scene.yesterday)
    return capture(sync, Orders(), partition, partition.window, is_live=is_live)


@pytest.fixture
def counter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Three orders wait; each is a chunk of its own."""
    monkeypatch.setattr(capturing, "CHUNK", 1)
    return Counter(scene, ["1", "2", "3"])


def test_records_are_acknowledged_once_all_of_the_read_is_stored(
    scene: Scene, counter: Counter
) -> None:
    """Not page by page: what is acknowledged leaves the list that is still being read."""
    assert read(scene, counter) == CaptureCounts(read=3, captured=3, known=0)
    assert counter.log == ["page 1", "page 2", "page 3", "acknowledged 1,2,3"]
    assert counter.seen == [(3, 0)]
    assert watermarks(scene) == 1


def test_a_crash_between_storing_and_acknowledging_captures_nothing_twice(
    scene: Scene, counter: Counter
) -> None:
    """The watermark stays, so the window is read again, and is then acknowledged."""
    counter.fails = TransientError("no answer")
    with pytest.raises(TransientError, match="no answer"):
        read(scene, counter)
    assert (captured(scene), watermarks(scene), len(counter.waiting)) == (3, 0, 3)
    counter.fails = None
    assert read(scene, counter) == CaptureCounts(read=3, captured=0, known=3)
    assert (captured(scene), watermarks(scene), counter.waiting) == (3, 1, {})


def test_nothing_is_acknowledged_of_a_read_that_did_not_end(scene: Scene, counter: Counter) -> None:
    """What was stored of it is handed out again, and counts once."""
    counter.breaks_after = 2
    with pytest.raises(TransientError, match="in the middle"):
        read(scene, counter)
    assert (counter.seen, len(counter.waiting), watermarks(scene)) == ([], 3, 0)
    counter.breaks_after = None
    counts = read(scene, counter)
    assert (counts.read, captured(scene), counter.waiting) == (3, 3, {})


def test_an_empty_read_acknowledges_nothing_and_moves_the_watermark(scene: Scene) -> None:
    """A quiet source is asked for its next window."""
    source = Counter(scene, [])
    assert read(scene, source) == CaptureCounts()
    assert (source.seen, watermarks(scene)) == ([], 1)


def test_a_source_that_can_be_read_again_is_never_acknowledged(
    scene: Scene, counter: Counter
) -> None:
    """A source of changes keeps its records, and has nothing to be informed of."""
    counter.shape = "changes"
    counter.waiting["4"] = record_of("4", scene.moment() + timedelta(hours=1))
    assert read(scene, counter).captured == 4
    assert (counter.seen, watermarks(scene)) == ([], 1)
