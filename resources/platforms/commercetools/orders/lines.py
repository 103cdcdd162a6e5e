"""Line items to lines: SKU, quantity, price, discounts, and where their units go. Pure.

A line's ``totalPrice`` is after its cart discounts. The price of a unit before them is ``price``,
or the sale price where a product discount applies; what the cart discounts took off is stated by
unit and discount, and must explain the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from domain.builders.orders import LineDraft
from domain.currencies import rounding_of
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO
from domain.parsing.text import clean_text, has_controls
from domain.records.orders import Discount, LineKind
from resources.platforms.commercetools.base_payload import (
    ChannelReference,
    DiscountedQuantity,
    Tier,
)
from resources.platforms.commercetools.orders.groups import DIGITAL, line_ids
from resources.platforms.commercetools.orders.money import PLACES, MoneyReader, quantized
from resources.platforms.commercetools.orders.texts import cleaned, field_of, name_of
from resources.platforms.commercetools.payload import LineItem
from resources.platforms.commercetools.settings import CommercetoolsSettings

MAX_SKU = 255
MAX_QUANTITY = 10**9


class LineMapper:
    """Maps the line items of one order."""

    def __init__(
        self,
        settings: CommercetoolsSettings,
        locales: tuple[str, ...],
        money: MoneyReader,
        codes: Mapping[str, str],
        problems: DocumentProblems,
    ) -> None:
        self._settings, self._locales, self._money = settings, locales, money
        self._codes, self._problems = codes, problems

    def to_drafts(self, raw: LineItem, where: str, places: Mapping[str, int]) -> list[LineDraft]:
        """Map one line item, to a line for each group that its units go to."""
        if not raw.id:
            self._problems.missing("line_id_missing", f"{where}id", "the line has no id")
            return []
        draft = self._draft(raw, where)
        if DIGITAL in places:
            draft.kind = LineKind.DIGITAL
        if len(places) == 1:
            draft.group_id = next(iter(places))
            return [draft]
        ids = line_ids(draft.line_id, places)
        parts = list(_split(draft, places, ids, self._money.minor))
        if raw.taxed_price is None and raw.taxed_price_portions:
            # Each way of shipping has an address, and so a rate, of its own.
            taxes = self._money.taxes_by_method(raw, where)
            if taxes.keys() == places.keys():
                for part in parts:
                    part.tax = taxes[part.group_id]
        return parts

    def _draft(self, raw: LineItem, where: str) -> LineDraft:
        quantity = self._quantity(raw, where)
        unit, total, discounts = self._prices(raw, where, quantity)
        settings, variant = self._settings, raw.variant
        draft = LineDraft(
            where,
            str(raw.id),
            "",
            LineKind.PHYSICAL,
            self._sku(raw, where),
            name_of(raw.name, self._locales),
            quantity,
            unit,
            total,
            self._money.tax_of(raw, where),
            str(variant.id) if variant is not None and variant.id is not None else None,
            discounts=discounts,
            node=channel_of(raw.supply_channel),
            node_path=f"{where}supplyChannel",
        )
        if raw.custom is not None:
            draft.parent_line_id = field_of(raw.custom, settings.parent_field) or None
            fields = ((name, f"{where}custom.fields.{name}") for name in settings.text_fields)
            draft.texts = tuple(
                [
                    cleaned(f"{name}: {text}", path, self._problems)
                    for name, path in fields
                    if (text := field_of(raw.custom, name, self._locales))
                ]
            )
            gift = field_of(raw.custom, settings.gift_message_field, self._locales)
            path = f"{where}custom.fields.{settings.gift_message_field}"
            draft.gift_message = cleaned(gift, path, self._problems)
        return draft

    def _sku(self, raw: LineItem, where: str) -> str:
        sku = ((raw.variant.sku if raw.variant is not None else None) or "").strip()
        field, advice = f"{where}variant.sku", "give the product variant a SKU in the store"
        if not sku:
            name = clean_text(name_of(raw.name, self._locales), 60)
            message = f"line {raw.id} is a product variant without SKU ({name})"
            self._problems.reject("sku_missing", field, message, advice)
        elif has_controls(sku):
            message = "the SKU holds a control character"
            self._problems.reject("sku_invalid", field, message, advice, sku)
        elif len(sku) > MAX_SKU:
            message, advice = f"the SKU has {len(sku)} characters", f"shorten it to {MAX_SKU}"
            self._problems.reject("sku_too_long", field, message, advice, sku)
        return sku

    def _quantity(self, raw: LineItem, where: str) -> Decimal:
        quantity = raw.quantity
        if quantity is None or not 0 < quantity <= MAX_QUANTITY:
            message = "the quantity isn't a whole number above zero"
            shown = "" if quantity is None else quantity
            self._problems.reject("quantity_invalid", f"{where}quantity", message, LOOK, shown)
            return Decimal(1)
        return Decimal(quantity)

    def _prices(
        self, raw: LineItem, where: str, quantity: Decimal
    ) -> tuple[Decimal, Decimal, list[Discount]]:
        """Return the price of a unit, the total before discounts, and the discounts."""
        money, price = self._money, raw.price
        sale = price.discounted if price is not None else None
        name = "price.discounted.value" if sale is not None else "price.value"
        value = sale.value if sale is not None else price.value if price is not None else None
        exact = money.needed(value, where, name)
        stated = money.needed(raw.total_price, where, "totalPrice")
        parts = raw.discounted_price_per_quantity or ()
        if sale is None and price is not None and price.tiers:
            exact = self._tiered(raw, price.tiers, exact, stated, quantity, where)
        unit = quantized(exact, PLACES)
        if unit != exact:
            message = f"the price {exact} has more than four decimals, and {unit} is sent"
            advice = "nothing, if the line's total is right; the total is exact"
            self._problems.warn("price_rounded", f"{where}{name}", message, advice)
        total = exact * quantity
        if not parts and total == stated and unit == exact:
            return unit, stated, []
        total = quantized(total, money.minor)
        tolerance = rounding_of(money.minor, quantity)
        if raw.price_mode == "ExternalTotal" or (not parts and abs(total - stated) <= tolerance):
            if abs(unit * quantity - stated) > tolerance:
                unit = quantized(stated / quantity, PLACES)
            return unit, stated, []
        discounts = self._discounts(parts, where)
        return unit, total, self._explained(discounts, total - stated, tolerance, total, where)

    def _tiered(
        self,
        raw: LineItem,
        tiers: list[Tier | None],
        base: Decimal,
        stated: Decimal,
        quantity: Decimal,
        where: str,
    ) -> Decimal:
        """Return the tier's price that the quantity reaches, if the total is of that one.

        UNVERIFIED: whether a line states its tier's price as its price already.
        """
        reached = [
            (tier.minimum_quantity, place, tier)
            for place, tier in enumerate(tiers)
            if tier is not None and (tier.minimum_quantity or 0) <= quantity
        ]
        if not reached:
            return base
        _, place, tier = max(reached, key=lambda each: each[0] or 0)
        value = self._money.read(tier.value, f"{where}price.tiers[{place}].value")
        parts = raw.discounted_price_per_quantity or []
        before = stated + sum(self._discounts(parts, where).values(), ZERO)
        tolerance = rounding_of(self._money.minor, quantity)
        is_base = abs(base * quantity - before) <= tolerance
        return value if not is_base and abs(value * quantity - before) <= tolerance else base

    def _discounts(
        self, parts: Sequence[DiscountedQuantity | None], where: str
    ) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for i, part in enumerate(parts):
            price = part.discounted_price if part is not None else None
            if part is None or price is None:
                continue
            for j, portion in enumerate(price.included_discounts or ()):
                path = f"{where}discountedPricePerQuantity[{i}].discountedPrice."
                path += f"includedDiscounts[{j}].discountedAmount"
                if portion is not None:
                    amount = self._money.read(portion.discounted_amount, path)
                    name = (portion.discount.id if portion.discount is not None else "") or ""
                    found[name] = found.get(name, ZERO) + amount * (part.quantity or 0)
        return found

    def _explained(
        self,
        found: Mapping[str, Decimal],
        off: Decimal,
        tolerance: Decimal,
        total: Decimal,
        where: str,
    ) -> list[Discount]:
        """Return the discounts, brought to what the total lacks; rounding goes to the largest."""
        amounts = {name: quantized(a, self._money.minor) for name, a in found.items() if a}
        difference = off - sum(amounts.values(), ZERO)
        path = f"{where}discountedPricePerQuantity"
        if abs(difference) > tolerance:
            message = (
                f"the discounts of the line come to {off - difference}, and its total is {off} "
                f"below {total}, a difference of {difference}"
            )
            advice = "compare the line's prices and discounts in the store"
            self._problems.reject("discount_mismatch", path, message, advice, off)
        elif difference and amounts:
            largest = max(amounts, key=lambda name: amounts[name])
            amounts[largest] += difference
        elif difference:
            amounts["rounding"] = difference
        if any(amount < 0 for amount in amounts.values()):
            message = "a discount can't be negative"
            self._problems.reject("discount_negative", path, message, LOOK, min(amounts.values()))
        return [
            Discount(
                discount_id=name or "discount",
                name=self._codes.get(name, ""),
                amount=amount,
                code=self._codes.get(name),
            )
            for name, amount in amounts.items()
            if amount
        ]


def channel_of(reference: ChannelReference | None) -> str:
    """Return a channel's key if it was expanded, else its id; empty for none."""
    if reference is None:
        return ""
    return (reference.obj.key if reference.obj is not None else None) or reference.id or ""


def _split(
    draft: LineDraft, places: Mapping[str, int], ids: Mapping[str, str], minor: Decimal
) -> list[LineDraft]:
    """Divide a line over its groups; amounts stay exact in sum, the last group has the rest."""
    found: list[LineDraft] = []
    left, discounts = replace(draft), list(draft.discounts)
    groups = list(places.items())
    for place, (group, units) in enumerate(groups):
        is_last = place == len(groups) - 1
        share = Decimal(1) if is_last else Decimal(units) / left.quantity
        part = replace(
            draft,
            line_id=ids[group],
            group_id=group,
            quantity=Decimal(units),
            line_total=quantized(left.line_total * share, minor),
            tax=quantized(left.tax * share, minor),
            discounts=[replace(d, amount=quantized(d.amount * share, minor)) for d in discounts],
        )
        discounts = [
            replace(d, amount=d.amount - taken.amount)
            for d, taken in zip(discounts, part.discounts, strict=True)
        ]
        left.quantity -= part.quantity
        left.line_total -= part.line_total
        left.tax -= part.tax
        part.discounts = [d for d in part.discounts if d.amount]
        found.append(part)
    return found
