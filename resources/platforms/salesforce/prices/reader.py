"""Reads what an org shows: the entries of price books.

``catalog`` is the standard price book; any other list is a price book by its id. A price book has
one price for a product and currency, so sale prices are in a price book of their own, which
``platform.sale_pricebooks`` names for each list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.errors import PermanentError, Problem
from domain.parsing.answers import CONTRACT, document_of
from domain.parsing.scalars import UnreadableValue, amount_of
from domain.prices import OWN_PRICES, PricePlace, PriceTag, StorePrice
from resources.http.client import ApiClient
from resources.platforms.salesforce.client import QueryClient
from resources.platforms.salesforce.prices.payload import ENTRIES, PRICEBOOKS, PricebookEntry
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings
from resources.platforms.salesforce.soql import all_of, is_id, one_of, quoted, select

PRICE = "price"
"""The operation."""
BOOKS = "Pricebook2"
ENTRY = "PricebookEntry"


class Books(NamedTuple):
    """The price books of a list, by their ids."""

    regular: str
    sale: str = ""
    """Empty where the list has none."""


class PriceReader:
    """Reads the prices of one org."""

    def __init__(self, http: ApiClient, settings: SalesforceSettings) -> None:
        self._queries = QueryClient(http, settings.data_path)
        self._currency, self._sales = settings.currency, settings.sale_pricebooks

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the org shows, by the key of each place."""
        books = self.books({place.price_list for place in places})
        found: dict[str, StorePrice] = {}
        by_books: dict[Books, list[PricePlace]] = {}
        for place in places:
            book = books[place.price_list]
            if isinstance(book, Problem):
                found[place.key] = StorePrice(PRICE, problem=book)
            elif self._currency not in (None, place.currency):
                problem = _other_currency(place, self._currency or "")
                found[place.key] = StorePrice(PRICE, problem=problem)
            else:
                by_books.setdefault(book, []).append(place)
        for book, of_list in by_books.items():
            entries = self._entries(book, {place.item.parent_id for place in of_list})
            found |= {place.key: self._shown(place, book, entries) for place in of_list}
        return found

    def books(self, lists: Collection[str]) -> Mapping[str, Books | Problem]:
        """Return the price books of lists by their names, or why the org has none."""
        named = {name for name in lists if is_id(name)}
        conditions = [one_of("Id", sorted(named))] if named else []
        conditions += ["IsStandard = true"] if OWN_PRICES in lists else []
        known: dict[str, str] = {}
        for condition in conditions:
            text = f"{select('Id, IsStandard', BOOKS)}{all_of([condition])} ORDER BY Id"
            for page in self._queries.rows(text):
                for raw in page:
                    book = document_of("salesforce: a price book", raw, PRICEBOOKS)
                    identifier = _id_of("book", book.id)
                    known[OWN_PRICES if book.is_standard is True else identifier] = identifier
        return {
            name: Books(known[name], self._sales.get(name, ""))
            if known.get(name)
            else _unknown(name)
            for name in lists
        }

    def _entries(
        self, books: Books, products: Collection[str]
    ) -> dict[tuple[str, str, str], PricebookEntry]:
        """Return (price book, product, currency) -> entry; without currencies in a single one's."""
        wanted = sorted(each for each in products if is_id(each))
        within = one_of("Pricebook2Id", [each for each in books if each])
        found: dict[tuple[str, str, str], PricebookEntry] = {}
        for chunk in _chunks(wanted):
            where = all_of([within, one_of("Product2Id", chunk)])
            for page in self._queries.rows(f"{self.text}{where} ORDER BY Id"):
                for raw in page:
                    entry = document_of("salesforce: a price book entry", raw, ENTRIES)
                    _id_of("book entry", entry.id)
                    found[self.key_of(entry)] = entry
        return found

    @property
    def text(self) -> str:
        """Return the query of entries, without its conditions."""
        fields = "Id, Pricebook2Id, Product2Id, UnitPrice, IsActive"
        return select(fields if self._currency else f"{fields}, CurrencyIsoCode", ENTRY)

    def key_of(self, entry: PricebookEntry) -> tuple[str, str, str]:
        """Return what an entry is the price of."""
        currency = self._currency or entry.currency_iso_code or ""
        return entry.pricebook2_id or "", entry.product2_id or "", currency

    def _shown(
        self,
        place: PricePlace,
        books: Books,
        entries: Mapping[tuple[str, str, str], PricebookEntry],
    ) -> StorePrice:
        product, currency = place.item.parent_id, place.currency
        regular = entries.get((books.regular, product, currency))
        sale = entries.get((books.sale, product, currency)) if books.sale else None
        price, reduced = _price(regular), _price(sale)
        tag = None
        if price is not None:
            tag = PriceTag(price, None if reduced == price else reduced)
        ids = (each.id or "" if each is not None else "" for each in (regular, sale))
        return StorePrice(PRICE, tag, ",".join((*books, *ids)))


def address_of(shown: StorePrice) -> tuple[Books, str, str]:
    """Return the price books of a place, and its entries' ids; empty if there is none."""
    regular, sale, of_regular, of_sale = shown.address.split(",")
    return Books(regular, sale), of_regular, of_sale


def _price(entry: PricebookEntry | None) -> Decimal | None:
    """Return an entry's price; one that is not active has none."""
    if entry is None or entry.is_active is not True or entry.unit_price is None:
        return None
    try:
        return amount_of(entry.unit_price)
    except UnreadableValue:
        raise PermanentError(
            f"salesforce: a price book entry's price can't be read: {CONTRACT}"
        ) from None


def _id_of(what: str, identifier: str | None) -> str:
    """Return an id that goes into an address and a write. Raises ``PermanentError`` for none."""
    if identifier is None or not is_id(identifier):
        raise PermanentError(f"salesforce: a price {what} has no id: {CONTRACT}")
    return identifier


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL))


def _unknown(name: str) -> Problem:
    message = "the org has no such price book"
    if name != OWN_PRICES and not is_id(name):
        message = "a list is catalog, or the id of a price book, of 18 characters"
    return Problem(
        "price_list_unknown",
        "price_list",
        message,
        "correct prices.lists or prices.store_list, or create the price book in the store",
        name,
    )


def _other_currency(place: PricePlace, currency: str) -> Problem:
    return Problem(
        "price_currency_of_list",
        "currency",
        f"the price is in {place.currency}, and the org's only currency is {currency}",
        "correct the currency at the OMS, in prices.currency or in platform.currency",
        place.currency,
    )


def condition_of(books: Sequence[str], product: str) -> str:
    """Return the clause for a product's entries in some price books."""
    within = one_of("Pricebook2Id", [each for each in books if each])
    return all_of([within, f"Product2Id = {quoted(product)}"])
