"""Returns in a store, as a target of deliveries: what the connectors of stores share."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from domain.errors import RecordRejected
from domain.refunds import ReturnRecord


class ReturnsReader(Protocol):
    """An open store that can be asked how it shows a return."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    async def differs(self, record: ReturnRecord) -> bool:
        """Return whether the store shows a return otherwise. Raises ``RecordRejected``."""
        ...


async def not_shown(store: ReturnsReader, records: Sequence[ReturnRecord]) -> dict[str, str]:
    """Return return id -> how the store shows it otherwise: ``differs``, or why it can't show it.

    The store is opened and closed here.
    """
    found: dict[str, str] = {}
    async with store:
        for record in records:
            try:
                differs = await store.differs(record)
            except RecordRejected as rejected:
                found[record.return_id] = rejected.problems[0].code
                continue
            if differs:
                found[record.return_id] = "differs"
    return found
