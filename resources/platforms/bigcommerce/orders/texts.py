"""What shoppers and staff have written: cleaned, and without payment cards' numbers."""

from __future__ import annotations

from domain.memo import remembered
from domain.parsing.cards import without_cards
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.text import clean_name, clean_text
from domain.records.orders import Note
from resources.platforms.bigcommerce.payload import FormField, Line, Order

CHOICES = frozenset(
    {
        "checkbox", "multiple choice", "drop-down", "dropdown", "radio buttons", "rectangles",
        "product list", "product pick list", "pick list", "swatch",
    }
)  # fmt: skip
"""Types of options whose values the merchant has given; the value of any other is the shopper's."""


def notes_of(order: Order, problems: DocumentProblems) -> tuple[Note, ...]:
    """Return the shopper's message, the staff's notes, and the fields of the billing address."""
    billing = order.billing_address
    fields = billing.form_fields if billing is not None else None
    if not order.customer_message and not order.staff_notes and not fields:
        return ()
    customer = _cleaned(order.customer_message, "customer_message", problems)
    staff = _cleaned(order.staff_notes, "staff_notes", problems)
    notes = [Note(kind="customer", text=customer)] if customer else []
    if staff:
        notes.append(Note(kind="staff", text=staff))
    if fields:
        texts = form_texts(fields, "billing_address.form_fields", problems)
        notes += [Note(kind="form", text=text) for text in texts]
    return tuple(notes)


def form_texts(
    fields: list[FormField | None], where: str, problems: DocumentProblems
) -> tuple[str, ...]:
    """Return the filled fields of a form, each as "name: value"."""
    return tuple(
        [
            _cleaned(f"{field.name or 'Field'}: {value}", f"{where}[{i}].value", problems)
            for i, field in enumerate(fields)
            if field is not None and (value := _value(field.value))
        ]
    )


def options_of(
    raw: Line, where: str, problems: DocumentProblems
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the options that the shopper chose for a line, and what the shopper has entered.

    Options that are not a choice, and fields, are entered.
    """
    options: list[str] = []
    texts: list[str] = []
    for i, option in enumerate(raw.product_options or ()):
        if option is None:
            continue
        if not option.type or _is_choice(option.type):
            if option.display_name or option.display_value:
                name, value = option.display_name or "", option.display_value or ""
                options.append(clean_name(f"{name}: {value}"))
            continue
        if not option.display_value:
            continue
        path = f"{where}product_options[{i}].display_value"
        entered = f"{option.display_name or 'Option'}: {option.display_value}"
        texts.append(_cleaned(entered, path, problems))
        if "file" in option.type.casefold():
            message = "the shopper has uploaded a file; the OMS only gets its name"
            problems.warn("file_not_sent", path, message, f"{LOOK}, and pass the file on")
    if raw.configurable_fields:
        texts += form_texts(raw.configurable_fields, f"{where}configurable_fields", problems)
    return tuple(options), tuple(texts)


@remembered(256)
def _is_choice(kind: str) -> bool:
    """Return whether the shopper chose the value of an option, and did not write it."""
    return kind.strip().casefold() in CHOICES


def gift_message(raw: Line, where: str, problems: DocumentProblems) -> str:
    """Return the message on a line's gift wrap."""
    return _cleaned(raw.wrapping_message, f"{where}wrapping_message", problems)


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join([part for each in value if (part := _value(each))])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _cleaned(written: str | None, path: str, problems: DocumentProblems) -> str:
    if not written:
        return ""
    text, cards = without_cards(clean_text(written))
    if cards:
        message = "a payment card number in the text was masked"
        problems.warn("card_number_masked", path, message, "remove the number in the store")
    return text
