"""One order on its way from the store's document to the canonical record. Pure.

Prices contain their tax where ``TaxLocaleType`` is Gross: then the fields "with tax" are read, else
those without.
"""

from __future__ import annotations

from domain.addressing.addresses import Address
from domain.builders.orders import BaseOrderBuilder, LineDraft
from domain.currencies import is_currency_code
from domain.exchange import SourcePaths
from domain.parsing.problems import LOOK, DocumentProblems
from domain.records.orders import Customer, Order
from resources.platforms.salesforce import payload as documents
from resources.platforms.salesforce.orders.delivered import is_goods, items_of
from resources.platforms.salesforce.orders.groups import Entry, GroupMapper, entries_of
from resources.platforms.salesforce.orders.lines import LineMapper
from resources.platforms.salesforce.orders.notes import notes_of, purchase_order_of
from resources.platforms.salesforce.orders.payments import to_payments
from resources.platforms.salesforce.orders.totals import Amounts, settle
from resources.platforms.salesforce.settings import SalesforceSettings

GROSS = "Gross"
LONGEST_NUMBER = 255


class OrderBuilder(BaseOrderBuilder):
    """Builds one order, and collects what is wrong with it."""

    def __init__(
        self,
        settings: SalesforceSettings,
        groups: GroupMapper,
        order: documents.Order,
        problems: DocumentProblems,
        store: str,
    ) -> None:
        super().__init__(problems)
        self._store = store
        self._settings, self._groups, self._order = settings, groups, order
        self._included = order.tax_locale_type == GROSS
        self._currency = _currency(order, settings, problems)
        self._entries = entries_of(order)

    def _build(self) -> Order | None:
        raw, problems = self._order, self._problems
        amounts = self._to_amounts()
        self._map_groups(list(dict.fromkeys(draft.group_id for draft in amounts.lines)))
        total, total_tax = settle(raw, amounts, self._currency, problems, included=self._included)
        self._build_lines(amounts.lines)
        billing = self._groups.to_billing(raw, problems)
        payments = to_payments(raw, total, problems)
        ordered_at = self._ordered_at("OrderedDate", raw.ordered_date)
        notes = notes_of(raw, self._settings, problems)
        if problems.problems or ordered_at is None:
            return None
        source_id = raw.id or ""
        number = (raw.order_number or "").strip() or source_id
        return Order(
            order_id=number,
            source_id=source_id,
            number=number,
            purchase_order=purchase_order_of(raw, problems),
            store=self._store,
            channel=raw.sales_store_id or "",
            ordered_at=ordered_at,
            currency=self._currency,
            tax_included=self._included,
            customer=_customer(raw, billing, problems),
            billing=billing,
            groups=tuple(self._mapped_groups),
            lines=tuple(self._mapped_lines),
            charges=tuple(amounts.charges),
            payments=payments,
            notes=notes,
            total=total,
            total_tax=total_tax,
        )

    def _to_amounts(self) -> Amounts:
        mapper = LineMapper(
            self._settings, self._entries, self._problems, self._currency, included=self._included
        )
        amounts = Amounts([], [])
        seen: set[str] = set()
        for place, item in items_of(self._order):
            where = f"OrderItemSummaries.records[{place}]."
            if item.id and item.id in seen:
                message = "two items have this id"
                self._problems.reject("line_id_duplicate", f"{where}Id", message, LOOK, item.id)
            seen.add(item.id or "")
            if not is_goods(item):
                charge = mapper.to_charge(item, where)
                amounts.charges.extend([charge] if charge is not None else [])
            elif (draft := mapper.to_draft(item, where)) is not None:
                self._append(draft, amounts)
        if not amounts.lines and not self._problems.problems:
            message = "the order has no items that are goods, so there is nothing to fulfil"
            advice = "complete or cancel the order in the store"
            self._problems.reject("order_without_lines", "OrderItemSummaries", message, advice)
        return amounts

    @staticmethod
    def _append(draft: LineDraft, amounts: Amounts) -> None:
        amounts.lines.append(draft)
        amounts.charges.extend(draft.charges)
        draft.charges = []

    def _map_groups(self, used: list[str]) -> None:
        paths = []
        for group_id in used:
            entry = self._entries.get(group_id) or Entry(group_id, "")
            group, path = self._groups.to_group(entry, self._order, self._problems)
            self._mapped_groups.append(group)
            paths.append(path)
        self._paths = SourcePaths(tuple(paths))


def _currency(
    order: documents.Order, settings: SalesforceSettings, problems: DocumentProblems
) -> str:
    currency = (settings.currency or order.currency_iso_code or "").upper()
    if not is_currency_code(currency):
        message = "this isn't a currency code" if currency else "the currency is missing"
        advice = "check the order's currency, or set platform.currency for a single-currency org"
        problems.reject("currency_invalid", "CurrencyIsoCode", message, advice, currency[:10])
    return currency


def _customer(order: documents.Order, billing: Address, problems: DocumentProblems) -> Customer:
    if not billing.email:
        message = "the order has no e-mail address, so the shopper gets no messages"
        advice = "enter the shopper's e-mail address in the store"
        problems.warn("email_missing", "BillingEmailAddress", message, advice)
    # Each order has an account, also a guest's: a contact is who has registered.
    return Customer(
        customer_id=order.account_id if order.account_id and order.bill_to_contact_id else None,
        email=billing.email,
        first_name=billing.first_name,
        last_name=billing.last_name,
        phone_e164=billing.phone_e164,
    )
