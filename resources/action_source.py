"""Where agents' requests come from: a store that has a place for them, and a folder of files.

Those of the command line and of jobs are captured where they are made; they are mapped here, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from domain.addressing.addresses import AddressRules
from domain.builders.actions import FACTS, is_own_form, to_request
from domain.exchange import Check, Mapped, Skipped
from domain.records.actions import ActionOutcome, ActionRequest
from domain.sources import EVERYTHING, ActionSource, Page, Scope, Shape
from domain.values import Window
from resources.action_folder import FolderRequests


class ActionRequests:
    """``domain.sources.Source`` of a connection's requests."""

    shape: ClassVar[Shape] = "requests"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, store: ActionSource | None, folder: Path | None, rules: AddressRules
    ) -> None:
        self._store, self._rules = store, rules
        self._folder = FolderRequests(folder) if folder is not None else None

    def preflight(self) -> list[Check]:
        """Check the folder; a store's own place is among the checks of the store."""
        return [self._folder.check()] if self._folder is not None else []

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since`` where a file waits, else what the store answers."""
        if self._folder is not None and self._folder.has_any():
            return since
        return self._store.probe(since) if self._store is not None else None

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the files that wait, then the store's requests of the window.

        Files have no past: a rerun of an earlier day leaves them to the current one.
        """
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self._folder is not None and window.until > today:
            for rows in self._folder.read():
                yield Page(rows)
        if self._store is not None:
            yield from self._store.fetch(window, scope)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read requests of the store by their ids."""
        if self._store is not None:
            yield from self._store.read(ids)

    def to_canonical(self, payload: bytes) -> Mapped[ActionRequest] | Skipped:
        """Map a captured request. Pure. Raises ``RecordRejected``."""
        if self._store is None or is_own_form(payload):
            return to_request(payload, self._rules)
        return self._store.to_canonical(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Put the files away whose rows are captured."""
        del done
        if self._folder is not None:
            self._folder.take()

    async def report(self, outcomes: Sequence[ActionOutcome]) -> Sequence[str]:
        """Show the store's agents the outcome of their requests."""
        if self._store is None:
            return [outcome.action_id for outcome in outcomes]
        return await self._store.report(outcomes)
