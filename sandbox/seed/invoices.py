"""A CSV of invoices, one row per line, as orders of a BigCommerce store.

Columns, in any order and case: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
CustomerID, Country; the public online-retail layout, whose later edition names them Invoice, Price
and Customer ID. The mapping:

==========================  ======================================================================
source                      order document
==========================  ======================================================================
InvoiceNo                   one order, even if its rows are scattered; ``external_order_id`` is the
                            number; ``id`` = its digits where no other invoice has them, else
                            assigned above the highest
C + digits                  a cancellation or return: status 5 with quantities made positive, since
                            a store shows what had been ordered
other invoices              status 11; negative and zero quantities are kept
InvoiceDate                 ``date_created`` and ``date_modified`` (as UTC) from the invoice's first
                            readable one. If there is none: ``date_modified`` is the newest date of
                            the file, and so is ``date_created`` of an invoice without any date (a
                            store dates its orders itself); a text that is not a date is kept as
                            ``date_created``
CustomerID                  ``customer_id`` from the first row that has one; missing or not a
                            number: 0, a guest
Country                     unchanged; ``country_iso2`` only for the countries in ``COUNTRIES``
POST, DOT                   shipping cost (postage), not a line
D                           a discount over the whole order, not a line
other rows                  a line each; also service codes (M, BANK CHARGES, AMAZONFEE, C2, ...),
                            which the item master does not contain
Quantity, not an integer    0, with the text in ``staff_notes``: a store's quantity is an integer
UnitPrice with a decimal    parsed as the amount (``2,55`` is 2.55; ``1,234`` is ambiguous and not
comma                       an amount), with the text in ``staff_notes``
UnitPrice, not a number     the text unchanged (``none given`` if empty) in the line's price and
                            total, counting zero in the order's total
==========================  ======================================================================

Currency GBP, prices include tax, no taxes named. Names, streets, cities and postcodes are not
published: neutral placeholders or empty. The item master has every StockCode that looks like an
article's (five digits, optionally followed by letters), with ample stock at ``DC1``. A row without
InvoiceNo belongs to no order and is reported. Memory: about 200 bytes a row, since repeated texts
are kept once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sandbox.seed.amounts import CENT, ZERO, Amount, parse, rounded, to_decimal, to_text
from sandbox.seed.documents import order_document
from sandbox.seed.drafts import Address, Discount, Draft, Line
from sandbox.seed.invoice_rows import (
    COLUMNS,
    OTHER_NAMES,
    Invoice,
    assign_ids,
    customer_id,
    fits,
    is_canceled,
    read_rows,
    to_price,
    to_quantity,
)
from sandbox.seed.seedset import (
    SeedSet,
    Unreadable,
    ample_supply,
    oms_item,
    oms_location,
    store_location,
    store_product,
)
from sandbox.seed.tables import header

CURRENCY = "GBP"
POSTAGE = {"POST", "DOT"}
DISCOUNT = "D"
CANCELLED, PAID = 5, 11
LONGEST_NOTE = 65535  # of staff_notes (orders.v2.oas2.yml)
# The countries by the names in the data; "Unspecified" and "European Community" have no code.
COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Bermuda": "BM",
    "Brazil": "BR", "Canada": "CA", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK",
    "EIRE": "IE", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR",
    "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP",
    "Korea": "KR", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL",
    "Nigeria": "NG", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA",
    "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH",
    "Thailand": "TH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip


def read(path: Path) -> SeedSet:
    """Read a CSV of invoices; raises ValueError naming the expected columns for another header."""
    if not fits(path):
        raise ValueError(
            f"{path} has the columns {header(path)}; invoices need {', '.join(COLUMNS)}"
        )
    names = [OTHER_NAMES.get(name, name) for name in header(path)]
    if twice := sorted({name for name in names if name in COLUMNS and names.count(name) > 1}):
        raise ValueError(f"{path} has the column {twice[0]} twice; it is unclear which one counts")
    unreadable: list[Unreadable] = []
    invoices, articles = read_rows(path, unreadable)
    ids = assign_ids(invoices)
    known = [invoice.date for invoice in invoices if invoice.date]
    fallback = max(
        known, default=datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    )
    counts = Counter("canceled" if is_canceled(invoice) else "paid" for invoice in invoices)
    counts |= Counter(
        orders=len(invoices),
        rows=sum(len(invoice.entries) for invoice in invoices),
        unreadable=len(unreadable),
    )
    counts["without_date"] = sum(not invoice.date for invoice in invoices)
    counts["guests"] = sum(not customer_id(invoice.customer) for invoice in invoices)
    numbers = {sku: number for number, sku in enumerate(articles, 1)}
    return SeedSet(
        name="invoices",
        documents=lambda: (
            order_document(_draft(invoice, ids[n], numbers, fallback))
            for n, invoice in enumerate(invoices)
        ),
        products=[
            store_product(numbers[sku], sku, name or sku, to_text(price))
            for sku, (name, price) in articles.items()
        ],
        items=[oms_item(sku, name or sku) for sku, (name, _) in articles.items()],
        supply=ample_supply(articles, "DC1"),
        locations=[oms_location("DC1", "DC")],
        store_locations=[store_location(1, "DC1", "Distribution centre", "GB")],
        currency=CURRENCY,
        first_day=min(known, default=fallback).date(),
        last_day=fallback.date(),
        unreadable=unreadable,
        counts=dict(counts),
    )


@dataclass(slots=True)
class Content:
    """The content of an invoice: lines, postage, discount, and notes on unusable values."""

    lines: list[Line] = field(default_factory=list)
    postage: Decimal = ZERO
    odd_postage: str = ""
    discount: Decimal = ZERO
    notes: list[str] = field(default_factory=list)


def _content(invoice: Invoice, products: dict[str, int]) -> Content:
    content = Content()
    for sku, name, raw, price, at in invoice.entries:
        quantity = to_quantity(raw)
        if quantity is None:
            content.notes.append(f'line {at}: quantity "{raw}" is not an integer')
        quantity = abs(quantity or 0) if is_canceled(invoice) else quantity or 0
        amount = to_price(price)
        if isinstance(amount, str) or amount != parse(price):
            content.notes.append(
                f'line {at}: price "{price}"'
                + (" is not an amount" if isinstance(amount, str) else f" read as {amount}")
            )
        if sku.upper() in POSTAGE:
            content.postage += rounded(to_decimal(amount) * quantity, CENT)
            content.odd_postage = content.odd_postage or (amount if isinstance(amount, str) else "")
        elif sku.upper() == DISCOUNT and isinstance(amount, Decimal):
            content.discount += rounded(abs(amount * quantity), CENT)
        else:
            content.lines.append(
                Line(sku, name, amount, quantity, products.get(sku, 0), products.get(sku, 0))
            )
    if not invoice.date:
        content.notes.append(f'invoice date "{invoice.raw_date}" is not a date')
    if invoice.customer and not customer_id(invoice.customer):
        content.notes.append(f'customer "{invoice.customer}" is not a number')
    return content


def _draft(invoice: Invoice, number: int, products: dict[str, int], fallback: datetime) -> Draft:
    canceled, customer = is_canceled(invoice), customer_id(invoice.customer)
    content = _content(invoice, products)
    place = _place(invoice.country, customer, number)
    cost: Amount = content.odd_postage or content.postage
    notes = "; ".join(content.notes)[:LONGEST_NOTE]
    return Draft(
        id=number,
        numbered=False,  # invoices have up to a thousand lines
        status=CANCELLED if canceled else PAID,
        created=invoice.date or invoice.raw_date.strip() or fallback,
        modified=invoice.date or fallback,
        currency=CURRENCY,
        inclusive=True,
        customer_id=customer,
        billing=place | {"form_fields": []},
        lines=content.lines,
        addresses=[Address(place, "Postage", cost)],
        discounts=[Discount(content.discount, "Discount")] if content.discount else [],
        payment_method="Invoice",
        payment_status="void" if canceled else "captured",
        extra={
            "external_order_id": invoice.number,
            "external_source": "invoices",
            "staff_notes": notes,
        },
    )


def _place(country: str, customer: int, number: int) -> dict[str, str]:
    return {
        "first_name": "Customer",
        "last_name": str(customer) if customer else "Guest",
        "company": "",
        "street_1": "Street not published",
        "street_2": "",
        "city": "City not published",
        "state": "",
        "zip": "",
        "country": country,
        "country_iso2": COUNTRIES.get(country, ""),
        "phone": "",
        "email": f"customer-{customer or f'guest-{number}'}@invoices.example",
    }
