"""The stream ``customers``, from the store to the OMS: reading, mapping and checks.

A store's list of changed customers does not show all that happens to them: a deleted one is on no
list, and a change of an address need not change its customer's time. The store's events say so, and
are kept in the inbox; so a window has the customers that changed in it, and those that events of it
name. One of these that the store no longer has was deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from assets.delivery.request import DeliveryRequest
from assets.streams.customers.plan import CustomersPlanner
from assets.streams.deletions import Deletions, named_by_events, read_with_named
from domain.connections import CUSTOMERS
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.identity import correlation_id
from domain.records.customers import Customer, deleted_customer
from domain.records.record import amend
from domain.rules.customers import customer_id_at_oms
from domain.schemas.customers import customer_problems
from domain.sources import Page, Source
from domain.values import Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.sync import Sync

IDS_AT_ONCE = 500
DELETIONS = Deletions("lockstep_deleted_customer")


class Customers:
    """Customers, by the protocol ``assets.chain.stream.Stream``."""

    name = CUSTOMERS
    to_oms = True
    is_snapshot = False
    summary = (
        "Registered customers of the store, sent to the OMS: created once, later changes as "
        "changed fields, deletions as inactive customers without personal data."
    )

    def source(self, sync: Sync) -> Source[Customer]:
        """Return the source at the store."""
        return sync.customers

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the store for its oldest change since ``since``, and the inbox for its events."""
        found = sync.customers.probe(since)
        with sync.ledger.session(sync.name, CUSTOMERS) as session:
            named = named_by_events(sync, session, CUSTOMERS, since, None)
        return min(filter(None, (found, min(named.values(), default=None))), default=None)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the customers that changed in the window, then those that its events name."""
        named = named_by_events(sync, session, CUSTOMERS, window.since, window.until)
        yield from read_with_named(sync.customers, session, window, named, DELETIONS, IDS_AT_ONCE)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the customers' correlation ids."""
        del session
        return {i: correlation_id(sync.name, "customer", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Customer] | Skipped]:
        """Return the mapping; the customer gets the id that it has at the OMS."""
        del session, captures
        return customer_mapper(sync)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Customer]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return customer_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Customer]]) -> list[TableRows]:
        """Return no rows: nothing of a customer is shown to analysts."""
        del accepted
        return []

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> CustomersPlanner:
        """Send what the OMS does not hold in this form."""
        return CustomersPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: a delivery leaves nothing for other streams."""


def customer_mapper(sync: Sync) -> Callable[[bytes], Mapped[Customer] | Skipped]:
    """Return the mapping of captured customers, and of those that were deleted."""
    policy, to_canonical = sync.connection.orders, sync.customers.to_canonical

    def to_customer(payload: bytes) -> Mapped[Customer] | Skipped:
        source_id = DELETIONS.source_id(payload)
        mapped = (
            to_canonical(payload)
            if source_id is None
            else Mapped(deleted_customer(source_id, sync.platform.identity.account))
        )
        if isinstance(mapped, Mapped):
            customer_id = customer_id_at_oms(policy, mapped.record.source_id)
            amend(mapped.record, "customer_id", customer_id)
        return mapped

    return to_customer
