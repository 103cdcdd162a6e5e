"""Personal data are found by field name in any system's spelling, and removed everywhere."""

from __future__ import annotations

import pytest

from domain.personal import (
    FORGOTTEN,
    is_personal,
    personal_values,
    subjects,
    without_personal_data,
)

ORDER = {
    "id": 7,
    "customer_id": 4711,
    "billing_address": {
        "first_name": "Jane",
        "last_name": "Doeling",
        "email": " Jane@Example.com ",
        "street_1": "1 Congress Avenue",
        "zip": "78701",
        "country_iso2": "US",
    },
    "products": [{"sku": "JANE-1", "name": "Mug for Jane Doeling", "quantity": 2}],
    "staff_notes": "call her",
    "form_fields": [{"name": "VAT", "value": 12}],
    "is_deleted": False,
}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("first_name", True),
        ("FirstName", True),
        ("CustomerFirstName", True),
        ("form_fields", True),
        ("sku", False),
        ("country_iso2", False),
    ],
)
def test_the_name_of_a_field_decides_in_any_spelling(field: str, expected: bool) -> None:
    """Case and separators are ignored."""
    assert is_personal(field) is expected


def test_a_document_names_its_persons_by_email_and_customer_id() -> None:
    """In lower case; an empty address or the id 0 (a guest) is not a person."""
    assert set(subjects(ORDER)) == {("email", "jane@example.com"), ("customer_id", "4711")}
    assert list(subjects({"email": " ", "customer_id": 0, "CustomerId": True})) == []


def test_personal_values_are_texts_of_personal_fields_and_full_names() -> None:
    """What must not appear in a log or an error."""
    found = personal_values(ORDER)
    assert {"Jane", "Doeling", "Jane Doeling", "Jane@Example.com", "1 Congress Avenue"} <= found
    assert not found & {"US", "JANE-1"}


def test_personal_data_are_removed_and_facts_stay() -> None:
    """Structure, amounts, SKUs and countries are unchanged; a repeated name goes from all texts."""
    cleaned = without_personal_data(ORDER)
    assert cleaned["billing_address"] == {
        "first_name": FORGOTTEN,
        "last_name": FORGOTTEN,
        "email": FORGOTTEN,
        "street_1": FORGOTTEN,
        "zip": FORGOTTEN,
        "country_iso2": "US",
    }
    assert cleaned["products"] == [{"sku": "JANE-1", "name": f"Mug for {FORGOTTEN}", "quantity": 2}]
    assert cleaned["form_fields"] == [{"name": FORGOTTEN, "value": 0}]
    assert (cleaned["id"], cleaned["customer_id"], cleaned["is_deleted"]) == (7, 0, False)
    assert cleaned["staff_notes"] == FORGOTTEN


def test_removing_twice_changes_nothing_more() -> None:
    """Also for documents without any personal data, and for values that are no objects."""
    cleaned = without_personal_data(ORDER)
    assert without_personal_data(cleaned) == cleaned
    assert without_personal_data({"sku": "MUG", "phone": None}) == {"sku": "MUG", "phone": None}
    assert without_personal_data([1, "text"]) == [1, "text"]
