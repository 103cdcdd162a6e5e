"""Statuses of an order summary, the milestones that they mean, and which orders go out.

``OrderSummary.Status`` is a picklist of the org's own (platforms.md 3.4), so the names here are the
connector's: ``platform.statuses`` says what an org writes in their place, ``platform.regions`` what
is written for the orders of a region. UNVERIFIED: which of these values a new org has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.addressing.countries import resolve_country
from domain.milestones import Milestone
from domain.statuses import StoreStatuses

M = Milestone
CREATED, APPROVED, ALLOCATED, RELEASED = "Created", "Approved", "Allocated", "In Fulfillment"
PARTIAL, FULFILLED, DELIVERED = "Partially Fulfilled", "Fulfilled", "Delivered"
RETURNED, CANCELED = "Returned", "Canceled"
OTHER = "Other"
"""The status of an order whose own one is in no table: it does not go out."""


@dataclass(frozen=True, slots=True)
class FulfilmentStatus:
    """What an order shows of its fulfilment."""

    shows: M | None = None
    is_final: bool = False


FULFILMENT: dict[str, FulfilmentStatus] = {
    CREATED: FulfilmentStatus(M.CREATED),
    APPROVED: FulfilmentStatus(M.CREATED),
    ALLOCATED: FulfilmentStatus(M.ALLOCATED),
    RELEASED: FulfilmentStatus(M.RELEASED),
    PARTIAL: FulfilmentStatus(M.PARTIALLY_SHIPPED),
    FULFILLED: FulfilmentStatus(M.SHIPPED),
    DELIVERED: FulfilmentStatus(M.DELIVERED),
    RETURNED: FulfilmentStatus(M.RETURNED),
    CANCELED: FulfilmentStatus(M.CANCELED, is_final=True),
    OTHER: FulfilmentStatus(),
}
STATUSES = tuple(status for status in FULFILMENT if status != OTHER)

MILESTONE_STATUS: dict[M, str | None] = {
    M.CREATED: None,
    M.PARTIALLY_ALLOCATED: None,
    M.ALLOCATED: ALLOCATED,
    M.PARTIALLY_RELEASED: RELEASED,
    M.RELEASED: RELEASED,
    M.PARTIALLY_PICKED: RELEASED,
    M.PICKED: RELEASED,
    M.PARTIALLY_PACKED: RELEASED,
    M.PACKED: RELEASED,
    M.PARTIALLY_SHIPPED: PARTIAL,
    M.SHIPPED: FULFILLED,
    M.PARTIALLY_DELIVERED: None,
    M.DELIVERED: DELIVERED,
    M.PARTIALLY_RETURNED: None,
    M.RETURNED: RETURNED,
    M.CANCELED: CANCELED,
}
"""Milestone at the OMS -> status to set, ``None`` if none is set.
``shipments.milestone_statuses`` overrides it."""
NOTED: dict[M, str] = {M.CREATED: CREATED}
"""Milestone -> status that only the order's history gets: the OMS has the order, which stays in the
status in which it went out. ``shipments.milestone_statuses`` overrides it."""

ORDER_STATUSES = StoreStatuses(
    {status: status for status in FULFILMENT},
    export=(APPROVED,),
    update=(CREATED, ALLOCATED, RELEASED, PARTIAL),
    cancel=(CANCELED,),
    settable={status: status for status in STATUSES},
)
"""What orders do in them, unless ``orders.export_statuses`` and its like say otherwise."""


@dataclass(frozen=True, slots=True)
class Region:
    """The statuses of the orders of some countries or stores."""

    countries: Collection[str]
    stores: Collection[str]
    written: Mapping[str, str]


class StatusNames:
    """What an org, and each of its regions, writes for the connector's statuses."""

    def __init__(self, written: Mapping[str, str], regions: Collection[Region]) -> None:
        plain = {status: status for status in STATUSES} | dict(written)
        self._regions = tuple(regions)
        self._codes = [{_code(one) for one in region.countries} - {None} for region in regions]
        self._written = [plain, *(plain | dict(region.written) for region in regions)]
        self._read = [{text: status for status, text in names.items()} for names in self._written]

    def read(self, text: str, store: str, country: str) -> str:
        """Return the status that an order's text means; ``Other`` where it means none."""
        return self._read[self._place(store, country)].get(text, OTHER)

    def written(self, status: str, store: str, country: str) -> str:
        """Return what is written for a status of an order."""
        return self._written[self._place(store, country)].get(status, status)

    def _place(self, store: str, country: str) -> int:
        code = _code(country)
        for place, region in enumerate(self._regions, 1):
            if store in region.stores or country in region.countries:
                return place
            if code in self._codes[place - 1]:
                return place
        return 0


def _code(country: str) -> str | None:
    """Return a country's ISO code: an org may state codes, or names in its users' languages."""
    return resolve_country(country, "").code if country else None
