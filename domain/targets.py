"""Targets: where the records of a stream go, and how they are written.

Writing is asynchronous, since it is many small calls bound by latency. A target's writer returns
one outcome for each intent (``domain.delivery``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Protocol

from domain.delivery import Claimed, Held, Operation, Outcome, Question
from domain.exchange import (
    ExchangeLog,
    Receipt,
    StoreShipment,
)
from domain.milestones import Milestone
from domain.prices import PricePlace, StorePrice
from domain.reconciliation import Difference
from domain.records.customers import Customer
from domain.records.orders import Order
from domain.refunds import ReturnRecord
from domain.rules.ship_from import NodePlace

NO_LEVEL = -1
"""The quantity of a level that a store lacks: it differs from each that may be wanted."""


class Writer(Protocol):
    """A target opened for writing."""

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Apply intents of one operation and group, and return one outcome for each.

        A record's own fault is its outcome's; the other rows go on. Intents of operations that join
        come together if they are one record's: then all are applied or none, and a refusal is
        every one's.
        """
        ...

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return for each intent the target record that is its effect, if the target has it.

        ``owned`` are the ids of other deliveries' effects, which are never found. Raises
        ``OutcomeUnknown`` where the target can't be read.
        """
        ...

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the target holds of records, by id; those that it lacks are absent.

        ``asked`` are ids with the contents that may be there, for targets whose form can't be read
        without them.
        """
        ...


class Target(Protocol):
    """Where one stream's records go."""

    operations: Mapping[str, Operation]
    """By name: the intents that the stream may plan."""
    acts_for: float
    """Seconds after which a write without an answer can no longer take effect."""

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[Writer]:
        """Open the target for writing; every exchange is reported to ``log``."""
        ...


