"""One order on its way from the store's document to the canonical record. Pure."""

from __future__ import annotations

from decimal import Decimal

from domain.addressing.addresses import Address
from domain.builders.orders import BaseOrderBuilder, LineDraft
from domain.builders.removals import Amounts, Remainder, less, take_off
from domain.currencies import is_currency_code
from domain.exchange import SourcePaths
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO
from domain.records.orders import Customer, Order
from resources.platforms.commercetools import payload as documents
from resources.platforms.commercetools.base_payload import Reference, TaxRate
from resources.platforms.commercetools.orders.groups import (
    DIGITAL,
    GroupMapper,
    Part,
    parts_of,
    places_of,
    unplaced,
)
from resources.platforms.commercetools.orders.lines import LineMapper
from resources.platforms.commercetools.orders.money import MoneyReader
from resources.platforms.commercetools.orders.payments import to_payments
from resources.platforms.commercetools.orders.states import Standing
from resources.platforms.commercetools.orders.texts import notes_of, purchase_order_of
from resources.platforms.commercetools.orders.totals import (
    ChargeMapper,
    check_total,
    settle_taxes,
    total_discounts,
)
from resources.platforms.commercetools.settings import CommercetoolsSettings


class OrderBuilder(BaseOrderBuilder):
    """Builds one order, and collects what is wrong with it."""

    def __init__(
        self,
        settings: CommercetoolsSettings,
        groups: GroupMapper,
        order: documents.Order,
        standing: Standing,
        problems: DocumentProblems,
    ) -> None:
        super().__init__(problems)
        self._settings, self._groups = settings, groups
        self._order, self._standing = order, standing
        self._locales = (*settings.locales, *((order.locale,) if order.locale else ()))
        self._money = MoneyReader(_currency(order, problems), problems)
        self._codes = _codes(order) if order.discount_codes else {}
        self._parts = parts_of(order)

    def _build(self) -> Order | None:
        raw, problems, money = self._order, self._problems, self._money
        drafts = self._to_lines()
        self._map_groups(list(dict.fromkeys(draft.group_id for draft in drafts)))
        included = self._is_included()
        amounts, total, total_tax = self._amounts(drafts, included=included)
        amounts, off, tax_off = self._without_canceled(amounts, included=included)
        self._build_lines(amounts.lines)
        billing = self._groups.to_billing(raw, problems)
        payments = to_payments(raw, total, money, problems)
        notes = notes_of(raw, self._settings, problems)
        ordered_at = self._ordered_at("createdAt", raw.completed_at, raw.created_at)
        if problems.problems or ordered_at is None:
            return None
        source_id = raw.id or ""
        number = raw.order_number or source_id
        return Order(
            order_id=number,
            source_id=source_id,
            number=number,
            purchase_order=purchase_order_of(raw, problems),
            business=_named(raw.business_unit),
            subscription=_named(raw.recurring_order),
            quote=_named(raw.quote),
            store=self._settings.project_key,
            channel=(raw.store.key or "") if raw.store is not None else "",
            ordered_at=ordered_at,
            currency=money.currency,
            tax_included=included,
            locale=raw.locale or "",
            customer=_customer(raw, billing, problems),
            billing=billing,
            groups=tuple(self._mapped_groups),
            lines=tuple(self._mapped_lines),
            charges=tuple(amounts.charges),
            discounts=amounts.discounts,
            payments=less(payments, off) if off else payments,
            notes=notes,
            total=total - off,
            total_tax=total_tax - tax_off,
            canceled=self._standing.is_canceled,
        )

    def _to_lines(self) -> list[LineDraft]:
        mapper = LineMapper(self._settings, self._locales, self._money, self._codes, self._problems)
        drafts: list[LineDraft] = []
        seen: set[str] = set()
        for i, raw in enumerate(self._order.line_items or ()):
            if raw is None:
                continue
            where = f"lineItems[{i}]."
            places = places_of(raw, self._order, self._parts, self._settings.digital_product_types)
            if places is None:
                if (raw.quantity or 0) > 0:
                    self._problems.problems.append(unplaced(where, raw))
                places = {next(iter(self._parts)): raw.quantity or 0}
            if raw.id and raw.id in seen:
                message = "two lines have this id"
                self._problems.reject("line_id_duplicate", f"{where}id", message, LOOK, raw.id)
            seen.add(raw.id or "")
            found = mapper.to_drafts(raw, where, places)
            canceled = self._standing.removed.get(raw.id or "", 0)
            if canceled and not self._standing.is_canceled:
                self._remove(found, canceled, where)
            drafts += found
        if not drafts and not self._problems.problems:
            message = "the order has no line items, so there is nothing to fulfil"
            advice = "complete or cancel the order in the store"
            self._problems.reject("order_without_lines", "lineItems", message, advice)
        return drafts

    def _remove(self, parts: list[LineDraft], units: int, where: str) -> None:
        """Note which units of a line the OMS must not ship; states don't say where they go."""
        if units == sum(part.quantity for part in parts):
            for part in parts:
                part.removed = part.quantity
        elif len(parts) == 1:
            parts[0].removed = Decimal(units)
        elif parts:
            message = f"{units} units of the line are canceled; at which address is not stated"
            advice = (
                "correct the payload: quantity and shippingDetails of the line without these "
                "units, and its states; or cancel the whole line in the store"
            )
            self._problems.reject("canceled_units_unplaced", f"{where}state", message, advice)

    def _without_canceled(self, amounts: Amounts, *, included: bool) -> Remainder:
        """Take off the canceled units; an order that is canceled as a whole is left as it was."""
        standing = self._standing
        is_whole = standing.is_canceled or not (standing.removed or standing.charges)
        if is_whole or self._problems.problems:
            return Remainder(amounts, ZERO, ZERO)
        return take_off(
            amounts, self._money.minor, included=included, kept_charges=standing.charges
        )

    def _map_groups(self, used: list[str]) -> None:
        paths = []
        for group_id in used:
            if group_id == DIGITAL:
                group, path = self._groups.to_digital(self._order, self._problems)
            else:
                part: Part = self._parts[group_id]
                group, path = self._groups.to_group(part, self._order, self._problems)
            self._mapped_groups.append(group)
            paths.append(path)
        self._paths = SourcePaths(tuple(paths))

    def _is_included(self) -> bool:
        """Return whether prices contain their tax; an order with both kinds can't be sent.

        A rate of zero says nothing: what is not taxed has the same price either way.
        """
        raw, rates = self._order, list[TaxRate | None]()
        for item in (*(raw.line_items or ()), *(raw.custom_line_items or ())):
            if item is not None:
                rates.append(item.tax_rate)
                if item.per_method_tax_rate:
                    rates += [one.tax_rate for one in item.per_method_tax_rate if one is not None]
        rates += [part.info.tax_rate for part in self._parts.values() if part.info is not None]
        kinds = {r.included_in_price for r in rates if r is not None and r.amount != 0}
        kinds.discard(None)
        if len(kinds) > 1:
            message = "some prices of the order contain their tax and others don't"
            advice = "use one kind of tax rate for all of an order's items"
            self._problems.reject("tax_mismatch", "lineItems.taxRate", message, advice)
        return kinds == {True}

    def _amounts(
        self, drafts: list[LineDraft], *, included: bool
    ) -> tuple[Amounts, Decimal, Decimal]:
        raw, money, problems = self._order, self._money, self._problems
        mapper = ChargeMapper(money, self._locales, self._settings.gift_wrap_slugs)
        discounts = total_discounts(raw, money, self._codes, problems)
        charges = mapper.shipping(self._parts)
        charges += mapper.custom(raw.custom_line_items or [], discounts)
        total = money.needed(raw.total_price, "totalPrice")
        total_tax = money.tax(raw.taxed_price, "taxedPrice")
        if not included and raw.taxed_price is not None:
            total = money.needed(raw.taxed_price.total_gross, "taxedPrice.totalGross")
        amounts = Amounts(drafts, charges, tuple(discounts))
        if problems.problems:
            return amounts, total, total_tax  # sums of values that can't be read only add noise
        if raw.taxed_price is None:
            for draft in drafts:  # UNVERIFIED whether items may be taxed where the order isn't
                total_tax += draft.tax
            total_tax += sum([charge.tax for charge in charges], ZERO)
            total += ZERO if included else total_tax
        amounts = settle_taxes(amounts, total_tax, money.minor, problems)
        if not problems.problems:
            added_tax = ZERO if included else total_tax
            check_total(amounts, total, added_tax, money.minor, problems)
        return amounts, total, total_tax


