"""Items to lines and charges: SKU, quantity, price, price adjustments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from domain.builders.orders import LineDraft
from domain.currencies import minor_unit
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import CENT, ZERO, WrittenAmount, amount_of
from domain.parsing.text import clean_text, has_controls
from domain.records.orders import Charge, ChargeKind, Discount, LineKind
from resources.platforms.salesforce.orders.delivered import DELIVERY, sku_of, whole_units
from resources.platforms.salesforce.orders.groups import Entry, method_of, unplaced
from resources.platforms.salesforce.payload import Item
from resources.platforms.salesforce.settings import SalesforceSettings

MAX_SKU = 255
MAX_QUANTITY = 10**9
PLACES = Decimal("0.0001")


class LineMapper:
    """Maps the items of one order."""

    def __init__(
        self,
        settings: SalesforceSettings,
        entries: Mapping[str, Entry],
        problems: DocumentProblems,
        currency: str,
        *,
        included: bool,
    ) -> None:
        self._settings, self._entries, self._problems = settings, entries, problems
        self._minor, self._included = minor_unit(currency), included
        digital = {name.casefold() for name in settings.digital_methods}
        self._digital = {
            e for e, entry in entries.items() if method_of(entry.group).casefold() in digital
        }
        self._wrap = frozenset(settings.gift_wrap_names)

    def to_draft(self, raw: Item, where: str) -> LineDraft | None:
        """Map one item of goods; nothing for one that was canceled as a whole."""
        if not raw.id:
            self._problems.missing("line_id_missing", f"{where}Id", "the item has no id")
            return None
        quantity = self._quantity(raw, where)
        if quantity is None:
            return None
        group_id = raw.order_delivery_group_summary_id or ""
        if group_id not in self._entries:
            self._problems.problems.append(unplaced(where, raw.id))
        unit, total = self._prices(raw, where, quantity)
        draft = LineDraft(
            where,
            raw.id,
            group_id,
            LineKind.DIGITAL if group_id in self._digital else LineKind.PHYSICAL,
            self._sku(raw, where),
            clean_text(raw.name or ""),
            quantity,
            unit,
            total,
            amount_of(raw.total_tax_amount),
        )
        draft.discounts, draft.charges = [], []
        self._adjust(draft, raw)
        return draft

    def _adjust(self, draft: LineDraft, raw: Item) -> None:
        """Add an item's adjustments: what it costs less is a discount, what it costs more a fee."""
        for amount, adjustment_id, name in self._adjustments(raw):
            if amount < 0:
                draft.discounts.append(
                    Discount(discount_id=adjustment_id, name=name, amount=-amount)
                )
            elif amount > 0:
                draft.charges.append(
                    Charge(
                        charge_id=adjustment_id,
                        kind=ChargeKind.FEE,
                        name=name,
                        amount=amount,
                        group_id=draft.group_id or None,
                    )
                )

    def to_charge(self, raw: Item, where: str) -> Charge | None:
        """Map a delivery charge or a fee, after its adjustments; none of one that is free."""
        if not raw.id:
            self._problems.missing("line_id_missing", f"{where}Id", "the item has no id")
            return None
        amount = amount_of(raw.total_amt_with_tax if self._included else raw.total_price)
        tax, name = amount_of(raw.total_tax_amount), clean_text(raw.name or "")
        if not amount and not tax:
            return None
        kind = ChargeKind.GIFT_WRAP if raw.name in self._wrap else ChargeKind.FEE
        if raw.type == DELIVERY:
            kind = ChargeKind.SHIPPING
        group_id = raw.order_delivery_group_summary_id
        return Charge(
            charge_id=raw.id,
            kind=kind,
            name=name or str(raw.type),
            amount=amount,
            tax=tax,
            group_id=group_id if group_id in self._entries else None,
        )

    def _sku(self, raw: Item, where: str) -> str:
        sku = sku_of(raw)
        field = f"{where}Product2.StockKeepingUnit"
        advice = "give the product a SKU in the store"
        if not sku:
            message = (
                f"item {raw.id} is of a product without SKU ({clean_text(raw.name or '', 60)})"
            )
            self._problems.reject("sku_missing", field, message, advice)
        elif has_controls(sku):
            message = "the SKU holds a control character"
            self._problems.reject("sku_invalid", field, message, advice, sku)
        elif len(sku) > MAX_SKU:
            message, advice = f"the SKU has {len(sku)} characters", f"shorten it to {MAX_SKU}"
            self._problems.reject("sku_too_long", field, message, advice, sku)
        return sku

    def _quantity(self, raw: Item, where: str) -> Decimal | None:
        """Return the units that are left of an item; ``None`` if all were canceled."""
        units = whole_units(raw.quantity)
        if units == 0:
            return None
        if units is None or not 0 < units <= MAX_QUANTITY:
            message = "the quantity isn't a whole number above zero"
            shown = "" if raw.quantity is None else str(raw.quantity)[:40]
            self._problems.reject("quantity_invalid", f"{where}Quantity", message, LOOK, shown)
            return Decimal(1)
        return Decimal(units)

    def _prices(self, raw: Item, where: str, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Return the price of a unit, and the item's total before adjustments."""
        names = ("GrossUnitPrice", "TotalLineAmountWithTax")
        written: tuple[WrittenAmount, WrittenAmount]
        written = raw.gross_unit_price, raw.total_line_amount_with_tax
        if not self._included:
            names, written = (
                ("UnitPrice", "TotalLineAmount"),
                (raw.unit_price, raw.total_line_amount),
            )
        found = []
        for name, value in zip(names, written, strict=True):
            if value is None or value == "":
                self._problems.missing("amount_missing", f"{where}{name}", "the amount is missing")
            found.append(amount_of(value))
        exact, total = found
        unit = quantized(exact, PLACES)
        # Prices of units are rounded or computed from the total in gross orders: the total counts.
        if abs(unit * quantity - total) > self._minor * (quantity + 1) / 2:
            self._problems.reject(
                "line_total_mismatch",
                f"{where}{names[1]}",
                f"{quantity} times {unit} is {unit * quantity}, but the item's total is {total}",
                "compare the item's price and total in the store",
                total,
            )
        return unit, total

    def _adjustments(self, raw: Item) -> Iterator[tuple[Decimal, str, str]]:
        """Yield amount, id and name of each price adjustment."""
        summaries = raw.order_item_adjustment_line_summaries
        for place, each in enumerate((summaries.records if summaries else None) or ()):
            if each is None:
                continue
            amount = amount_of(each.total_amt_with_tax if self._included else each.amount)
            yield amount, each.id or f"{raw.id}-{place}", clean_text(each.name or "")


def quantized(amount: Decimal, step: Decimal) -> Decimal:
    """Return an amount rounded to a multiple of a unit, with at least two decimals."""
    rounded = amount.quantize(step, ROUND_HALF_EVEN)
    short = rounded.quantize(CENT)
    return (short or ZERO) if rounded == short else rounded.normalize()
