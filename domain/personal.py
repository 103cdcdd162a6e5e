"""Personal data in a document of any system: all that is not listed as a fact is removed.

Field names are compared in any spelling (``first_name``, ``FirstName``, ``CustomerFirstName``).
Each system lists the fields of its documents that hold facts (amounts, SKUs, dates, order ids,
countries and states), so that a field which a vendor adds counts as personal. What is known to be
personal is removed from the texts of facts too, since shoppers repeat their name in many places.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

FORGOTTEN = "[forgotten]"
EMAILS = frozenset(
    {
        *("email", "emailaddress", "customeremail", "recipientemail", "billingemail"),
        *("shippingemail", "shipemail", "custemail", "billingemailaddress", "personemail"),
    }
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
_PREFIXES = ("ship", "cust")
"""Before a field of an address, where a document has the fields of several in one object."""


def _prefixed(names: frozenset[str]) -> frozenset[str]:
    return names | {prefix + name for prefix in _PREFIXES for name in names}


PERSONAL = (
    _prefixed(EMAILS | _NAMES | _PLACES | _PHONES)
    | CUSTOMER_IDS
    | _OTHERS
    | {"shippinginstructions", "linecomment", "errorreason"}
)
FREE_TEXT = frozenset({"formfields", "configurablefields", "notes", "customfields", "texts"})
"""Everything below these fields is free text by or about a person."""
_REPEATED = EMAILS | _prefixed(
    _PHONES
    | {"street1", "line1", "address1", "addressline1", "nameoncard", "fullname", "customername"}
)
"""Values removed from all other texts; first names or towns alone would damage SKUs."""
SHORTEST = 6


@lru_cache(maxsize=4096)
def plain(key: str) -> str:
    """Return a field's name without case and separators."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


def fields_of(names: str) -> frozenset[str]:
    """Return the plain form of a list of names.

    ``lines.name`` is a field of the objects below ``lines`` only: elsewhere a name is a person's.
    """
    return frozenset(".".join(map(plain, name.split("."))) for name in names.split())


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


def without_personal_data(document: Any, facts: Collection[str]) -> Any:
    """Return the document without personal data; its structure stays, and so do the ``facts``.

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
    return _Cleaner(facts, pattern).cleaned(document, "", is_fact=True, is_free=False)


class _Cleaner:
    """Removes what is not a fact; ``pattern`` finds personal values within the texts of facts."""

    def __init__(self, facts: Collection[str], pattern: re.Pattern[str] | None) -> None:
        self._facts, self._pattern = facts, pattern

    def cleaned(self, value: Any, name: str, *, is_fact: bool, is_free: bool) -> Any:
        """Return the value of the field ``name``; ``is_free`` is true below a free text."""
        if isinstance(value, Mapping):
            return {
                key: self._field(str(key), inner, name, is_free=is_free)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.cleaned(each, name, is_fact=is_fact, is_free=is_free) for each in value]
        if not is_fact or is_free:
            return _replacement(value)
        if self._pattern is not None and isinstance(value, str):
            return self._pattern.sub(FORGOTTEN, value)
        return value

    def _field(self, key: str, value: Any, parent: str, *, is_free: bool) -> Any:
        name = plain(key)
        is_fact = name in self._facts or f"{parent}.{name}" in self._facts
        is_fact = is_fact and name not in PERSONAL
        return self.cleaned(value, name, is_fact=is_fact, is_free=is_free or name in FREE_TEXT)


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
        for owner in ("", "customer", *_PREFIXES):
            names = parts.get(f"{owner}firstname"), parts.get(f"{owner}lastname")
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
