"""How many calls a target gets at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from domain.delivery import Operation

T = TypeVar("T")


class Calls:
    """Limits the calls at once: of each operation, and of all together by the greatest of these."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        limits = {name: operation.concurrency for name, operation in operations.items()}
        self._each = {name: asyncio.Semaphore(limit) for name, limit in limits.items()}
        self._all = asyncio.Semaphore(max(limits.values(), default=1))
        # So many that an operation which waits for its turn holds up no other.
        self._workers = sum(limits.values())

    async def acquire(self, operation: str) -> None:
        """Wait until a call of the operation may be made; ``release`` it afterwards.

        Two methods, since a context manager of its own for each call costs as much as the waiting.
        """
        await self._each[operation].acquire()
        try:
            await self._all.acquire()
        except BaseException:
            self._each[operation].release()
            raise

    def release(self, operation: str) -> None:
        """Let another call be made."""
        self._all.release()
        self._each[operation].release()

    async def for_each(
        self, items: Sequence[T], work: Callable[[T], Coroutine[Any, Any, None]]
    ) -> None:
        """Work on all items side by side, in their order; raises the first error at the end."""
        remaining = iter(items)

        async def worker() -> None:
            for item in remaining:
                await work(item)

        workers = [worker() for _ in range(min(self._workers, len(items)))]
        for error in await asyncio.gather(*workers, return_exceptions=True):
            if error is not None:
                raise error
