"""One order on its way from the store's document to the canonical record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from domain.addressing.addresses import Address
from domain.builders.orders import BaseOrderBuilder, LineDraft
from domain.builders.removals import Amounts, Remainder, less, take_off
from domain.currencies import is_currency_code, minor_unit
from domain.exchange import SourcePaths
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO, amount_of
from domain.records.orders import (
    Charge,
    Customer,
    Discount,
    LineKind,
    Order,
)
from resources.platforms.bigcommerce import payload as documents
from resources.platforms.bigcommerce.orders.charges import charges_of
from resources.platforms.bigcommerce.orders.consignments import (
    GroupMapper,
    Part,
    missing_units,
    parts_of,
    place_products,
)
from resources.platforms.bigcommerce.orders.lines import PlacedLine, to_line
from resources.platforms.bigcommerce.orders.payments import WrittenTransactions, to_payments
from resources.platforms.bigcommerce.orders.refunds import (
    is_refunded,
    refunded_units,
    warn_of_amounts,
)
from resources.platforms.bigcommerce.orders.texts import notes_of
from resources.platforms.bigcommerce.orders.totals import (
    check_total,
    settle_discounts,
    settle_taxes,
)
from resources.platforms.bigcommerce.payload import Coupon, Line
from resources.platforms.bigcommerce.settings import BigCommerceSettings

CAPTURE_AGAIN = "capture the order again: replay the day of its last change"
NO_ADDRESS = documents.Address()


class Sources(msgspec.Struct, frozen=True):
    """The parts of a capture."""

    order: documents.Order
    transactions: WrittenTransactions = None
    products: list[Line | None] | None = None
    coupons: tuple[Coupon | None, ...] = ()
    returned: Mapping[str, int] = {}
    """Line id -> units that Lockstep has refunded, for returns."""


class OrderBuilder(BaseOrderBuilder):
    """Builds one order from its sources, and collects what is wrong with them."""

    def __init__(
        self,
        settings: BigCommerceSettings,
        groups: GroupMapper,
        sources: Sources,
        problems: DocumentProblems,
    ) -> None:
        super().__init__(problems)
        self._settings, self._groups = settings, groups
        self._sources, self._order = sources, sources.order
        self._included = sources.order.is_tax_inclusive_pricing is True
        self._currency = (sources.order.default_currency_code or "").strip().upper()
        self._minor = minor_unit(self._currency)
        self._is_canceled = False

    def _build(self) -> Order | None:
        raw, problems = self._order, self._problems
        self._check_pricing()
        (amounts, off, tax_off), total, total_tax = self._to_amounts()
        self._build_lines(amounts.lines)
        currency = self._checked_currency()
        billing = self._groups.to_billing(
            raw.billing_address or NO_ADDRESS, "billing_address.", problems
        )
        customer = _customer(raw, billing, problems)
        payments = to_payments(
            raw, self._sources.transactions, total, currency, self._settings, problems
        )
        notes = notes_of(raw, problems)
        ordered_at = self._ordered_at("date_created", raw.date_created)
        if problems.problems or ordered_at is None:
            return None
        number = str(raw.id)
        return Order(
            order_id=number,
            source_id=number,
            number=number,
            store=self._settings.store_hash,
            channel=str(raw.channel_id or ""),
            ordered_at=ordered_at,
            currency=currency,
            tax_included=self._included,
            locale=raw.customer_locale or "",
            customer=customer,
            billing=billing,
            groups=tuple(self._mapped_groups),
            lines=tuple(self._mapped_lines),
            charges=tuple(amounts.charges),
            discounts=amounts.discounts,
            payments=less(payments, off) if off else payments,
            notes=notes,
            total=total - off,
            total_tax=total_tax - tax_off,
            canceled=self._is_canceled,
        )

    def _check_pricing(self) -> None:
        if self._order.is_tax_inclusive_pricing is None:
            message = "this should be true or false"
            self._problems.missing("malformed_value", "is_tax_inclusive_pricing", message)

    def _to_amounts(self) -> tuple[Remainder, Decimal, Decimal]:
        """Return what is left of the order's amounts, and the total and tax of the whole order."""
        raw, parts = self._order, parts_of(self._order, self._problems)
        drafts = self._to_lines(parts)
        self._map_groups(parts, {draft.group_id for draft in drafts})
        charges = charges_of(raw, parts, drafts, included=self._included)
        total, total_tax = self._required("total_inc_tax"), self._required("total_tax")
        discounts = self._settle(drafts, charges, total, total_tax)
        left = self._without_refunds(Amounts(drafts, charges, discounts))
        return left, total, total_tax

    def _without_refunds(self, amounts: Amounts) -> Remainder:
        """Take off the refunded units; an order of nothing else is left whole, and canceled."""
        lines, problems = amounts.lines, self._problems
        if not self._sources.returned:
            warn_of_amounts(self._order, lines, problems)
        if problems.problems or not any(line.removed for line in lines):
            return Remainder(amounts, ZERO, ZERO)
        self._is_canceled = all(line.removed == line.quantity for line in lines)
        if self._is_canceled:
            return Remainder(amounts, ZERO, ZERO)
        return take_off(amounts, self._minor, included=self._included)

    def _checked_currency(self) -> str:
        """Return what was paid in; ``currency_code`` is only what the shopper was shown."""
        currency = self._currency
        if not is_currency_code(currency):
            missing = "the transactional currency is missing"
            invalid = "this isn't a currency code"
            self._problems.reject(
                "currency_invalid",
                "default_currency_code",
                invalid if currency else missing,
                "check the order's currency in the store",
                currency[:10],
            )
        return currency

    def _required(self, name: str) -> Decimal:
        value = getattr(self._order, name)
        if value is None or value == "":
            self._problems.missing("amount_missing", name, "the amount is missing")
        return amount_of(value)

    def _to_lines(self, parts: list[Part]) -> list[LineDraft]:
        products, problems = self._sources.products, self._problems
        if products is None:
            placed = [line for part in parts for line in part.lines]
        else:
            placed = list(place_products(products, parts, problems))
        drafts: list[LineDraft] = []
        seen: set[str] = set()
        minor, included = self._minor, self._included
        everything = is_refunded(self._order)
        for line in placed:
            draft = to_line(line, problems, minor, included=included)
            if draft is None:
                continue
            if not draft.sku and draft.kind is LineKind.GIFT_CERTIFICATE:
                draft.sku = self._settings.gift_certificate_sku
            if draft.line_id in seen:
                message = "two lines have this id"
                path = f"{draft.where}id"
                problems.reject("line_id_duplicate", path, message, LOOK, draft.line_id)
            seen.add(draft.line_id)
            if everything or line[0].quantity_refunded or line[0].is_refunded is True:
                returned = self._sources.returned.get(draft.line_id, 0)
                draft.removed = refunded_units(
                    line[0], draft, problems, everything=everything, returned=returned
                )
            drafts.append(draft)
        self._check_completeness(parts, placed)
        return drafts

    def _check_completeness(self, parts: list[Part], placed: list[PlacedLine]) -> None:
        problems, products = self._problems, self._sources.products
        if products is None:
            if links := sum([part.links for part in parts]):
                message = f"{links} lines are only linked to, not included"
                problems.reject("lines_incomplete", "consignments", message, CAPTURE_AGAIN)
                return
            if placed and (missing := missing_units(self._order, placed)):
                units = self._order.items_total
                message = f"{missing} of {units} units are missing among the included lines"
                problems.reject("lines_incomplete", "items_total", message, CAPTURE_AGAIN, units)
                return
        if not placed and parts:
            message, advice = "the order has no lines", "complete or cancel the order in the store"
            problems.reject("order_without_lines", "products", message, advice)

    def _map_groups(self, parts: list[Part], used: set[str]) -> None:
        shopper = (self._order.billing_address or NO_ADDRESS).email or ""
        paths = []
        for part in parts:
            if part.group_id in used:
                group, path = self._groups.to_group(part, shopper, self._problems)
                self._mapped_groups.append(group)
                paths.append(path)
        self._paths = SourcePaths(tuple(paths))

    def _settle(
        self, lines: list[LineDraft], charges: list[Charge], total: Decimal, total_tax: Decimal
    ) -> tuple[Discount, ...]:
        """Make the order add up; sums of values that can't be read would only add noise."""
        problems = self._problems
        if problems.problems:
            return ()
        minor, included = self._minor, self._included
        discounts = settle_discounts(self._order, self._sources.coupons, lines, minor, problems)
        settle_taxes(lines, charges, total_tax, minor, problems)
        if not problems.problems:
            amounts = Amounts(lines, charges, discounts)
            check_total(amounts, total, minor, problems, included=included)
        return discounts


def _customer(order: documents.Order, billing: Address, problems: DocumentProblems) -> Customer:
    if not billing.email:
        path = "billing_address.email"
        message = "the order has no e-mail address, so the shopper gets no messages"
        advice = "enter the shopper's e-mail address in the store"
        problems.warn("email_missing", path, message, advice)
    return Customer(
        customer_id=str(order.customer_id) if order.customer_id else None,
        email=billing.email,
        first_name=billing.first_name,
        last_name=billing.last_name,
        phone_e164=billing.phone_e164,
    )
