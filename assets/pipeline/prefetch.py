"""Overlap within a step: read the next chunk, and write the last one, while this one is processed.

On two cores the network and Postgres work while Python does. Also a pause of the garbage collector,
which would traverse a chunk's records again and again while they are created.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

CALLS_PER_COLLECTION = 8
MOST_OBJECTS = 100_000
"""Objects that the collector tracks; the chunks in work have about 50,000."""
T = TypeVar("T")


class _End:
    """Marks the end of the source, with the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Reader(Generic[T]):
    """Reads a source in a thread of its own into a queue that bounds how far it gets ahead."""

    def __init__(self, source: Iterable[T], depth: int) -> None:
        self._source = source
        self._queue: Queue[T | _End] = Queue(maxsize=depth)
        self._stopped = threading.Event()
        # With the caller's context: how long its calls may wait for a quota.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._read,), name="prefetch", daemon=True
        )

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._items()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(timeout=30)

    def _items(self) -> Iterator[T]:
        while True:
            try:
                item = self._queue.get(timeout=1)
            except Empty:
                if not self._thread.is_alive() and self._queue.empty():
                    raise RuntimeError("the reading thread ended without a result") from None
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _read(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again in the consumer's thread
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: T | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except Full:
                continue
            return True
        return False


def prefetch(source: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Iterate over ``source`` in a thread of its own, at most ``depth`` items ahead of the caller.

    Memory is bounded by ``depth`` items. An error of the source is raised here. Leaving the loop
    early stops the thread at its next item.
    """
    with _Reader(source, depth) as items:
        yield from items


@contextmanager
def write_behind() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run jobs in a thread of its own, in order, at most one job behind the caller.

    A job's error is raised when the next job is submitted or at the end. An error of the caller
    still waits for the running job.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="write-behind") as pool:
        last: Future[None] | None = None

        def submit(job: Callable[[], None]) -> None:
            nonlocal last
            if last is not None:
                last.result()
            last = pool.submit(job)

        yield submit
        if last is not None:
            last.result()


@contextmanager
def gc_paused() -> Iterator[Callable[[], object]]:
    """Pause the cyclic garbage collector while a step processes its chunks, in all threads.

    Thousands of records that live until the end of their chunk make the collector run often and
    find nothing. Most of its time goes into full collections, which traverse all that the process
    has imported; a step must therefore pause it for all of its chunks, since the reading threads
    would make up for it between two of them (docs/performance.md). What is yielded is to be called
    after each chunk, and keeps memory bounded: it collects the garbage that the step has left, and
    does not look at what was there before. Reference counting frees nearly all of a chunk, so it
    looks only where more objects are left than a few chunks in work have, and else every few calls.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    calls = 0

    def collect() -> None:
        nonlocal calls
        calls += 1
        if calls % CALLS_PER_COLLECTION == 0 or gc.get_count()[0] > MOST_OBJECTS:
            gc.collect()

    try:
        yield collect
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
