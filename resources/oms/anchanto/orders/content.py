"""Orders in the form that both ways to an account share: its API and its files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from domain.reconciliation import Difference
from domain.records.orders import Order
from domain.rules.ship_from import NodePlace
from resources.oms.anchanto.orders.diff import compare_order, order_change, units_of
from resources.oms.anchanto.orders.mapping import OrderMapper
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings


class ComparedOrders:
    """Compares captured orders with what was wanted, by the account's names of fields."""

    _documents: Documents

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return compare_order(self._documents.order_attributes(payload), wanted)


class OrderContent(ComparedOrders):
    """The pure part of ``domain.targets.OrderTarget``."""

    ships_from: ClassVar[NodePlace] = "nowhere"
    """Anchanto routes orders itself, by rules of each sales channel."""

    def __init__(self, settings: AnchantoSettings) -> None:
        self._settings = settings
        self._mapper, self._documents = OrderMapper(settings), Documents(settings.wire.fields)

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to a new order, in our names."""
        return self._mapper.payload(order)

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what differs; it can't be sent, but says what the account would have to change."""
        return order_change(known, wanted, whole=whole)

    def units(self, content: Mapping[str, object]) -> dict[str, Decimal]:
        """Return by SKU the units of a ``payload``."""
        return units_of(content)