def _currency(order: documents.Order, problems: DocumentProblems) -> str:
    currency = ((order.total_price.currency_code if order.total_price else None) or "").upper()
    if not is_currency_code(currency):
        message = "this isn't a currency code" if currency else "the currency is missing"
        path, advice = "totalPrice.currencyCode", "check the order's currency in the store"
        problems.reject("currency_invalid", path, message, advice, currency[:10])
    return currency


def _named(reference: Reference | None) -> str:
    """Return the key of what is referred to, else its id; empty for none."""
    return (reference.key or reference.id or "") if reference is not None else ""


def _codes(order: documents.Order) -> dict[str, str]:
    """Return cart discount -> the code that the shopper entered for it."""
    found: dict[str, str] = {}
    for entry in order.discount_codes or ():
        reference = entry.discount_code if entry is not None else None
        code = reference.obj if reference is not None else None
        for discount in (code.cart_discounts or ()) if code is not None and code.code else ():
            if discount is not None and discount.id and code is not None and code.code:
                found[discount.id] = code.code
    return found


def _customer(order: documents.Order, billing: Address, problems: DocumentProblems) -> Customer:
    email = (order.customer_email or "").strip() or billing.email
    if not email:
        message = "the order has no e-mail address, so the shopper gets no messages"
        advice = "enter the shopper's e-mail address in the store"
        problems.warn("email_missing", "customerEmail", message, advice)
    return Customer(
        customer_id=order.customer_id or None,
        email=email,
        first_name=billing.first_name,
        last_name=billing.last_name,
        phone_e164=billing.phone_e164,
    )
