"""Sources: the reading side of a system, one part for each stream that it is the origin of.

A system that lacks a part can't be the origin of that stream: the parts are the capability matrix.
Reading is synchronous and streamed in pages; a record is handed on exactly as the system sent it,
and mapped by ``to_canonical``, which is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

import msgspec

from domain.errors import PermanentError
from domain.exchange import Mapped, MasterItem, RawRecord, Skipped
from domain.reconciliation import OrderOrigin, StoreSnapshot
from domain.records.actions import ActionOutcome, ActionRequest
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel
from domain.records.listed_items import ListedItem
from domain.records.orders import Order
from domain.records.prices import Price
from domain.records.returns import Return
from domain.rules.export import Decide, always
from domain.values import Window

R = TypeVar("R")
Shape: TypeAlias = Literal["changes", "snapshot", "requests"]
"""``changes`` can be read by the time of a change, again and again; ``snapshot`` reports its
present state only; ``requests`` hands each record out until it is acknowledged."""


class Page(msgspec.Struct, frozen=True):
    """Some of the records that a read has found."""

    records: Sequence[RawRecord]
    complete: bool = False
    """The read is at its end and was of everything in its scope: what was on none of its pages is
    gone at the source."""


COMPLETE = Page((), complete=True)


def to_pages(batches: Iterator[Sequence[RawRecord]]) -> Iterator[Page]:
    """Return batches of records as pages; closing it closes the batches."""
    for records in batches:
        yield Page(records)


class Scope(msgspec.Struct, frozen=True):
    """What a snapshot is asked for."""

    ids: Sequence[str] | None = None
    """The records' ids at the source, or what stands for them there (SKUs); ``None``: all."""
    not_before: datetime | None = None
    """When what is returned was read at the earliest, by this machine's clock; ``None``: now.

    A run that asks for one part after the other may be answered from a list that it has read.
    """
    other_parts: bool = False
    """Also orders of the store's channels that the connection does not serve: it has sent some."""


EVERYTHING = Scope()


def read_named(
    read: Callable[[Collection[str]], Iterator[Page]], scope: Scope, refusal: str
) -> Iterator[Page]:
    """Read the records that a scope names, of a source that can't list its records.

    Raises ``PermanentError`` with ``refusal`` if it names none.
    """
    if scope.ids is None:
        raise PermanentError(refusal)
    yield from read(scope.ids)
    yield COMPLETE


