"""Personal data are found by field name in any system's spelling, and removed everywhere."""

from __future__ import annotations

import pytest

from domain.personal import (
    FORGOTTEN,
    fields_of,
    is_personal,
    personal_values,
    subjects,
    without_personal_data,
)

FACTS = fields_of("id is_deleted sku quantity country_iso2 products.name")
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
    cleaned = without_personal_data(ORDER, FACTS)
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
    """Also for documents without any personal data, and for values that are not objects."""
    cleaned = without_personal_data(ORDER, FACTS)
    assert without_personal_data(cleaned, FACTS) == cleaned
    assert without_personal_data({"sku": "MUG", "phone": None}, FACTS) == {
        "sku": "MUG",
        "phone": None,
    }
    assert without_personal_data([1, "text"], FACTS) == [1, "text"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("loyalty_card", "9911", FORGOTTEN),
        ("shoe_size", 44, 0),
        ("name", "Jane", FORGOTTEN),
        ("household", {"pets": ["Rex", ""]}, {"pets": [FORGOTTEN, ""]}),
        ("is_vip", True, True),
        ("sku", "MUG", "MUG"),
        ("Email", "jane@example.com", FORGOTTEN),
    ],
)
def test_what_no_list_names_counts_as_personal(field: str, value: object, expected: object) -> None:
    """A vendor may add a field at any time; a name is a fact only where a list says of what."""
    facts = FACTS | {"email"}
    assert without_personal_data({field: value}, facts) == {field: expected}
    assert without_personal_data([{"x": {field: value}}], facts) == [{"x": {field: expected}}]


def test_a_qualified_name_is_a_fact_below_its_parent_only() -> None:
    """A product has a name, and so has a person."""
    document = {"products": [{"name": "Mug"}], "contact": {"name": "Jane"}}
    assert without_personal_data(document, FACTS) == {
        "products": [{"name": "Mug"}],
        "contact": {"name": FORGOTTEN},
    }


def test_below_a_free_text_nothing_is_a_fact() -> None:
    """A shopper may write anything into any field of it."""
    document = {"form_fields": [{"id": 7, "sku": "Jane's"}], "id": 7}
    assert without_personal_data(document, FACTS) == {
        "form_fields": [{"id": 0, "sku": FORGOTTEN}],
        "id": 7,
    }
