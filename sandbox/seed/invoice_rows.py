"""The rows of a CSV of invoices, grouped by invoice, with the ids of its orders."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from sys import intern

from sandbox.seed.amounts import ZERO, Amount, parse, to_decimal
from sandbox.seed.seedset import Unreadable
from sandbox.seed.tables import header, moment, rows

COLUMNS = (
    "invoiceno",
    "stockcode",
    "description",
    "quantity",
    "invoicedate",
    "unitprice",
    "customerid",
    "country",
)
OTHER_NAMES = {"invoice": "invoiceno", "price": "unitprice", "customer id": "customerid"}
ARTICLE = re.compile(r"\d{5}[A-Za-z]{0,3}")
DECIMAL_COMMA = re.compile(r"-?\d+,\d{1,2}")
# Used for a missing price: a store reads an empty amount as zero and would ship the goods for free.
NO_PRICE = "none given"
# Order ids are 32-bit integers; the rest is room for assigned ones.
HIGHEST_ID = 2**31 - 1 - 1_000_000

Entry = tuple[str, str, str, str, int]
"""StockCode, Description, Quantity and UnitPrice unchanged, and the physical line."""


@dataclass(slots=True)
class Invoice:
    """One invoice's rows, with the first usable date, customer and country among them."""

    number: str
    entries: list[Entry] = field(default_factory=list)
    date: datetime | None = None
    raw_date: str = ""
    customer: str = ""
    country: str = ""


def fits(path: Path) -> bool:
    """Return whether a file's header has this layout's required columns."""
    names = {OTHER_NAMES.get(name, name) for name in header(path)}
    return {"invoiceno", "stockcode", "quantity", "unitprice"} <= names


def read_rows(
    path: Path, unreadable: list[Unreadable]
) -> tuple[list[Invoice], dict[str, tuple[str, Decimal]]]:
    """Group the rows by invoice, and find the articles with their first description and price."""
    invoices: dict[str, Invoice] = {}
    articles: dict[str, tuple[str, Decimal]] = {}
    for row in rows(path):
        fields = {OTHER_NAMES.get(name, name): content for name, content in row.fields.items()}
        number = fields["invoiceno"].strip()
        if row.problem or not number:
            unreadable.append(Unreadable(path.name, row.line, row.problem or "no InvoiceNo"))
            continue
        invoice = invoices.setdefault(number, Invoice(number))
        sku, name, quantity, price = (
            intern(fields.get(column, "").strip())
            for column in ("stockcode", "description", "quantity", "unitprice")
        )
        invoice.entries.append((sku, name, quantity, price, row.line))
        invoice.raw_date = invoice.raw_date or fields.get("invoicedate", "")
        invoice.date = invoice.date or moment(fields.get("invoicedate", ""))
        invoice.customer = invoice.customer or fields.get("customerid", "").strip()
        invoice.country = invoice.country or intern(fields.get("country", "").strip())
        if ARTICLE.fullmatch(sku) and not articles.get(sku, ("", ZERO))[0]:
            articles[sku] = (name, max(to_decimal(to_price(price)), ZERO))
    return list(invoices.values()), articles


def assign_ids(invoices: list[Invoice]) -> list[int]:
    """Assign integer ids: the invoice number's digits if unique, else above the highest."""
    digits = [
        int(match[1]) if (match := re.fullmatch(r"[A-Za-z]?([0-9]{1,10})", invoice.number)) else 0
        for invoice in invoices
    ]
    shared = Counter(digits)
    usable = [
        number if shared[number] == 1 and 0 < number <= HIGHEST_ID else 0 for number in digits
    ]
    following = max(usable, default=0)
    ids: list[int] = []
    for number in usable:
        following += not number
        ids.append(number or following)
    return ids


def is_canceled(invoice: Invoice) -> bool:
    """Return whether an invoice is a cancellation or return."""
    return invoice.number[:1] in "Cc"


def customer_id(raw: str) -> int:
    """Return the customer's id, 0 for a guest."""
    match = re.fullmatch(r"([0-9]{1,9})(\.0+)?", raw)
    return int(match[1]) if match else 0


def to_price(raw: str) -> Amount:
    """Parse a unit price, also with a decimal comma; return the text if it is not an amount."""
    if not raw:
        return NO_PRICE
    return parse(raw.replace(",", ".")) if DECIMAL_COMMA.fullmatch(raw) else parse(raw)


def to_quantity(raw: str) -> int | None:
    """Parse a quantity; None if it is not an integer."""
    amount = parse(raw)
    return (
        int(amount)
        if isinstance(amount, Decimal)
        and amount == amount.to_integral_value()
        and abs(amount) < 10**9
        else None
    )
