"""Reads an org's inventory locations, and the levels that Omnichannel Inventory holds there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.errors import PermanentError
from domain.parsing.answers import CONTRACT, document_of
from domain.targets import NO_LEVEL
from resources.http.client import ApiClient
from resources.http.reply import Reply
from resources.platforms.salesforce.answers_payload import AVAILABILITIES, LOCATIONS, Availability
from resources.platforms.salesforce.client import INSTALL, QueryClient, refuse_access
from resources.platforms.salesforce.settings import STOCK_BATCH, SalesforceSettings
from resources.preflight import Finding

AVAILABLE = "/commerce/oci/availability/availability-records/actions/get-availability"
LOCATION_QUERY = (
    "SELECT Id, ExternalReference FROM Location WHERE IsInventoryLocation = true ORDER BY Id"
)
DEFAULT = "default"
NO_SKU = "lockstep-preflight"
"""A SKU that no product has."""
Level = tuple[str, str]
"""SKU and external reference of a location."""


class HeldLevel(NamedTuple):
    """What the org has of one level."""

    available: Decimal
    on_hand: Decimal
    exists: bool
    """Whether there is a record. UNVERIFIED: an answer has a row that says so, or none."""


Held = dict[Level, HeldLevel]
NOTHING = HeldLevel(Decimal(0), Decimal(0), exists=False)


class LevelReader:
    """Reads locations and levels of one org."""

    def __init__(self, http: ApiClient, settings: SalesforceSettings) -> None:
        self._http, self._settings = http, settings
        self._queries = QueryClient(http, settings.data_path)

    def locations(self) -> dict[str, str]:
        """Return external reference -> the same, and ``default``."""
        found = {DEFAULT: self._settings.inventory_location}
        for page in self._queries.rows(LOCATION_QUERY):
            for raw in page:
                location = document_of("salesforce: a location", raw, LOCATIONS)
                if location.external_reference:
                    found[location.external_reference] = location.external_reference
        return found

    def stock(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location) -> quantity that is available; ``NO_LEVEL`` without a record."""
        wanted, places = sorted(set(skus)), sorted(set(self.locations().values()))
        levels = {(sku, place): NO_LEVEL for sku in wanted for place in places}
        for start in range(0, len(wanted), STOCK_BATCH):
            for place in range(0, len(places), STOCK_BATCH):
                some, at = wanted[start : start + STOCK_BATCH], places[place : place + STOCK_BATCH]
                reply = self._http.request(
                    "POST",
                    AVAILABLE,
                    json=asked(some, at),
                    idempotent=True,
                    has_effect=False,
                    decode=AVAILABILITIES.decode,
                )
                found = held_of(reply)
                levels |= {key: int(one.available) for key, one in found.items() if one.exists}
        return levels

    def check(self) -> Finding:
        """Ask Omnichannel Inventory for a SKU that there is not."""
        reply = self._http.request(
            "POST",
            AVAILABLE,
            json=asked([NO_SKU], [self._settings.inventory_location]),
            idempotent=True,
            has_effect=False,
            decode=AVAILABILITIES.decode,
        )
        held_of(reply)
        return True, "Omnichannel Inventory answers", ""


def asked(skus: Sequence[str], locations: Sequence[str]) -> dict[str, object]:
    """Return the body that asks for levels; the vendor's cache may show older ones."""
    return {"stockKeepingUnits": skus, "locations": locations, "useCache": False}


def held_of(reply: Reply) -> Held:
    """Return the levels of an answer. Raises ``PermanentError`` if it has none."""
    if not reply.ok:
        refuse_access(reply)
        raise PermanentError(f"{reply.error_summary()}; {INSTALL}, or take inventory off streams")
    if reply.value is None:
        raise PermanentError(f"{reply.where} answered without a body: {CONTRACT}")
    found: Availability = reply.value
    levels: Held = {}
    for place in found.locations:
        for row in place.inventoryRecords:
            try:
                levels[row.stockKeepingUnit, place.locationIdentifier] = HeldLevel(
                    Decimal(str(row.availableToFulfill)), Decimal(str(row.onHand)), row.exists
                )
            except ArithmeticError:
                raise PermanentError(
                    f"{reply.where} gave a level that is none: {CONTRACT}"
                ) from None
    return levels
