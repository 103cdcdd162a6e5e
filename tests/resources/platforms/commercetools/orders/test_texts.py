"""Custom fields of every kind as the text that a warehouse or a shopper reads."""

from __future__ import annotations

from typing import Any

import pytest

from domain.parsing.problems import DocumentProblems
from resources.platforms.commercetools.base_payload import CustomFields
from resources.platforms.commercetools.orders.texts import cleaned, field_of, name_of
from tests.resources.platforms.commercetools.projects import mapped, order, warnings


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ring  twice ", "Ring twice"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1.5, "1.5"),
        (["red", None, {"key": "l", "label": "Large"}, 3], "red, Large, 3"),
        ([], ""),
        ({"en": "Hello", "de": "Hallo"}, "Hallo"),
        ({"key": "l", "label": "Large"}, "Large"),
        ({"key": "l", "label": {"en": "Large", "de": "Gross"}}, "Gross"),
        ({"key": "l", "label": {}}, "l"),
        ({"type": "centPrecision", "currencyCode": "USD", "centAmount": 100}, ""),
        ([{"typeId": "product", "id": "p1"}], ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_custom_field_is_a_text_in_the_connections_language(value: Any, text: str) -> None:
    """Yes, no, numbers, lists and enums read as words; money and references are not text."""
    assert field_of(CustomFields(fields={"f": value}), "f", ("de-DE", "en")) == text


def test_a_field_that_is_not_there_is_empty() -> None:
    """Whether the order has no fields, not this one, or the connection names none."""
    assert field_of(None, "f") == field_of(CustomFields(), "f") == ""
    fields = CustomFields(fields={"f": "x"})
    assert field_of(fields, "g") == field_of(fields, None) == ""


def test_a_name_without_any_text_is_empty() -> None:
    """In no language, or in some that hold no text."""
    assert name_of(None, ("en",)) == name_of({}, ("en",)) == ""
    assert name_of({"en": "", "de": None, "fr": "Tasse"}, ("en", "de")) == "Tasse"
    assert name_of({"en": ""}, ("en",)) == ""


def test_a_card_number_in_a_text_is_masked_and_a_warning_names_the_field() -> None:
    """An empty text has neither."""
    problems = DocumentProblems()
    assert cleaned("", "custom.fields.f", problems) == ""
    assert not problems.warnings
    assert "4111" not in cleaned("pay 4111111111111111", "custom.fields.f", problems)
    [warning] = problems.warnings
    assert (warning.code, warning.field) == ("card_number_masked", "custom.fields.f")


def test_only_fields_with_a_text_become_notes() -> None:
    """A form's note has the field's name before it; no empty note reaches the OMS."""
    fields = {"slot": True, "remark": "", "logo": {"typeId": "asset", "id": "a"}}
    document = order(custom={"type": {"id": "t"}, "fields": fields})
    names = {"slot": "form", "remark": "customer", "logo": "form", "unset": "customer"}
    found = mapped(document, note_fields=names)
    assert [(note.kind, note.text) for note in found.notes] == [("form", "slot: yes")]
    assert mapped(document).notes == ()


def test_a_field_that_is_nested_too_deep_is_no_text() -> None:
    """No type of the vendor is, and reading it would end the run."""
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert field_of(CustomFields(fields={"f": deep}), "f") == ""
    assert field_of(CustomFields(fields={"f": [[{"label": "Large"}]]}), "f") == "Large"


def test_a_purchase_order_number_is_kept_whole_and_without_a_card() -> None:
    """It is the buyer's own; one that is a card's number is masked, with a warning."""
    assert mapped(order(purchaseOrderNumber="  PO 4711/26 ")).purchase_order == "PO 4711/26"
    assert mapped(order()).purchase_order == ""
    card = order(purchaseOrderNumber="4111 1111 1111 1111")
    assert mapped(card).purchase_order == "****"
    assert warnings(card)["card_number_masked"].field == "purchaseOrderNumber"
