"""All rejection codes: their class, the rule that was broken, and the settings that could help.

One table for SQL, the command line, the UI and docs/rejections.md. A test compares it with the
sources: each code has an entry, and each entry is used.
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
"""What is at fault, and so who can fix it.

``value``, ``missing`` and ``duplicate``: the record. ``mapping``: the configuration or Lockstep.
``permission``, ``rate_limit`` and ``connection``: access to the target, or to a part of the source.
``business_rule``: the target refused the record.
"""
CLASSES: tuple[str, ...] = get_args(RejectionClass)
PART_NOT_READ = "part_not_read"
"""The code of records that a source gives in part; they are read again by themselves."""
OMS_PREFIX = "oms_"
"""Prefix of an OMS's own error codes, which follow in snake_case."""


class Entry(NamedTuple):
    """The meaning of a code; ``fixed_by`` lists settings as ``section`` or ``section.setting``."""

    category: RejectionClass
    rule: str
    fixed_by: tuple[str, ...] = ()


_RECORD: dict[str, Entry] = {
    "action_address_unusable": Entry("value", "The address of a reroute names a place."),
    "action_field_missing": Entry(
        "missing", "A request states its id, its order, who asked, with which permissions and when."
    ),
    "action_id_duplicate": Entry("duplicate", "The id of a request is unique in a batch."),
    "action_id_reused": Entry("duplicate", "The id of a request is used for no other request."),
    "action_kind_unknown": Entry(
        "value", "The kind of a request is cancel, hold, release or reroute."
    ),
    "action_not_shown": Entry(
        "business_rule", "The store accepts the outcome of a request that was made there."
    ),
    "action_part_missing": Entry("value", "A request has all parts that its kind needs."),
    "action_part_unfit": Entry("value", "A request has only parts that its kind can have."),
    "address_id_missing": Entry("missing", "A shipping address has an id."),
    "amount_missing": Entry("missing", "An order has all of its amounts."),
    "card_number_masked": Entry("value", "A text contains no payment card number."),
    "card_number_present": Entry("value", "The texts of a payment contain no payment card number."),
    "catalog_item_unusable": Entry(
        "value",
        "A product in the store's catalog has an id, a SKU and a kind of stock tracking.",
    ),
    "city_missing": Entry(
        "missing",
        "An address has a city if its country's addresses have one.",
        ("addresses.require_city",),
    ),
    "consignment_unknown": Entry(
        "value", "Each line belongs to an address or pick-up of its order."
    ),
    "consignments_missing": Entry("missing", "An order is captured with its consignments."),
    "country_conflict": Entry("value", "The code and the name of a country mean the same country."),
    "country_missing": Entry("missing", "An address has a country.", ("addresses.country",)),
    "country_unknown": Entry(
        "value", "The country of an address is listed in ISO 3166-1.", ("addresses.country",)
    ),
    "currency_form": Entry("value", "A currency is an ISO 4217 code."),
    "currency_invalid": Entry("value", "An order states the currency it was paid in."),
    "currency_mixed": Entry("value", "An order is paid in its own currency."),
    "date_invalid": Entry("value", "A date is in RFC 2822 or ISO 8601 format, with a time zone."),
    "date_missing": Entry("missing", "An order states when it was placed."),
    "discount_mismatch": Entry(
        "value", "The discounts of lines and coupons add up to the order's discount."
    ),
    "discount_negative": Entry("value", "A discount is not negative."),
    "discount_too_large": Entry("value", "The discounts of a line do not exceed its total."),
    "email_invalid": Entry("value", "An e-mail address has one @ and a domain."),
    "customer_address_duplicate": Entry(
        "duplicate", "The id of an address is unique in its customer."
    ),
    "customer_address_id_missing": Entry("missing", "An address of a customer has an id."),
    "customer_id_duplicate": Entry("duplicate", "The id of a customer is unique in a batch."),
    "customer_unnamed": Entry("missing", "A customer has an e-mail address or a name."),
    "email_missing": Entry(
        "missing", "What goes by e-mail, and a customer, has an e-mail address."
    ),
    "event_duplicate": Entry("duplicate", "A fulfilment event occurs once in its order."),
    "event_quantity": Entry("value", "A fulfilment event is about more than zero units."),
    "file_not_sent": Entry("value", "A shopper enters texts for a product, and uploads no file."),
    "further_problems": Entry("value", "A rejection lists the first 50 problems of its record."),
    "id_missing": Entry("missing", "An order or a customer has an id."),
    "invalid_value": Entry("value", "A value is in the range that an order can hold."),
    "line_id_duplicate": Entry("duplicate", "The id of a line is unique in its order."),
    "line_id_missing": Entry("missing", "A line of an order has an id."),
    "line_total_mismatch": Entry("value", "The total of a line is its quantity times its price."),
    "lines_incomplete": Entry("missing", "An order is captured with all of its lines."),
    "malformed_value": Entry("value", "A value has the type of its field."),
    "order_id_duplicate": Entry("duplicate", "The id of an order is unique in a batch."),
    "listing_draft_pending": Entry(
        "business_rule", "A listed field has no unpublished changes in the store."
    ),
    "listing_empty": Entry("missing", "A listing changes something."),
    "listing_field_not_taken": Entry(
        "business_rule", "The store's products have all fields of the listing."
    ),
    "listing_image_invalid": Entry("value", "The pictures of a listing are https addresses."),
    "listing_images_too_many": Entry(
        "value", "A listing does not exceed the maximum number of pictures."
    ),
    "listing_in_other_language": Entry(
        "missing", "A text that the product already shows is in the connection's language."
    ),
    "listing_new_incomplete": Entry(
        "missing", "A product to create has all values that the store requires."
    ),
    "listing_new_values_kept": Entry(
        "duplicate", "Price, weight and variants are given for products to create only."
    ),
    "listing_not_created": Entry(
        "missing",
        "Listings of products that the store lacks need a connection that creates them.",
        ("catalog.create_products",),
    ),
    "listing_product_adopted": Entry(
        "duplicate", "A product to create is not in the store before it is created."
    ),
    "listing_product_gone": Entry("missing", "The product of a listing exists and has its SKU."),
    "listing_refused": Entry("business_rule", "The store accepts the texts and pictures."),
    "listing_replaced": Entry(
        "duplicate", "No newer request for the same product was delivered before."
    ),
    "listing_sku_taken": Entry(
        "duplicate", "The SKUs of a product to create belong to one product, or to none."
    ),
    "listing_text_invalid": Entry(
        "value", "The texts of a listing do not exceed the maximum length."
    ),
    "listing_title_invalid": Entry("value", "A title is one non-empty line."),
    "listing_variants_invalid": Entry(
        "value", "The variants of a product to create have the same options and different values."
    ),
    "listing_variants_left_out": Entry(
        "missing", "A group includes the variants of an earlier request that still waits."
    ),
    "listing_unreadable": Entry("value", "A captured listing can be read."),
    "order_without_lines": Entry("missing", "An order has at least one line."),
    "parcel_line_unknown": Entry("value", "A parcel contains lines of its own order."),
    "partly_shipped_in_store": Entry(
        "value", "No unit of an order is shipped in the store before the order is sent."
    ),
    "part_not_read": Entry("connection", "A source gives all parts of a record."),
    "payload_malformed": Entry("value", "A capture is a JSON document of an order."),
    "payment_mismatch": Entry(
        "value", "Certificates and store credit do not pay more than the order's total."
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
    "price_not_in_minor_units": Entry(
        "value", "A price has no more decimals than its currency; prices are not rounded."
    ),
    "price_not_positive": Entry("value", "A price is above zero."),
    "price_period_empty": Entry("value", "The period of a price starts before it ends."),
    "sale_above_regular": Entry("value", "A sale price does not exceed the regular price."),
    "sale_not_in_minor_units": Entry(
        "value", "A sale price has no more decimals than its currency; prices are not rounded."
    ),
    "sale_not_positive": Entry("value", "A sale price is above zero."),
    "price_rounded": Entry("value", "A price of one unit has at most four decimals."),
    "product_id_duplicate": Entry("duplicate", "A batch contains each product once."),
    "product_invalid": Entry(
        "value", "The ids, SKUs, prices and sizes of a product can be stored."
    ),
    "product_price_negative": Entry("value", "The prices of a product are not below zero."),
    "product_variant_duplicate": Entry("duplicate", "A product has each variant once."),
    "product_without_variants": Entry(
        "missing", "A product has at least one variant that can be bought."
    ),
    "quantity_invalid": Entry("value", "The quantity of a line is a whole number above zero."),
    "infinite_as_number": Entry(
        "mapping",
        "The store can sell an item without limit independently of the product's other variants.",
        ("inventory.infinite", "inventory.infinite_quantity"),
    ),
    "quantity_negative": Entry("value", "An available quantity is not negative."),
    "quantity_not_positive": Entry("value", "The quantity of a line is above zero."),
    "refund_without_units": Entry("value", "A refund of an order names units of its lines."),
    "refunded_after_shipping": Entry("value", "Units are refunded before they are shipped."),
    "returned_in_store": Entry("value", "A return starts at the OMS, which names its parcel."),
    "return_line_duplicate": Entry("duplicate", "The id of a line is unique in its return."),
    "return_of_several_orders": Entry("value", "A return contains units of one order only."),
    "return_quantity": Entry("value", "The statuses of a return's units add up to its quantity."),
    "return_without_order": Entry("missing", "A return names the order whose units were returned."),
    "schema_violation": Entry("value", "A record has the columns and types of its schema."),
    "shipment_without_lines": Entry("missing", "A parcel has at least one line."),
    "shipped_above_ordered": Entry("value", "No more units are shipped than were ordered."),
    "sku_empty": Entry("missing", "A stock level has a SKU."),
    "sku_invalid": Entry("value", "A SKU contains no control characters."),
    "sku_missing": Entry("missing", "The product of a line has a SKU."),
    "sku_too_long": Entry("value", "A SKU is no longer than the OMS allows."),
    "stock_duplicate": Entry("duplicate", "A SKU has one stock level per node."),
    "available_above_on_hand": Entry(
        "value", "The available quantity does not exceed the units on hand and expected."
    ),
    "available_negative": Entry("value", "An available quantity is not negative."),
    "street_missing": Entry("missing", "An address has a street.", ("addresses.require_street",)),
    "subdivision_missing": Entry(
        "missing",
        "An address has a state or province if its country uses them.",
        ("addresses.subdivision",),
    ),
    "subdivision_unknown": Entry(
        "value", "A state or province belongs to its country.", ("addresses.subdivision",)
    ),
    "tax_mismatch": Entry("value", "The taxes of lines and charges add up to the order's tax."),
    "total_mismatch": Entry(
        "value", "Lines, charges, discounts and taxes add up to the order's total."
    ),
    "total_negative": Entry("value", "The total of an order is not negative."),
    "tracking_number_too_long": Entry(
        "value", "A tracking number is no longer than the store allows."
    ),
}
_MAPPING: dict[str, Entry] = {
    "price_ambiguous": Entry(
        "mapping", "One price of the OMS belongs to an item, list and currency of the store."
    ),
    "price_currency_missing": Entry(
        "mapping", "The OMS or a setting states the currency of a price.", ("prices.currency",)
    ),
    "price_currency_refused": Entry(
        "mapping", "A price is in a currency that the connection accepts.", ("prices.only",)
    ),
    "price_list_unknown": Entry(
        "mapping",
        "A price list exists in the store.",
        ("prices.lists", "prices.store_list"),
    ),
    "cancel_quantity_missing": Entry(
        "mapping", "A canceled line includes its cancel history.", ("oms.search_template",)
    ),
    "cancel_status_unknown": Entry(
        "mapping", "The status of a cancel request is a known code.", ("oms.codes",)
    ),
    "carrier_ambiguous": Entry(
        "mapping", "The carrier of a parcel is known.", ("shipments.carriers",)
    ),
    "carrier_unknown": Entry(
        "mapping", "The carrier of a parcel is known.", ("shipments.carriers",)
    ),
    "id_invalid": Entry(
        "mapping",
        "An order's id at the OMS can be traced back to a store's id.",
        ("orders.order_id_prefix",),
    ),
    "line_type_unknown": Entry("mapping", "The type of a line is one that Lockstep supports."),
    "location_unknown": Entry(
        "mapping",
        "A stock location exists in the store.",
        ("inventory.nodes", "inventory.store_location"),
    ),
    "milestone_unknown": Entry("mapping", "A milestone is one that Lockstep supports.", ("oms",)),
    "not_mapped": Entry("mapping", "Lockstep can read the record."),
    "number_not_exact": Entry(
        "mapping", "A number has no more digits than JSON transmits exactly."
    ),
    "oms_payload_unreadable": Entry(
        "mapping", "The OMS's order has the published structure.", ("oms",)
    ),
    "customer_id_form": Entry(
        "mapping", "The id of a customer has plain characters only.", ("orders.order_id_prefix",)
    ),
    "customer_id_unsafe": Entry(
        "mapping",
        "The id of a customer has no characters with a meaning in URLs.",
        ("orders.order_id_prefix",),
    ),
    "order_id_form": Entry(
        "mapping", "The id of an order has plain characters only.", ("orders.order_id_prefix",)
    ),
    "order_id_invalid": Entry(
        "mapping",
        "The id of an order has only characters that are allowed in URLs.",
        ("orders.order_id_prefix",),
    ),
    "order_id_unsafe": Entry(
        "mapping",
        "The id of an order has no characters with a meaning in URLs.",
        ("orders.order_id_prefix",),
    ),
    "pickup_location_unknown": Entry(
        "mapping", "A pick-up location is mapped to an OMS location.", ("orders.pickup_locations",)
    ),
    "quantity_detail_missing": Entry(
        "mapping", "The units of a line include their statuses.", ("oms.search_template",)
    ),
    "quantity_not_whole": Entry(
        "mapping", "The OMS's units convert to whole units of the store.", ("orders.uom_rules",)
    ),
    "shipping_method_unknown": Entry(
        "mapping",
        "A shipping method is mapped to an OMS method.",
        ("orders.shipping_methods", "orders.default_shipping_method"),
    ),
    "sku_unknown": Entry(
        "mapping",
        "The SKU of a line exists in the OMS's item master.",
        ("orders.check_items", "platform.gift_certificate_sku"),
    ),
    "sku_unknown_in_store": Entry("mapping", "A SKU of the OMS exists in the store's catalog."),
    "status_unknown": Entry("mapping", "A status is listed in the connector's table."),
    "stock_unit_unknown": Entry(
        "mapping",
        "The unit in which the OMS states an item's stock converts to the store's.",
        ("orders.uom", "orders.uom_rules"),
    ),
    "uom_conversion_inexact": Entry(
        "mapping",
        "A price converts to the OMS's unit without rounding.",
        ("orders.uom", "orders.uom_rules"),
    ),
    "uom_unknown": Entry(
        "mapping",
        "The OMS's item has the unit of the line.",
        ("orders.uom", "orders.uom_rules", "orders.check_items"),
    ),
    "units_without_shipment": Entry(
        "mapping", "All units of an order that the OMS shows as shipped are in its shipments."
    ),
    "variant_unknown": Entry("mapping", "The id of a tracked variant is known."),
}
_TARGET: dict[str, Entry] = {
    "cancel_refused": Entry(
        "business_rule", "An order can be canceled until the warehouse starts work on it."
    ),
    "confirmation_refused": Entry(
        "business_rule", "The OMS accepts the confirmation that the store has an order's shipments."
    ),
    "delivery_failed": Entry(
        "connection", "The target responds within the configured number of attempts."
    ),
    "delivery_not_permitted": Entry(
        "permission", "Lockstep's user at the target has permission for this call."
    ),
    "delivery_throttled": Entry("rate_limit", "The target accepts the call within its quota."),
    "hold_not_supported": Entry(
        "business_rule",
        "An order is held only at an OMS that accepts orders on hold.",
        ("orders.hold_statuses",),
    ),
    "nothing_to_ship": Entry("business_rule", "An order has at least one line that is shipped."),
    "group_not_shippable": Entry("business_rule", "The store ships only to a shipping address."),
    "line_not_eligible": Entry(
        "business_rule", "The OMS changes a line until the warehouse starts work on it."
    ),
    "line_not_repeated": Entry(
        "business_rule", "The OMS accepts a line again that was sent before without an answer."
    ),
    "line_not_in_store": Entry("business_rule", "The store ships only lines of its own order."),
    "not_planned": Entry("mapping", "Lockstep can plan the record's delivery."),
    "not_shipped_by_seller": Entry(
        "business_rule", "An order goes to the OMS's warehouse only if the seller ships it."
    ),
    "oms_refused": Entry("business_rule", "The OMS accepts an order, or says why it does not."),
    "order_exists_differently": Entry(
        "business_rule",
        "An order that the OMS already has equals the store's in all that the store decides.",
        ("orders.order_id_prefix",),
    ),
    "order_held_at_oms": Entry(
        "business_rule",
        "The OMS can send the order to its warehouse.",
        ("orders.shipping_methods",),
    ),
    "order_missing_in_store": Entry(
        "business_rule", "The order exists in the store.", ("orders.order_id_prefix",)
    ),
    "order_not_changeable": Entry(
        "business_rule", "Changes of an order need an OMS that accepts changes."
    ),
    "order_not_captured": Entry(
        "missing", "An order that ships was captured from the store before."
    ),
    "customer_linked_elsewhere": Entry(
        "business_rule", "A customer at the OMS belongs to one customer of one connection."
    ),
    "order_linked_elsewhere": Entry(
        "business_rule", "An order at the OMS belongs to one order of one connection."
    ),
    "order_not_linked": Entry(
        "missing", "An order that ships at the OMS is linked to an order of the store."
    ),
    "pickup_not_supported": Entry(
        "business_rule", "Orders to be picked up need an OMS with pick-up."
    ),
    "price_change_large": Entry(
        "business_rule",
        "A change of a price beyond the connection's limit is approved by an operator.",
        ("prices.max_change",),
    ),
    "price_currency_of_list": Entry(
        "business_rule",
        "A price is in the currency of the store's list that it goes to.",
        ("prices.lists", "prices.store_list", "prices.currency"),
    ),
    "price_first": Entry(
        "business_rule",
        "A price that can't be compared with one in the store is approved by an operator.",
        ("prices.first_price",),
    ),
    "price_inactive": Entry("business_rule", "A price that is written is one that shoppers see."),
    "price_mode_embedded": Entry(
        "business_rule", "A product whose prices are written uses standalone prices."
    ),
    "price_sale_not_taken": Entry("business_rule", "The store accepts sale prices.", ("platform",)),
    "price_needs_variant": Entry(
        "business_rule", "A price belongs to one variant if a product has several."
    ),
    "price_not_exact": Entry(
        "value", "A price has no more digits than the store's numbers can hold."
    ),
    "price_refused": Entry("business_rule", "The store accepts the price."),
    "refund_above_return": Entry(
        "business_rule", "No more units are refunded than the OMS has confirmed."
    ),
    "refund_above_returns": Entry(
        "business_rule", "An order has no more units refunded than all its returns confirm."
    ),
    "refund_amount_differs": Entry(
        "business_rule", "The payment service refunds exactly the requested amount."
    ),
    "refund_amount_unknown": Entry(
        "missing", "The prices of an order are known when units of it are refunded."
    ),
    "refund_declined": Entry("business_rule", "The payment provider accepts the refund."),
    "refund_discarded": Entry(
        "business_rule", "A refund whose rejection was discarded is made outside Lockstep."
    ),
    "refund_made_in_store": Entry(
        "business_rule", "Shipped units are refunded through a return at the OMS."
    ),
    "refund_not_approved": Entry(
        "business_rule",
        "A refund above the connection's limit is approved by an operator.",
        ("returns.limits", "returns.approve"),
    ),
    "refund_refused": Entry("business_rule", "The store accepts the refund of the units."),
    "return_made_in_store": Entry(
        "business_rule", "A store shows only those returns of an order that the OMS has."
    ),
    "return_refused": Entry("business_rule", "The store accepts the return on its order."),
    "reopened_after_cancel": Entry(
        "business_rule", "An order that the OMS has canceled stays cancelled in the store."
    ),
    "several_addresses": Entry(
        "business_rule", "An order has no more addresses than the OMS accepts."
    ),
    "shipment_adopted": Entry("business_rule", "A parcel's shipment is created by Lockstep."),
    "shipment_refused": Entry(
        "business_rule",
        "The store accepts the shipment.",
        ("shipments.carriers", "platform"),
    ),
    "shipment_update_refused": Entry(
        "business_rule",
        "The store accepts the change of a shipment.",
        ("shipments.carriers", "platform"),
    ),
    "shipped_units_above": Entry(
        "business_rule", "The store shows no more units as shipped than the OMS has shipped."
    ),
    "shipped_units_missing": Entry(
        "business_rule", "The store shows all units as shipped that the OMS has shipped."
    ),
    "status_kept": Entry(
        "business_rule", "A status that is not about fulfilment stays as the merchant set it."
    ),
    "status_refused": Entry(
        "business_rule",
        "The store accepts the status.",
        ("shipments.milestone_statuses",),
    ),
    "stock_refused": Entry("business_rule", "The store accepts the stock level.", ("inventory",)),
    "target_not_read": Entry(
        "connection", "The target can be read after a request whose outcome is unknown."
    ),
    "tracking_not_changed": Entry(
        "business_rule", "The store accepts changes of a tracking number."
    ),
    "tracking_off": Entry("business_rule", "The store tracks the stock of the product."),
}
CODES: dict[str, Entry] = {**_RECORD, **_MAPPING, **_TARGET}
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
