"""Products of a store, as a target of deliveries: what the connectors of all stores share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from domain.delivery import Claimed, Held, NewListing, Operation, Outcome, Question, outcome_of
from domain.errors import TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.listings import is_by_sku, product_gone
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter


class StoreListings(ABC):
    """A base for ``domain.targets.ListingTarget``: a product is changed by its id."""

    fields: Collection[str]
    needs: Collection[str]

    def __init__(self, policy: ClientPolicy, concurrency: int) -> None:
        self.acts_for = policy.acts_for
        each = Operation(concurrency=concurrency)
        self.operations: Mapping[str, Operation] = {"update": each, "create": each}

    @abstractmethod
    def writer(self, log: ExchangeLog) -> ListingsWriter:
        """Open the store for writing products."""


class ListingsWriter(TargetWriter, ABC):
    """A base for ``domain.targets.Writer`` of listings: what is uncertain is read and sent again.

    The store is read in threads.
    """

    @abstractmethod
    async def create(self, claimed: Claimed) -> Receipt:
        """Create a product. A second one with its SKU is refused."""

    @abstractmethod
    async def save(self, claimed: Claimed) -> Receipt:
        """Change a product."""

    @abstractmethod
    def read(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what products show, by their ids; those that the store does not sell are absent.

        And, where a listing asks for them, the names of their brand and categories.
        """

    @abstractmethod
    def by_sku(self, name: str, question: Question) -> Held:
        """Return the product that has the SKU of a product to create, sold or not, if any."""

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Change or create products one after the other."""
        return [
            await outcome_of(
                self.create(one) if isinstance(one.content, NewListing) else self.save(one)
            )
            for one in claimed
        ]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what products show; one that the store does not sell is gone.

        Of a product to create, the one that has its SKU.
        """
        known = {name: question for name, question in asked.items() if not is_by_sku(name)}
        found = await asyncio.to_thread(self.read, known)
        held = {n: found.get(n) or Held(n, problems=(product_gone(n),)) for n in known}
        for name in asked.keys() - held.keys():
            held[name] = await asyncio.to_thread(self.by_sku, name, asked[name])
        return held


def created_meanwhile(system: str, sku: str) -> TransientError:
    """Return the error of a creation that was refused, since the store has the SKU by now."""
    return TransientError(
        f"{system}: the SKU {sku} was created meanwhile; the next run compares the product"
    )
