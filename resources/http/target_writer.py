"""What writers of all targets have in common: they live as long as their clients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from domain.delivery import Claimed, Held, Question
from domain.exchange import Receipt
from resources.http.async_client import AsyncApiClient


class TargetWriter:
    """A base for ``domain.targets.Writer``, without what is particular to a target.

    It finds and holds nothing: right for operations that are sent again, or replaced, whatever the
    target holds.
    """

    def __init__(self, *clients: AsyncApiClient) -> None:
        self._clients, self._stack = clients, AsyncExitStack()

    async def __aenter__(self) -> Self:
        for client in self._clients:
            await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Find nothing."""
        del owned
        return [None for _ in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return nothing."""
        del asked
        return {}
