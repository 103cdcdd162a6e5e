"""Price books: one entry for a product, price book and currency.

What the vendor leaves open is decided as follows: a second entry is refused with DUPLICATE_VALUE,
and an entry of another price book needs an active one of the standard price book.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.kit.truth import TruePrice
from sandbox.platforms.salesforce.book import Book
from sandbox.platforms.salesforce.replies import RowRefused

Json = dict[str, Any]
ENTRY, BOOK = "PricebookEntry", "Pricebook2"
FIXED = ("Pricebook2Id", "Product2Id", "CurrencyIsoCode")


def standard(book: Book) -> str:
    """Return the id of the standard price book, which each org has."""
    for row in book.rows(BOOK):
        if row["IsStandard"]:
            return str(row["Id"])
    made = book.put(BOOK, {"Name": "Standard Price Book", "IsStandard": True, "IsActive": True})
    return str(made["Id"])


def check(book: Book, values: Json, before: Json | None) -> None:
    """Refuse an entry that the org would not take."""
    price = values.get("UnitPrice")
    if price is not None and (isinstance(price, bool) or not isinstance(price, int | float)):
        raise RowRefused("JSON_PARSER_ERROR", "UnitPrice is not a number", "UnitPrice")
    if price is not None and price < 0:
        raise RowRefused("NUMBER_OUTSIDE_VALID_RANGE", "UnitPrice is negative", "UnitPrice")
    if before is not None:
        if fixed := [name for name in FIXED if name in values]:
            message = f"Unable to create/update fields: {fixed[0]}."
            raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", message, fixed[0])
        return
    wanted = [values.get(name) for name in FIXED]
    entries = book.children(ENTRY, "Product2Id", values["Product2Id"])
    if any([row[name] for name in FIXED] == wanted for row in entries):
        message = "This price definition already exists in this price book"
        raise RowRefused("DUPLICATE_VALUE", message)
    if values["Pricebook2Id"] != (base := standard(book)) and not any(
        row["Pricebook2Id"] == base
        and row["IsActive"]
        and row["CurrencyIsoCode"] == values.get("CurrencyIsoCode")
        for row in entries
    ):
        message = "Before creating a custom price, create a standard price."
        raise RowRefused("STANDARD_PRICE_NOT_DEFINED", message, "UnitPrice")


def true_prices(book: Book) -> list[TruePrice]:
    """Return the active entries neutrally; a price book named ``Sale`` has the sale prices."""
    sales = {row["Id"] for row in book.rows(BOOK) if row["Name"] == "Sale"}
    base, shown, reduced = standard(book), [], {}
    for row in book.rows(ENTRY):
        if row["Pricebook2Id"] in sales and row["IsActive"]:
            reduced[row["Product2Id"], row["CurrencyIsoCode"]] = _text(row["UnitPrice"])
    for row in book.rows(ENTRY):
        if row["Pricebook2Id"] in sales or not row["IsActive"]:
            continue
        product = book.get("Product2", row["Product2Id"]) or {}
        own = row["Pricebook2Id"] == base
        key = (row["Product2Id"], row["CurrencyIsoCode"])
        price: TruePrice = {
            "sku": product.get("StockKeepingUnit") or "",
            "price_list": "" if own else row["Pricebook2Id"],
            "currency": row["CurrencyIsoCode"] or "",
            "regular": _text(row["UnitPrice"]),
            "sale": reduced.get(key, "") if own else "",
        }
        shown.append(price)
    return shown


def _text(amount: Any) -> str:
    return f"{Decimal(str(amount)).normalize():f}"