class OrderTarget(Target, Protocol):
    """Orders at an OMS: ``create`` and ``update`` (``OrderSave``), ``cancel`` (``OrderCancel``).

    Without ``update`` an order can't be changed there: one that differs becomes a rejection.
    """

    ships_from: ClassVar[NodePlace]
    """Where a ``payload`` has a place for the node that lines ship from."""

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to the OMS's form. Pure."""
        ...

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what changed, with the keys to address it, or ``None``. Pure.

        ``whole`` returns all of ``wanted`` instead, with what ``known`` has to lose: for when it is
        uncertain what the OMS holds.
        """
        ...

    def units(self, content: Mapping[str, object]) -> dict[str, Decimal]:
        """Return by SKU the units of a ``payload``, in the unit of the OMS's orders. Pure."""
        ...

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an OMS order holds of ``wanted``, a ``payload``, and the differences.

        Pure. Normalisation by the OMS is not a difference. ``change`` from the returned content to
        ``wanted`` is the correction. Raises ``RecordRejected``.
        """
        ...


class ChangingOrderTarget(OrderTarget, Protocol):
    """An ``OrderTarget`` with ``update``."""

    def applied(
        self, known: Mapping[str, object], change: Mapping[str, object]
    ) -> dict[str, object]:
        """Return what an order that holds ``known`` holds after a ``change`` was sent. Pure."""
        ...


class CustomerTarget(Target, Protocol):
    """Customers at an OMS: ``create`` and ``update`` (``CustomerSave``), keyed by the id there."""

    def payload(self, customer: Customer) -> dict[str, object]:
        """Map a customer to the OMS's form; one that is gone to one without a person. Pure."""
        ...

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what changed, with the keys to address it, or ``None``. Pure.

        ``whole`` returns all of ``wanted`` instead, with what ``known`` has to lose.
        """
        ...

    def differences(
        self, held: Mapping[str, object], wanted: Mapping[str, object]
    ) -> Sequence[str]:
        """Return the names of what differs; normalisation by the OMS is not a difference. Pure."""
        ...


class ShipmentTarget(Target, Protocol):
    """Fulfilment in a store.

    ``shipment`` (``NewShipment``), ``shipment_update`` (``ShipmentChange``), ``shipment_removal``
    (``ShipmentRemoval``) and ``status`` (``StatusChange``); ``held`` returns a ``StoreOrderState``.
    """

    has_history: bool
    """The store keeps a history of an order's statuses, which also gets one that it shows already.
    """
    noted: Mapping[Milestone, str]
    """Milestones that show as no status -> what the history gets instead."""

    def status_for(self, milestone: Milestone) -> str | None:
        """Return the store status that a milestone shows as, or ``None`` if it shows as none."""
        ...

    async def list_shipments(
        self, order_ids: Collection[str]
    ) -> dict[str, dict[str, StoreShipment]]:
        """Return all shipments of orders by their ids; orders that the store lacks are absent."""
        ...


class LevelTarget(Target, Protocol):
    """Stock in a store: ``stock`` (``LevelChange``), and tracking switched off and on."""

    basis: str
    """What a level is counted by, where a setting decides that; empty where none does.

    Levels of another basis say nothing: after a change of the setting all are written again.
    """

    def locations(self) -> Mapping[str, str]:
        """Return the store's location code -> id; the code ``default`` is the default location."""
        ...

    def levels(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return what the store holds now: (SKU, location id) -> quantity on hand.

        ``NO_LEVEL`` where the store has no number and the next level that is sent makes one.
        """
        ...


class PriceTarget(Target, Protocol):
    """Prices in a store, by the operations that its own ``StorePrice`` name (``PriceChange``)."""

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the store shows now, and how it is written, by the key of each place.

        Every place has an answer; one that can take no price has a ``problem``.
        """
        ...


class PaymentService(Target, Protocol):
    """Where money goes back to shoppers, by ``refund`` (``RefundRequest``): nothing else moves any.

    ``held`` returns the ``OrderRefunds`` of orders. ``refund`` sends no more than the request's
    ceiling; a success states the ``StoreRefund`` that it made, also one that was declined. ``find``
    knows a refund by the delivery's key where the service notes it, and else by what it is worth.
    """

    quotes: bool
    """The service says itself what units are worth; another one needs the request's amount."""
    declines_for: timedelta
    """How long after a refund counts as paid a provider may still decline it."""


class ReturnTarget(Target, Protocol):
    """Returns in a store: ``return`` (``ReturnRecord``) if it shows them. It moves no money.

    ``held`` returns the ``OrderRefunds`` of orders, with the refunds that the store has by whomever
    they were made. The same target may be the store's ``PaymentService``.
    """

    shows_announced: bool
    """Units show that the shopper still has; else they show once they have arrived."""

    async def not_shown(self, records: Sequence[ReturnRecord]) -> dict[str, str]:
        """Return return id -> how the store shows it otherwise: ``differs``, or a problem's code.

        What it shows as it should, and what a store shows nothing of at all, is absent.
        """
        ...


class ListingTarget(Target, Protocol):
    """Products of a store: ``update`` (``ListingSave``), which leaves out what is not named.

    ``held`` returns the texts that a product shows, by the fields of ``ListingSave.texts``, under
    ``images`` how many pictures it has, under ``addresses`` which, where the store keeps the
    addresses that it was given, under ``skus`` its own and its variants' SKUs, and under
    ``in_other_language`` which of the texts it has not in the language that is written, if any; a
    product that the store lacks has problems.

    A store whose products can be created has this as its part ``products``, too, with ``create``
    (``NewListing``). A product to create is asked for by ``domain.listings.new_id``: what is held
    has no content where the store has no product with its SKU, and else that product's id. Such a
    store refuses a second product with a SKU, or a second one that was made for it, so that one is
    created once.
    """

    fields: Collection[str]
    """The fields of ``Listing`` that a product of the store may have."""
    needs: Collection[str]
    """Those that a product to create must have."""


class ItemTarget(Target, Protocol):
    """Items of an OMS: ``save`` (``ItemSave``), an upsert keyed by the SKU."""
