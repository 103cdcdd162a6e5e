"""Localised names, and custom fields: what shoppers and staff have written. Pure."""

from __future__ import annotations

from domain.memo import remembered
from domain.parsing.cards import without_cards
from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_name, clean_text
from domain.records.orders import Note
from resources.platforms.commercetools.base_payload import CustomFields, Names
from resources.platforms.commercetools.payload import Order
from resources.platforms.commercetools.settings import CommercetoolsSettings

DEEPEST = 8
"""Levels of a custom field that are read; the vendor's types have three (a set of enum labels)."""


def name_of(names: Names, locales: tuple[str, ...]) -> str:
    """Return a name in the first of the languages that it has, else in any."""
    if not names:
        return ""
    for locale in locales:
        found = names.get(locale) or names.get(_language_of(locale))
        if isinstance(found, str) and found:
            return clean_name(found)
    return next((clean_name(n) for n in names.values() if isinstance(n, str) and n), "")


@remembered(1_024)
def _language_of(locale: str) -> str:
    return locale.partition("-")[0]


def field_of(custom: CustomFields | None, name: str | None, locales: tuple[str, ...] = ()) -> str:
    """Return a custom field as text; empty if it is not set."""
    fields = custom.fields if custom is not None else None
    return text_of(fields.get(name), locales) if fields and name else ""


def text_of(value: object, locales: tuple[str, ...], level: int = 0) -> str:
    """Return a field's or an attribute's value as text; empty for money and references."""
    if level == DEEPEST:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return clean_text(str(value))
    if isinstance(value, list):
        return ", ".join([text for each in value if (text := text_of(each, locales, level + 1))])
    if isinstance(value, dict):
        if "centAmount" in value or "typeId" in value:
            return ""
        return text_of(value.get("label"), locales, level + 1) or name_of(value, locales)
    return ""


def cleaned(written: str, path: str, problems: DocumentProblems) -> str:
    """Return a text without payment cards' numbers."""
    if not written:
        return ""
    text, cards = without_cards(written)
    if cards:
        message = "a payment card number in the text was masked"
        problems.warn("card_number_masked", path, message, "remove the number in the store")
    return text


def purchase_order_of(order: Order, problems: DocumentProblems) -> str:
    """Return the buyer's own number of the order."""
    return cleaned(clean_text(order.purchase_order_number or ""), "purchaseOrderNumber", problems)


def notes_of(
    order: Order, settings: CommercetoolsSettings, problems: DocumentProblems
) -> tuple[Note, ...]:
    """Return the custom fields that the connection's settings name as notes."""
    if order.custom is None or not settings.note_fields:
        return ()
    notes = []
    for name, kind in settings.note_fields.items():
        written = field_of(order.custom, name, settings.locales)
        if text := cleaned(written, f"custom.fields.{name}", problems):
            shown = f"{name}: {text}" if kind == "form" else text
            notes.append(Note(kind=kind, text=shown))
    return tuple(notes)