class Source(Protocol[R]):
    """Where one stream's records come from. ``R`` is the canonical record."""

    shape: ClassVar[Shape]
    facts: ClassVar[frozenset[str]]
    """Fields of its documents that hold facts; any that is not listed counts as personal."""

    def probe(self, since: datetime) -> datetime | None:
        """Return the modification time of the oldest record changed at or after ``since``.

        ``None`` if there is none. One cheap call, or none at all for a snapshot, which can't
        be asked for changes and returns ``since``.
        """
        ...

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every record modified in the window once; of a snapshot all that are in scope."""
        ...

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read records by their ids, in the form of ``fetch``; unknown ones are absent."""
        ...

    def to_canonical(self, payload: bytes) -> Mapped[R] | Skipped:
        """Map a captured record. Pure. Raises ``RecordRejected``."""
        ...

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Report records as captured, by their ids; only to a source of ``requests``.

        To a source of fulfilment that ``wants_delivered``: as delivered to the store. Called after
        the read's last page and the commit of all its records, and again with the same ids where
        that failed, or where a crash came between: it must be safe to repeat.
        """
        ...


class OrderSource(Source[Order], Protocol):
    """The orders of a store."""

    deletion_events: ClassVar[frozenset[str]]
    """Kinds of events, as events of the store name them, that say that an order was deleted or
    archived, which its lists of changed orders don't show."""

    sku_path: ClassVar[str]
    """Where a line's entry in an order's document has its SKU, as ``variant.sku``."""

    def probe(self, since: datetime, *, other_parts: bool = False) -> datetime | None:
        """Return what ``Source.probe`` does, also of parts of the store that are not served."""
        ...

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their ids, of whatever part of the store."""
        ...

    def deleted(self, window: Window) -> Iterator[tuple[str, datetime]]:
        """Return the ids of orders that the store says were deleted in the window, and when.

        None where it says so by events only, or not at all.
        """
        ...

    def to_canonical(self, payload: bytes, decide: Decide = always) -> Mapped[Order] | Skipped:
        """Map a captured order with the store's own codes. Pure.

        ``decide`` is asked before the costly part. Raises ``RecordRejected``, or ``OrderRejected``
        with the parts that could be mapped. ``domain.rules.translation`` translates the codes.
        """
        ...

    def ordered_units(self, payload: bytes) -> dict[str, Decimal]:
        """Return SKU -> units that a captured order takes from stock, as far as it can be read.

        In the store's unit, for an order that can't be mapped, too. Pure.
        """
        ...

    def to_store_snapshot(self, payload: bytes) -> StoreSnapshot:
        """Return the fulfilment that a captured order states; none if it is unreadable. Pure."""
        ...


class FulfilmentSource(Source[Fulfilment], Protocol):
    """The orders of an OMS with their progress; ``source_id`` is the OMS's order id."""

    wants_delivered: bool
    """Whether the OMS is to know which orders' shipments the store has: they are reported by
    ``acknowledge``, some more than once. What it refuses is a ``RecordRejected`` at the end."""

    def to_canonical(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Map a captured order. Pure. Raises ``RecordRejected``, for an unmapped status too.

        The record has no ``source_id``: links state which order of the store it is. An order that
        is not ``is_linked`` is skipped if it can't be one of the connection's.
        """
        ...

    def to_origin(self, payload: bytes) -> OrderOrigin | None:
        """Return which of the store's orders an OMS order claims to be, ``None`` if none. Pure.

        For orders without a link.
        """
        ...


class ReturnSource(Source[Return], Protocol):
    """The returns of an OMS; ``source_id`` is the return's own id there.

    Records that are not returns are on no page, as they are another stream's.
    """

    def to_canonical(
        self, payload: bytes, *, orders: Collection[str] = ()
    ) -> Mapped[Return] | Skipped:
        """Map a captured return. Pure. Raises ``RecordRejected``, for an unmapped status too.

        The record has no ``source_id``: links state which order of the store it is of. A return of
        none of ``orders``, the connection's own by their ids at the OMS, is skipped if it can't
        be one of the connection's.
        """
        ...

    def order_ids(self, payload: bytes) -> tuple[str, ...]:
        """Return the OMS's ids of the orders whose units come back; none if unreadable. Pure."""
        ...


class ActionSource(Source[ActionRequest], Protocol):
    """Agents' requests at a store. They are read only while nothing was reported of them."""

    async def report(self, outcomes: Sequence[ActionOutcome]) -> Sequence[str]:
        """Show agents the outcome of their requests, and return the ids of those that know it.

        Safe to repeat. A request that the store no longer has knows it, too. Raises
        ``TransientError`` or ``PermanentError`` if nothing can be shown.
        """
        ...


class StockSource(Source[StockLevel], Protocol):
    """Availability at an OMS by the connection's policy; it is read for the SKUs in scope.

    ``source_id`` is ``sku@node``, ``updated_at`` the time of the observation. ``content`` leaves
    out what changes at every look (times), so that an unchanged level is distinguished from a
    changed one. A level's ``observed_at`` stays ``None`` if its row says no time of its own:
    then the capture's time is the observation's.
    """

    @property
    def view(self) -> str:
        """Return the node of a number that is about many nodes: the policy's view, or its own."""
        ...


class ItemSource(Source[MasterItem], Protocol):
    """The item master of an OMS: items are looked up by their SKUs."""

    lists_all: ClassVar[bool]
    """``fetch`` without ids in its scope returns all items; another source can't list them."""


class PriceSource(Source[Price], Protocol):
    """Prices at an OMS; they are read for the SKUs in scope.

    ``source_id`` starts with the SKU and a ``@``, and names price list, currency and period as far
    as the OMS has several. ``content`` leaves out what changes at every look (times).
    """

    @property
    def skus_a_read(self) -> int | None:
        """Return how many SKUs a run reads at most, where each costs a call; ``None``: all.

        Those that were read longest ago come next.
        """
        ...


class ListedItemSource(Source[ListedItem], Protocol):
    """Items at an OMS with what a store shows of them; ``source_id`` is the SKU.

    ``fetch`` reads those in scope; without one all of them, where ``items_a_read`` is ``None``.
    """

    @property
    def items_a_read(self) -> int | None:
        """Return how many items a run reads at most, where each costs a call; ``None``: all."""
        ...

    @property
    def states(self) -> frozenset[str]:
        """Return the fields of ``ListedItem`` that the OMS's items have, as it is configured."""
        ...

    def skus(self) -> list[str]:
        """Return the SKUs of all items, without reading each of them."""
        ...


AnySource: TypeAlias = Source[Any]
