"""Personal data in a document of any system: found by field names, and removed.

Field names are compared in any spelling (``first_name``, ``FirstName``, ``CustomerFirstName``).
Their values are removed from all other texts too, since shoppers repeat their name in notes and
options. Amounts, SKUs, dates, order ids, countries and states stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

FORGOTTEN = "[forgotten]"
EMAILS = frozenset(
    {"email", "emailaddress", "customeremail", "recipientemail", "billingemail", "shippingemail"}
)
CUSTOMER_IDS = frozenset({"customerid", "externalcustomerid"})
_NAMES = frozenset(
    {
        "firstname",
        "lastname",
        "middlename",
        "fullname",
        "customername",
        "customerfirstname",
        "customerlastname",
        "recipientname",
        "contactname",
        "nameoncard",
        "cardholder",
        "cardholdername",
        "company",
        "companyname",
        "username",
    }
)
_PLACES = frozenset(
    {
        "street",
        "street1",
        "street2",
        "streetname",
        "streetnumber",
        "address",
        "address1",
        "address2",
        "address3",
        "addressline1",
        "addressline2",
        "addressline3",
        "line1",
        "line2",
        "line3",
        "city",
        "town",
        "locality",
        "county",
        "zip",
        "zipcode",
        "postalcode",
        "postcode",
        "latitude",
        "longitude",
        "subdivisionnameraw",
    }
)
_PHONES = frozenset(
    {
        "phone",
        "phonenumber",
        "customerphone",
        "phoneraw",
        "phonee164",
        "phoneextension",
        "mobile",
        "mobilephone",
        "telephone",
        "fax",
    }
)
_OTHERS = frozenset(
    {
        "ipaddress",
        "ipaddressv6",
        "customermessage",
        "staffnotes",
        "notetext",
        "giftmessage",
        "wrappingmessage",
        "dateofbirth",
        "birthday",
        "vatnumber",
        "accountdisplaynumber",
        "cardexpirymonth",
        "cardexpiryyear",
        "cardlast4",
        "last4",
        "lastfour",
    }
)
PERSONAL = EMAILS | CUSTOMER_IDS | _NAMES | _PLACES | _PHONES | _OTHERS
FREE_TEXT = frozenset({"formfields", "notes", "customfields"})
"""Everything below these fields is free text by or about a person."""
_REPEATED = (
    EMAILS
    | _PHONES
    | frozenset(
        {"street1", "line1", "address1", "addressline1", "nameoncard", "fullname", "customername"}
    )
)
"""Values removed from all other texts; first names or towns alone would damage SKUs."""
SHORTEST = 6


def plain(key: str) -> str:
    """Return a field's name without case and separators."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


def is_personal(key: str) -> bool:
    """Return whether a field with this name has personal data."""
    return plain(key) in PERSONAL | FREE_TEXT


def subjects(document: Any) -> Iterator[tuple[str, str]]:
    """Return the persons in a document: (``email`` or ``customer_id``, value in lower case)."""
    for key, value in _fields(document):
        if key in EMAILS and isinstance(value, str) and value.strip():
            yield "email", value.strip().casefold()
        elif key in CUSTOMER_IDS and value and not isinstance(value, bool):
            yield "customer_id", str(value).casefold()


def personal_values(document: Any) -> set[str]:
    """Return the personal texts of a document, which must not appear elsewhere."""
    found: set[str] = set()
    for key, value in _fields(document):
        if key in PERSONAL and isinstance(value, str) and value.strip():
            found.add(value.strip())
    return found | _full_names(document)


def without_personal_data(document: Any) -> Any:
    """Return the document without personal data; structure and all other values stay.

    Doing it twice changes nothing more.
    """
    repeated = {
        value.strip()
        for key, value in _fields(document)
        if key in _REPEATED and isinstance(value, str)
    } | _full_names(document)
    words = sorted(
        (word for word in repeated if len(word) >= SHORTEST and word != FORGOTTEN),
        key=len,
        reverse=True,
    )
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None
    return _cleaned(document, pattern, free_text=False)


def _cleaned(value: Any, pattern: re.Pattern[str] | None, *, free_text: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _field(plain(str(key)), inner, pattern, free_text=free_text)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(inner, pattern, free_text=free_text) for inner in value]
    if free_text:
        return _replacement(value)
    return (
        pattern.sub(FORGOTTEN, value) if pattern is not None and isinstance(value, str) else value
    )


def _field(key: str, value: Any, pattern: re.Pattern[str] | None, *, free_text: bool) -> Any:
    if key in PERSONAL and not isinstance(value, Mapping | list):
        return _replacement(value)
    return _cleaned(value, pattern, free_text=free_text or key in FREE_TEXT)


def _replacement(value: Any) -> Any:
    """Return the replacement of a value: of the same type, and empty if it was empty."""
    if isinstance(value, str):
        return FORGOTTEN if value else value
    return value if value is None or isinstance(value, bool) else type(value)(0)


def _full_names(document: Any) -> set[str]:
    """Return first and last names of the same object, joined."""
    found: set[str] = set()
    for node in _objects(document):
        parts = {plain(str(key)): value for key, value in node.items()}
        for first, last in (("firstname", "lastname"), ("customerfirstname", "customerlastname")):
            names = parts.get(first), parts.get(last)
            if all(isinstance(name, str) and name.strip() for name in names):
                found.add(" ".join(str(name).strip() for name in names))
    return found - {f"{FORGOTTEN} {FORGOTTEN}"}


def _objects(value: Any) -> Iterator[Mapping[Any, Any]]:
    if isinstance(value, Mapping):
        yield value
    for inner in (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    ):
        yield from _objects(inner)


def _fields(document: Any) -> Iterator[tuple[str, Any]]:
    """Return (plain name, value) of every field of every object."""
    for node in _objects(document):
        for key, value in node.items():
            yield plain(str(key)), value
