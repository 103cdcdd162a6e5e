"""What the mappings of all stores' orders share: lines until they are settled, and the outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from domain.exchange import Mapped, SourcePaths
from domain.parsing.problems import REPORT, DocumentProblems
from domain.parsing.scalars import ZERO, WrittenTime, moment_of
from domain.records.orders import (
    Charge,
    Discount,
    FulfilmentGroup,
    LineKind,
    Order,
    OrderLine,
    Tax,
)
from domain.records.record import InvalidRecord
from domain.rules.translation import OrderRejected

STORE_UNIT = "EACH"
"""Stores know no units; ``domain.rules.translation`` converts to the OMS's."""
ROUNDING = "Rounding of the order's tax"


class LineDraft(msgspec.Struct):
    """A line until taxes and discounts are settled over all lines; ``where`` is its path."""

    where: str
    line_id: str
    group_id: str
    kind: LineKind
    sku: str
    name: str
    quantity: Decimal
    unit_price: Decimal
    line_total: Decimal
    tax: Decimal
    variant_id: str | None = None
    parent_line_id: str | None = None
    options: tuple[str, ...] = ()
    gift_message: str = ""
    texts: tuple[str, ...] = ()
    node: str = ""
    node_path: str = ""
    """Where the document names the location that it ships from."""
    discounts: list[Discount] = []
    charges: list[Charge] = []
    rounding: Decimal = ZERO
    """The part of the order's tax that is due to rounding and was put on this line."""
    removed: Decimal = ZERO
    """Units that the OMS must not ship, since they were refunded or canceled."""

    def discounted(self) -> Decimal:
        """Return the sum of the line's discounts."""
        return sum([discount.amount for discount in self.discounts], ZERO)

    def left(self) -> Decimal:
        """Return what is left of the line after its discounts."""
        return self.line_total - self.discounted() if self.discounts else self.line_total

    def build(self) -> OrderLine:
        """Return the canonical line. Raises ``InvalidRecord``."""
        taxes = [Tax(tax_id="tax", name="Tax", amount=self.tax)] if self.tax else []
        if self.rounding:
            taxes.append(Tax(tax_id="rounding", name=ROUNDING, amount=self.rounding))
        return OrderLine(
            line_id=self.line_id,
            parent_line_id=self.parent_line_id,
            sku=self.sku,
            variant_id=self.variant_id,
            name=self.name,
            kind=self.kind,
            quantity=self.quantity,
            uom=STORE_UNIT,
            unit_price=self.unit_price,
            line_total=self.line_total,
            discounts=tuple(self.discounts),
            taxes=tuple(taxes),
            charges=tuple(self.charges),
            group_id=self.group_id,
            options=self.options,
            texts=self.texts,
            node=self.node,
            gift_message=self.gift_message,
        )


class BaseOrderBuilder(ABC):
    """A base for the mapping of one order: all of its problems at once, or the order."""

    def __init__(self, problems: DocumentProblems) -> None:
        self._problems = problems
        self._mapped_groups: list[FulfilmentGroup] = []
        self._mapped_lines: list[OrderLine] = []
        self._paths = SourcePaths()

    @abstractmethod
    def _build(self) -> Order | None:
        """Return the order; ``None`` if it is rejected. Raises ``InvalidRecord``."""

    def to_order(self) -> Mapped[Order]:
        """Return the order. Raises ``OrderRejected``."""
        problems = self._problems
        try:
            order = self._build()
        except InvalidRecord as error:
            problems.reject("invalid_value", error.field, error.message, REPORT)
            order = None
        if problems.problems or order is None:
            raise OrderRejected(
                problems.in_order(), self._mapped_groups, self._mapped_lines, self._paths
            )
        return Mapped(order, tuple(problems.warnings), self._paths)

    def _ordered_at(self, field: str, *written: WrittenTime) -> datetime | None:
        """Return the first time that is written, ``None`` with a problem if there is none."""
        moment = next(filter(None, map(moment_of, written)), None)
        if moment is None:
            self._problems.missing("date_missing", field, "the date is missing")
        return moment

    def _build_lines(self, drafts: Sequence[LineDraft]) -> None:
        paths, nodes = [], []
        for draft in drafts:
            try:
                self._mapped_lines.append(draft.build())
            except InvalidRecord as error:
                if not self._problems.problems:
                    path = f"{draft.where}{error.field}"
                    self._problems.reject("invalid_value", path, error.message, REPORT)
            else:
                paths.append(f"{draft.where}price")
                nodes.append(draft.node_path)
        self._paths = SourcePaths(self._paths.groups, tuple(paths), tuple(nodes))
