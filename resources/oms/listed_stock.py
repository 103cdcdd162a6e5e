"""Stock as a source, of an OMS that lists all of it: what has changed shows by its digest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Protocol

from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_composed_id
from domain.parsing.vendor_documents import LIMIT
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window

ZERO = Decimal(0)
LEAST = Decimal("0.000001")
"""Finer differences of a quantity are none."""
ALL_WAREHOUSES = "AllWarehouses"
"""The node of the number over all warehouses, where the connection names none."""


def view_of(policy: InventoryPolicy) -> str:
    """Return by which name the number over all warehouses is kept."""
    return policy.view or ALL_WAREHOUSES


def level_of(
    sku: str, node: str, available: Decimal, on_hand: Decimal | None, observed_at: datetime | None
) -> StockLevel:
    """Return a level. Units below zero, of which more was sold than there is, are none."""
    return StockLevel(
        sku=sku,
        node=node,
        available=max(available, ZERO),
        on_hand=None if on_hand is None else max(on_hand, ZERO),
        status="in_stock" if available > 0 else "out_of_stock",
        observed_at=observed_at,
    )


def in_one_form(values: Sequence[Decimal | None]) -> list[str | None] | None:
    """Return quantities as text that is equal for equal ones; ``None`` if one can't be right."""
    if not all(value is None or (value.is_finite() and -LIMIT < value < LIMIT) for value in values):
        return None
    return [None if v is None else f"{v.quantize(LEAST).normalize():f}" for v in values]


class Rows(Protocol):
    """How the rows of an account's stock are read."""

    def everything(self, not_before: datetime | None = None) -> Iterator[list[bytes]]:
        """Read all rows, each once; a list that was just read, but not before a time, serves."""

    def rows(
        self, skus: Collection[str], not_before: datetime | None = None
    ) -> Iterator[list[bytes]]:
        """Read the rows of SKUs; those that the account does not stock are absent."""


class Mapper(Protocol):
    """Maps captured rows."""

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return the stock level; raises ``RecordRejected``."""

    def content(self, payload: bytes) -> bytes | None:
        """Return what makes two states differ, in one form; ``None`` if it can't be read."""


class ListedStock(ABC):
    """The stock of one account, in all warehouses or by warehouse: base of ``InventorySource``."""

    shape: ClassVar[Shape] = "snapshot"

    def __init__(self, rows: Rows, mapper: Mapper, policy: InventoryPolicy) -> None:
        self._rows, self._mapper, self._policy = rows, mapper, policy

    @property
    def view(self) -> str:
        """Return the name of the number over all warehouses; there are no views to choose."""
        return view_of(self._policy)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: no query says what has changed, or which rows are gone."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the stock of the SKUs in scope, or all of it; at its end it is complete."""
        del window
        not_before = scope.not_before or datetime.now(UTC)
        rows = (
            self._rows.everything(not_before)
            if scope.ids is None
            else self._rows.rows(scope.ids, not_before)
        )
        yield from self._to_pages(rows, is_whole=scope.ids is not None)
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the stock of SKUs."""
        return self._to_pages(self._rows.rows(ids, datetime.now(UTC)), is_whole=True)

    def to_canonical(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map a captured row."""
        return self._mapper.level(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account reports its current stock whenever it is asked."""
        del done

    @abstractmethod
    def _to_pages(self, batches: Iterator[list[bytes]], *, is_whole: bool) -> Iterator[Page]:
        """Yield records; ``is_whole``: a batch has all rows of its SKUs."""

    def _record(self, sku: str, node: str, payload: bytes, now: datetime) -> RawRecord:
        source_id = f"{sku}@{node}"
        if not sku or not is_composed_id(source_id):
            source_id = fallback_id(payload)
        return RawRecord(source_id, now, payload, self._mapper.content(payload))
