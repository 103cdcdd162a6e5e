"""Codes of customers, and of the addresses that orders and customers have."""

from __future__ import annotations

from domain.rejection_codes.entry import Entry

CUSTOMERS: dict[str, Entry] = {
    "address_id_missing": Entry("missing", "A shipping address has an id."),
    "billing_part_cut": Entry("value", "A part of a billing address has at most 255 characters."),
    "city_missing": Entry(
        "missing",
        "An address has a city if its country's addresses have one.",
        ("addresses.require_city",),
    ),
    "country_conflict": Entry("value", "The code and the name of a country mean the same country."),
    "country_missing": Entry("missing", "An address has a country.", ("addresses.country",)),
    "country_unknown": Entry(
        "value", "The country of an address is listed in ISO 3166-1.", ("addresses.country",)
    ),
    "customer_address_duplicate": Entry(
        "duplicate", "The id of an address is unique in its customer."
    ),
    "customer_address_id_missing": Entry("missing", "An address of a customer has an id."),
    "customer_adopted": Entry(
        "business_rule", "The OMS has no customer that the connection's predecessor has sent."
    ),
    "customer_gone_at_oms": Entry("business_rule", "A customer that was sent is still at the OMS."),
    "customer_id_duplicate": Entry("duplicate", "The id of a customer is unique in a batch."),
    "customer_id_form": Entry(
        "mapping", "The id of a customer has plain characters only.", ("orders.order_id_prefix",)
    ),
    "customer_id_unsafe": Entry(
        "mapping",
        "The id of a customer has no characters with a meaning in URLs.",
        ("orders.order_id_prefix",),
    ),
    "customer_linked_elsewhere": Entry(
        "business_rule", "A customer at the OMS belongs to one customer of one connection."
    ),
    "customer_unnamed": Entry("missing", "A customer has an e-mail address or a name."),
    "email_invalid": Entry("value", "An e-mail address has one @ and a domain."),
    "email_missing": Entry(
        "missing", "Customers, and recipients of deliveries by e-mail, have an e-mail address."
    ),
    "phone_invalid": Entry(
        "value", "A phone number is valid in its country.", ("addresses.phone",)
    ),
    "postcode_incomplete": Entry("value", "A postal code is complete.", ("addresses.postcode",)),
    "postcode_invalid": Entry(
        "value", "A postal code has the format of its country.", ("addresses.postcode",)
    ),
    "postcode_leading_zero": Entry("value", "A postal code has its leading zeros."),
    "postcode_missing": Entry(
        "missing",
        "An address has a postal code if its country uses them.",
        ("addresses.postcode",),
    ),
    "street_missing": Entry("missing", "An address has a street.", ("addresses.require_street",)),
    "subdivision_missing": Entry(
        "missing",
        "An address has a state or province if its country uses them.",
        ("addresses.subdivision",),
    ),
    "subdivision_unknown": Entry(
        "value", "A state or province belongs to its country.", ("addresses.subdivision",)
    ),
}
