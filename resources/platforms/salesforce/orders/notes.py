"""What the shopper or the staff has written about an order. Pure."""

from __future__ import annotations

from domain.parsing.cards import without_cards
from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_text
from domain.records.orders import Note
from resources.platforms.salesforce.payload import Order
from resources.platforms.salesforce.settings import SalesforceSettings


def notes_of(
    order: Order, settings: SalesforceSettings, problems: DocumentProblems
) -> tuple[Note, ...]:
    """Return the order's description, where the settings say whose note it is."""
    if settings.description_note is None:
        return ()
    text = _cleaned(order.description, "Description", problems)
    if not text:
        return ()
    return (Note(kind=settings.description_note, text=text),)


def purchase_order_of(order: Order, problems: DocumentProblems) -> str:
    """Return the buyer's own number of the order, if it is read (``reads_po_number``)."""
    original = order.original_order
    written = original.po_number if original is not None else None
    return _cleaned(written, "OriginalOrder.PoNumber", problems)


def _cleaned(written: str | None, path: str, problems: DocumentProblems) -> str:
    text, cards = without_cards(clean_text(written or ""))
    if cards:
        message = "a payment card number in the text was masked"
        problems.warn("card_number_masked", path, message, "remove the number in the store")
    return text
