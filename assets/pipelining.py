"""Overlap: read the next chunk while this one is worked on. On two cores the network and Postgres work while Python does.

And a pause of the garbage collector, which would look through a chunk's records again and again while they are being made.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of the source, with the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(source: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Iterate over ``source`` in a thread of its own, at most ``depth`` items ahead; its error is raised here.

    Memory is bounded by ``depth`` items. Leaving the loop early stops the thread at its next item.
    """
    queue: Queue[T | _End] = Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _End) -> bool:
        while not stopped.is_set():
            try:
                queue.put(item, timeout=0.2)
            except Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for item in source:
                if not put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again in the consumer's thread
            put(_End(error))
        else:
            put(_End())

    thread = threading.Thread(target=read, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = queue.get(timeout=1)
            except Empty:
                if not thread.is_alive() and queue.empty():
                    raise RuntimeError("the reading thread ended without a word") from None
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        thread.join(timeout=30)


@contextmanager
def behind() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run work in a thread of its own, in order, at most one piece behind the caller; its error is raised at the next piece or at the end.

    An error of the caller's own still waits for the piece that runs.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="behind") as pool:
        last: Future[None] | None = None

        def follow(work: Callable[[], None]) -> None:
            nonlocal last
            if last is not None:
                last.result()
            last = pool.submit(work)

        yield follow
        if last is not None:
            last.result()


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cyclic garbage collector from running while one chunk is worked on; reference counting goes on as ever.

    Thousands of records that live until the end of their chunk make the collector run often and find nothing: a third of the time
    (docs/performance.md). What little cyclic garbage a chunk leaves is collected after it, so memory stays bounded by the chunk.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
