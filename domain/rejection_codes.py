"""Every code of a problem: its class, the rule that the record broke, and what of the configuration could mend it.

One table for SQL, the command line, the UI and docs/rejections.md. A test holds it against the sources: no code without a line, and no
line without a code.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

RejectionClass = Literal[
    "value",
    "missing",
    "duplicate",
    "mapping",
    "permission",
    "rate_limit",
    "connection",
    "business_rule",
]
"""What is wrong, and so who can mend it: ``value``, ``missing`` and ``duplicate`` are the record's own, ``mapping`` is the configuration's
or Lockstep's, ``permission``, ``rate_limit`` and ``connection`` are the target's doors, ``business_rule`` is the target's own refusal."""
CLASSES: tuple[str, ...] = get_args(RejectionClass)
OMS_PREFIX = "oms_"
"""Codes that an OMS gives are its own in snake_case behind this prefix."""


class Entry(NamedTuple):
    """What a code means; ``fixed_by`` names settings of a connection as ``section`` or ``section.setting``."""

    category: RejectionClass
    rule: str
    fixed_by: tuple[str, ...] = ()


_RECORD: dict[str, Entry] = {
    "address_id_missing": Entry("missing", "A shipping address needs its id."),
    "amount_missing": Entry("missing", "An order's amounts must be there."),
    "card_number_masked": Entry("value", "A note holds no payment card's number."),
    "card_number_present": Entry("value", "A payment's texts hold no payment card's number."),
    "catalog_item_unusable": Entry(
        "value",
        "A product of the store's catalog has an id, a SKU and a kind of inventory tracking.",
    ),
    "city_missing": Entry("missing", "An address needs its city.", ("addresses.require_city",)),
    "consignment_unknown": Entry(
        "value", "Each line belongs to an address or pick-up of its order."
    ),
    "consignments_missing": Entry("missing", "An order is captured with its consignments."),
    "country_conflict": Entry("value", "The country's code and its name mean the same country."),
    "country_missing": Entry("missing", "An address needs its country.", ("addresses.country",)),
    "country_unknown": Entry(
        "value", "An address's country is one of ISO 3166-1.", ("addresses.country",)
    ),
    "currency_form": Entry("value", "A currency is a code of ISO 4217."),
    "currency_invalid": Entry("value", "An order names the currency that was paid in."),
    "currency_mixed": Entry("value", "An order is paid in its own currency."),
    "date_invalid": Entry("value", "A date is in RFC 2822 or ISO 8601, with its zone."),
    "date_missing": Entry("missing", "An order says when it was placed."),
    "discount_mismatch": Entry(
        "value", "The discounts of lines and coupons make the order's discount."
    ),
    "discount_negative": Entry("value", "A discount is not below zero."),
    "discount_too_large": Entry("value", "A line's discounts are no larger than its total."),
    "email_invalid": Entry("value", "An e-mail address has one @ and a domain."),
    "email_missing": Entry("missing", "An order has the shopper's e-mail address."),
    "event_duplicate": Entry("duplicate", "A fact of fulfilment stands once in its order."),
    "event_quantity": Entry("value", "A fact of fulfilment is about more than zero units."),
    "further_problems": Entry("value", "A rejection lists the first 50 problems of its record."),
    "id_missing": Entry("missing", "An order has an id."),
    "invalid_value": Entry("value", "A value is within what an order can hold."),
    "line_id_duplicate": Entry("duplicate", "A line's id stands once in its order."),
    "line_id_missing": Entry("missing", "An order's line has an id."),
    "line_total_mismatch": Entry("value", "A line's total is its quantity times its price."),
    "line_without_order": Entry("value", "A line belongs to an order of its batch."),
    "lines_incomplete": Entry("missing", "An order is captured with all of its lines."),
    "malformed_value": Entry("value", "A value is of the kind that its field is for."),
    "order_id_duplicate": Entry("duplicate", "An order's id stands once in a batch."),
    "order_without_lines": Entry("missing", "An order has at least one line."),
    "parcel_line_unknown": Entry("value", "A parcel holds lines of its own order."),
    "payload_malformed": Entry("value", "A capture is a JSON document of an order."),
    "payment_mismatch": Entry(
        "value", "Certificates and store credit pay no more than the order's total."
    ),
    "phone_invalid": Entry("value", "A phone number can be dialled.", ("addresses.phone",)),
    "postcode_incomplete": Entry("value", "A postal code is whole.", ("addresses.postcode",)),
    "postcode_invalid": Entry(
        "value", "A postal code has the form of its country.", ("addresses.postcode",)
    ),
    "postcode_leading_zero": Entry("value", "A postal code keeps its leading zeros."),
    "postcode_missing": Entry(
        "missing",
        "An address needs its postal code where its country uses them.",
        ("addresses.postcode",),
    ),
    "quantity_invalid": Entry("value", "A line's quantity is a whole number above zero."),
    "quantity_negative": Entry("value", "An availability is not below zero."),
    "quantity_not_positive": Entry("value", "A line's quantity is above zero."),
    "schema_violation": Entry("value", "A record has the columns and types of its schema."),
    "shipment_without_lines": Entry("missing", "A parcel has at least one line."),
    "shipped_above_ordered": Entry("value", "No more units are shipped than were ordered."),
    "sku_empty": Entry("missing", "A stock level names its SKU."),
    "sku_invalid": Entry("value", "A SKU holds no control characters."),
    "sku_missing": Entry("missing", "A line's product has a SKU."),
    "sku_too_long": Entry("value", "A SKU is no longer than the OMS takes."),
    "stock_duplicate": Entry("duplicate", "A SKU has one level at a node."),
    "available_above_on_hand": Entry("value", "No more is available than is on hand and expected."),
    "available_negative": Entry("value", "An available quantity is not below zero."),
    "street_missing": Entry(
        "missing", "An address needs its street.", ("addresses.require_street",)
    ),
    "subdivision_missing": Entry(
        "missing",
        "An address needs its state or province where its country uses them.",
        ("addresses.subdivision",),
    ),
    "subdivision_unknown": Entry(
        "value", "A state or province is one of its country.", ("addresses.subdivision",)
    ),
    "tax_mismatch": Entry("value", "The taxes of lines and charges make the order's tax."),
    "total_mismatch": Entry("value", "Lines, charges, discounts and taxes make the order's total."),
    "total_negative": Entry("value", "An order's total is not below zero."),
    "tracking_number_too_long": Entry(
        "value", "A tracking number is no longer than the store takes."
    ),
}
_MAPPING: dict[str, Entry] = {
    "cancel_quantity_missing": Entry(
        "mapping", "A canceled line comes with its cancel history.", ("oms.search_template",)
    ),
    "cancel_status_unknown": Entry(
        "mapping", "The status of a cancel request is a known word.", ("oms.codes",)
    ),
    "carrier_ambiguous": Entry("mapping", "A parcel's carrier is known.", ("shipments.carriers",)),
    "carrier_unknown": Entry("mapping", "A parcel's carrier is known.", ("shipments.carriers",)),
    "id_invalid": Entry(
        "mapping",
        "An order's id at the OMS leads back to a store's id.",
        ("orders.order_id_prefix",),
    ),
    "line_type_unknown": Entry("mapping", "A line's type is one that Lockstep knows."),
    "location_unknown": Entry(
        "mapping",
        "A stock location is one of the store's.",
        ("inventory.nodes", "inventory.store_location"),
    ),
    "milestone_unknown": Entry("mapping", "A milestone is one that Lockstep knows.", ("oms",)),
    "not_mapped": Entry("mapping", "Lockstep can read the record."),
    "number_not_exact": Entry("mapping", "A number has no more digits than JSON carries exactly."),
    "oms_payload_unreadable": Entry(
        "mapping", "The OMS's order has the published shape.", ("oms",)
    ),
    "order_id_form": Entry(
        "mapping", "An order's id holds plain characters only.", ("orders.order_id_prefix",)
    ),
    "order_id_invalid": Entry(
        "mapping",
        "An order's id holds characters that addresses carry.",
        ("orders.order_id_prefix",),
    ),
    "order_id_unsafe": Entry(
        "mapping",
        "An order's id holds no characters that are special in URLs.",
        ("orders.order_id_prefix",),
    ),
    "pickup_location_unknown": Entry(
        "mapping", "A pick-up location has its OMS location.", ("orders.pickup_locations",)
    ),
    "quantity_detail_missing": Entry(
        "mapping", "A line's units come with their statuses.", ("oms.search_template",)
    ),
    "quantity_not_whole": Entry(
        "mapping", "OMS units make whole store units.", ("orders.uom_rules",)
    ),
    "shipping_method_unknown": Entry(
        "mapping",
        "A shipping method has its OMS method.",
        ("orders.shipping_methods", "orders.default_shipping_method"),
    ),
    "sku_unknown": Entry(
        "mapping",
        "A line's SKU is in the OMS's item master.",
        ("orders.check_items", "platform.gift_certificate_sku"),
    ),
    "sku_unknown_in_store": Entry("mapping", "A SKU of the OMS is in the store's catalog."),
    "status_unknown": Entry("mapping", "A status is in the connector's table."),
    "uom_conversion_inexact": Entry(
        "mapping",
        "A price converts to the OMS's unit without rounding.",
        ("orders.uom", "orders.uom_rules"),
    ),
    "uom_unknown": Entry(
        "mapping",
        "The OMS's item has the line's unit.",
        ("orders.uom", "orders.uom_rules", "orders.check_items"),
    ),
    "variant_unknown": Entry("mapping", "A tracked variant's id is known."),
}
_TARGET: dict[str, Entry] = {
    "cancel_refused": Entry(
        "business_rule", "An order can be canceled until the warehouse works on it."
    ),
    "delivery_failed": Entry(
        "connection", "The target answers within the attempts that a delivery has."
    ),
    "delivery_not_permitted": Entry(
        "permission", "Lockstep's user has the right to make this call at the target."
    ),
    "delivery_throttled": Entry("rate_limit", "The target takes the call within its quota."),
    "group_not_shippable": Entry(
        "business_rule", "The store ships only what has a shipping address."
    ),
    "line_not_eligible": Entry(
        "business_rule", "The OMS changes a line until the warehouse works on it."
    ),
    "line_not_in_store": Entry("business_rule", "The store ships only lines of its own order."),
    "order_missing_in_store": Entry(
        "business_rule", "The store still has the order.", ("orders.order_id_prefix",)
    ),
    "order_not_captured": Entry("missing", "An order that ships was taken from the store before."),
    "shipment_refused": Entry(
        "business_rule",
        "The store takes the shipment by its own rules.",
        ("shipments.carriers", "platform"),
    ),
    "shipment_update_refused": Entry(
        "business_rule",
        "The store takes a shipment's change by its rules.",
        ("shipments.carriers", "platform"),
    ),
    "status_refused": Entry(
        "business_rule",
        "The store takes the status by its own rules.",
        ("shipments.milestone_statuses",),
    ),
    "stock_refused": Entry(
        "business_rule", "The store takes the level by its own rules.", ("inventory",)
    ),
    "tracking_not_changed": Entry(
        "business_rule", "The store keeps the tracking number that it was given."
    ),
    "tracking_off": Entry("business_rule", "The store keeps stock of the product."),
}
CODES: dict[str, Entry] = {**_RECORD, **_MAPPING, **_TARGET}
_OF_THE_OMS = Entry(
    "business_rule", "The OMS takes the record by its own rules.", ("orders", "oms")
)
_UNLISTED = Entry("value", "The record passes the target's and Lockstep's checks.")


def entry_of(code: str) -> Entry:
    """Return what a code means: of the OMS's own codes the common entry."""
    return CODES.get(code) or (_OF_THE_OMS if code.startswith(OMS_PREFIX) else _UNLISTED)


def could_fix(code: str, changed: frozenset[str]) -> bool:
    """Tell whether a change of these settings (``section.setting``) could let a record with this code through."""
    return any(
        part == name or part.startswith(f"{name}.")
        for name in entry_of(code).fixed_by
        for part in changed
    )
