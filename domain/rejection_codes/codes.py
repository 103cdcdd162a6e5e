"""All rejection codes, by subject in the other modules of this folder.

One table for SQL, the command line, the UI and docs/rejections.md. A test compares it with the
sources: each code has an entry, and each entry is used.
"""

from __future__ import annotations

from domain.rejection_codes.customers import CUSTOMERS
from domain.rejection_codes.entry import Entry
from domain.rejection_codes.fulfilment import FULFILMENT
from domain.rejection_codes.orders import ORDERS
from domain.rejection_codes.products import PRODUCTS

PART_NOT_READ = "part_not_read"
"""The code of records that a source gives in part; they are read again automatically."""
OMS_PREFIX = "oms_"
"""Prefix of an OMS's own error codes, which follow in snake_case."""
GENERAL: dict[str, Entry] = {
    "date_invalid": Entry("value", "A date is in RFC 2822 or ISO 8601 format, with a time zone."),
    "delivery_failed": Entry(
        "connection", "The target responds within the configured number of attempts."
    ),
    "delivery_not_permitted": Entry(
        "permission", "Lockstep's user at the target has permission for this call."
    ),
    "delivery_throttled": Entry("rate_limit", "The target accepts the call within its quota."),
    "further_problems": Entry("value", "A rejection lists the first 50 problems of its record."),
    "id_missing": Entry("missing", "An order or a customer has an id."),
    "invalid_value": Entry("value", "A value is in the range that an order can hold."),
    "malformed_value": Entry("value", "A value has the type of its field."),
    "not_mapped": Entry("mapping", "Lockstep can read the record."),
    "not_planned": Entry("mapping", "Lockstep can plan the record's delivery."),
    "number_not_exact": Entry(
        "mapping", "A number has no more digits than JSON transmits exactly."
    ),
    "oms_payload_unreadable": Entry(
        "mapping", "The OMS's order has the published structure.", ("oms",)
    ),
    "part_not_read": Entry("connection", "The source provides all parts of a record."),
    "payload_malformed": Entry("value", "A capture is a JSON document of an order."),
    "schema_violation": Entry("value", "A record has the columns and types of its schema."),
    "target_not_read": Entry(
        "connection", "The target can be read where it is not known what it holds."
    ),
}
"""Codes that records of any stream can have: unreadable, or not delivered."""
TABLES = (GENERAL, CUSTOMERS, ORDERS, PRODUCTS, FULFILMENT)
CODES: dict[str, Entry] = {code: entry for table in TABLES for code, entry in table.items()}
_OMS_CODE = Entry("business_rule", "The OMS accepts the record.", ("orders", "oms"))
_UNLISTED = Entry("value", "The record passes the checks of Lockstep and the target.")


def entry_of(code: str) -> Entry:
    """Return the entry of a code; all of an OMS's own codes share one."""
    return CODES.get(code) or (_OMS_CODE if code.startswith(OMS_PREFIX) else _UNLISTED)


def could_fix(code: str, changed: frozenset[str]) -> bool:
    """Return whether changing these settings (``section.setting``) could fix a record."""
    return any(
        part == name or part.startswith(f"{name}.")
        for name in entry_of(code).fixed_by
        for part in changed
    )
