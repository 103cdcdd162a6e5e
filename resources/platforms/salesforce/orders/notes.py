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
    text = clean_text(order.description or "")
    if settings.description_note is None or not text:
        return ()
    text, cards = without_cards(text)
    if cards:
        message = "a payment card number in the text was masked"
        advice = "remove the number in the store"
        problems.warn("card_number_masked", "Description", message, advice)
    return (Note(kind=settings.description_note, text=text),)
