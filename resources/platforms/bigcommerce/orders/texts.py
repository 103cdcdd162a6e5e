"""What shoppers and staff have written: cleaned, and without payment cards' numbers."""

from __future__ import annotations

from domain.cards import without_cards
from domain.records.orders import Note
from domain.text import clean_text
from resources.platforms.bigcommerce.payload import DocumentProblems, Order


def notes_of(order: Order, problems: DocumentProblems) -> tuple[Note, ...]:
    """Return the shopper's message and the staff's notes."""
    if not order.customer_message and not order.staff_notes:
        return ()
    customer = _note(order.customer_message, "customer_message", problems)
    staff = _note(order.staff_notes, "staff_notes", problems)
    notes = [Note(kind="customer", text=customer)] if customer else []
    return tuple([*notes, Note(kind="staff", text=staff)] if staff else notes)


def _note(written: str | None, path: str, problems: DocumentProblems) -> str:
    if not written:
        return ""
    text, cards = without_cards(clean_text(written))
    if cards:
        message = "a payment card's number was masked in the note"
        problems.warn("card_number_masked", path, message, "remove the number in the store")
    return text
