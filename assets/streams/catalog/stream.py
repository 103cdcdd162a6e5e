"""The stream ``catalog``: what the store sells, kept aligned with what the OMS has.

A store's list of changed products shows neither deletions nor every change, so the whole catalog is
read at first and once in ``catalog.full_read``; in between what changed in a window. What did not
change makes no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.catalog.alignment import align_where_due
from assets.streams.catalog.items import ItemsPlanner, take_note
from assets.streams.deletions import Deletions
from domain.connections import CATALOG
from domain.delivery import Claimed, Held, Intent, Operation, Outcome, Question
from domain.errors import Problem
from domain.exchange import ExchangeLog, Mapped, RawRecord, Receipt, Skipped
from domain.identity import correlation_id
from domain.records.catalog import Product, deleted_product
from domain.records.record import decode_record
from domain.rules.completeness import refuse_shrinkage
from domain.schemas.catalog import product_problems
from domain.sources import Page, Source
from domain.values import LONG_AGO, Window
from resources.ledger.rows import AcceptedRecord, StoredCapture, TableRows, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

DELETIONS = Deletions("lockstep_deleted_product")
PRESENT = timedelta(minutes=5)
"""A window that ends so shortly before the present is the current one."""


class Catalog:
    """Products, by the protocol ``assets.chain.stream.Stream``."""

    name = CATALOG
    to_oms = True
    is_snapshot = False
    summary = (
        "Products of the store with their variants, aligned with the OMS's item master: what "
        "matches, what either side lacks, SKUs that are missing or not unique, and units."
    )

    def source(self, sync: Sync) -> Source[Product]:
        """Return the source at the store."""
        return sync.products

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the store for its oldest change; where the whole catalog is due, it is all new."""
        with sync.ledger.session(sync.name, CATALOG) as session:
            if _is_whole_due(sync, session):
                return since
        return sync.products.probe(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the products that changed in the window; the whole catalog if that is due.

        A product that is the same as its newest version is left out.
        """
        present = sync.platform.clock()
        if window.until >= present - PRESENT and _is_whole_due(sync, session):
            yield from _whole(sync, session, present)
            return
        for page in sync.products.fetch(window):
            yield Page(_changed(session, page.records))

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the products' correlation ids."""
        del session
        return {i: correlation_id(sync.name, "product", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Product] | Skipped]:
        """Return the mapping of captured products, and of those that were deleted."""
        del session, captures
        return product_mapper(sync)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Product]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return product_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Product]]) -> list[TableRows]:
        """Return no rows: the newest version of each product is stored when it is delivered."""
        del accepted
        return []

    def planner(
        self, sync: Sync, session: Session, request: DeliveryRequest
    ) -> CatalogPlanner | ItemsPlanner:
        """Take the products into the alignment, and create items where the policy says so."""
        if sync.connection.catalog.create_items:
            return ItemsPlanner(sync, session, request)
        return CatalogPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> Mapping[str, int]:
        """Compare the catalog with the item master if that is due."""
        return {f"aligned: {kind}": n for kind, n in align_where_due(sync).items()}


class CatalogPlanner(Planner[Product]):
    """Takes accepted products into what the ledger knows of the store; sends nothing."""

    to_oms = True
    why = "the product is part of the alignment"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = NothingSent()

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Product]]:
        """Store the newest versions, which is safe to repeat."""
        dues = [Due(a, decode_record(Product, a.canonical), a.source_id) for a in current]
        take_note(self.session, dues)
        return dues

    def plan(self, due: Due[Product]) -> Plan:
        """Return a plan without intents."""
        return Plan(due)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return nothing: no intent is ever sent."""
        del plan, intent, outcome
        return None


class NothingSent:
    """``domain.ports.Target`` and its writer, for a stream that ends in the ledger."""

    operations: Mapping[str, Operation] = {}
    acts_for = 0.0

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[NothingSent]:
        """Open nothing."""
        del log
        return nullcontext(self)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Refuse to send."""
        raise AssertionError(f"{len(claimed)} intents of a stream that sends nothing")

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Find nothing."""
        del owned
        return [None for _ in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Hold nothing."""
        del asked
        return {}


def product_mapper(sync: Sync) -> Callable[[bytes], Mapped[Product] | Skipped]:
    """Return the mapping of captured products, and of those that were deleted."""
    to_canonical = sync.products.to_canonical

    def to_product(payload: bytes) -> Mapped[Product] | Skipped:
        source_id = DELETIONS.source_id(payload)
        if source_id is not None:
            return Mapped(deleted_product(source_id))
        return to_canonical(payload)

    return to_product


def _is_whole_due(sync: Sync, session: Session) -> bool:
    read_at = session.products.read_at()
    return read_at is None or session.now() - read_at >= sync.connection.catalog.full_read


def _whole(sync: Sync, session: Session, present: datetime) -> Iterator[Page]:
    """Read all products, and yield what changed and what is gone.

    A version that the modification time does not announce is dated by this read, or the one before
    it would count as newer. Raises ``PermanentError`` if much less came back than is known.
    """
    seen: set[str] = set()
    for page in sync.products.fetch(Window(LONG_AGO, present + PRESENT)):
        seen.update(record.source_id for record in page.records)
        yield Page(_changed(session, page.records, present))
    known = session.products.known()
    limit = sync.connection.catalog.shrink
    refuse_shrinkage(
        f"{sync.name}: the store's catalog", len(known), len(seen), limit, "catalog.shrink"
    )
    gone = [DELETIONS.version(source_id, present) for source_id in sorted(known - seen)]
    if gone:
        yield Page(_changed(session, gone, present))
    session.products.note_read()


def _changed(
    session: Session, records: Sequence[RawRecord], present: datetime | None = None
) -> list[RawRecord]:
    """Return the records that differ from their newest version, dated ``present`` at least."""
    if not records:
        return []
    latest = session.captures.latest_digests([record.source_id for record in records])
    return [
        _dated(record, present if record.source_id in latest else None)
        for record in records
        if latest.get(record.source_id) != record.digest
    ]


def _dated(record: RawRecord, earliest: datetime | None) -> RawRecord:
    if earliest is None or record.updated_at >= earliest:
        return record
    return RawRecord(record.source_id, earliest, record.payload, record.content)
