"""Codes of fulfilment: shipments, statuses, returns and refunds."""

from __future__ import annotations

from domain.rejection_codes.entry import Entry

FULFILMENT: dict[str, Entry] = {
    "carrier_ambiguous": Entry(
        "mapping", "The carrier of a parcel is known.", ("shipments.carriers",)
    ),
    "carrier_unknown": Entry(
        "mapping", "The carrier of a parcel is known.", ("shipments.carriers",)
    ),
    "confirmation_refused": Entry(
        "business_rule", "The OMS accepts the confirmation that the store has an order's shipments."
    ),
    "event_duplicate": Entry("duplicate", "A fulfilment event occurs once in its order."),
    "event_quantity": Entry("value", "The quantity of a fulfilment event is above zero."),
    "group_not_shippable": Entry("business_rule", "The store ships only to a shipping address."),
    "line_not_in_store": Entry("business_rule", "The store ships only lines of its own order."),
    "milestone_unknown": Entry("mapping", "Lockstep supports the milestone.", ("oms",)),
    "order_missing_in_store": Entry(
        "business_rule", "The order exists in the store.", ("orders.order_id_prefix",)
    ),
    "order_not_captured": Entry(
        "missing", "An order that ships was captured from the store before."
    ),
    "order_not_linked": Entry(
        "missing", "An order that ships at the OMS is linked to an order of the store."
    ),
    "parcel_line_unknown": Entry("value", "A parcel contains lines of its own order."),
    "quantity_detail_missing": Entry(
        "mapping", "The units of a line include their statuses.", ("oms.search_template",)
    ),
    "quantity_not_whole": Entry(
        "mapping", "The OMS's units convert to whole units of the store.", ("orders.uom_rules",)
    ),
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
    "refund_before_start": Entry(
        "business_rule", "Returns are confirmed after their stream was started."
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
    "refund_without_units": Entry("value", "A refund of an order names units of its lines."),
    "refunded_after_shipping": Entry("value", "Units are refunded before they are shipped."),
    "return_line_duplicate": Entry("duplicate", "The id of a line is unique in its return."),
    "return_made_in_store": Entry(
        "business_rule", "The store shows only returns that the OMS has."
    ),
    "return_not_settled": Entry(
        "business_rule", "What a confirmed return is settled with is clear: a refund or new goods."
    ),
    "return_of_several_orders": Entry("value", "A return contains units of one order only."),
    "return_quantity": Entry("value", "The statuses of a return's units add up to its quantity."),
    "return_refused": Entry("business_rule", "The store accepts the return on its order."),
    "return_without_order": Entry("missing", "A return names the order whose units were returned."),
    "returned_in_store": Entry("value", "A return starts at the OMS, which names its parcel."),
    "shipment_adopted": Entry("business_rule", "A parcel's shipment is created by Lockstep."),
    "shipment_not_taken_back": Entry(
        "business_rule", "The store shows no shipment whose parcel the OMS has canceled."
    ),
    "shipment_refused": Entry(
        "business_rule",
        "The store accepts the shipment.",
        ("shipments.carriers", "platform"),
    ),
    "shipment_removal_refused": Entry(
        "business_rule", "The store takes a shipment back.", ("platform",)
    ),
    "shipment_taken_back": Entry(
        "business_rule", "The OMS does not cancel a parcel that the store was shown."
    ),
    "shipment_update_refused": Entry(
        "business_rule",
        "The store accepts the change of a shipment.",
        ("shipments.carriers", "platform"),
    ),
    "shipment_without_lines": Entry("missing", "A parcel has at least one line."),
    "shipped_above_ordered": Entry("value", "No more units are shipped than were ordered."),
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
    "status_unknown": Entry("mapping", "A status is listed in the connector's table."),
    "tracking_not_changed": Entry(
        "business_rule", "The store accepts changes of a tracking number."
    ),
    "tracking_number_too_long": Entry(
        "value", "A tracking number is no longer than the store allows."
    ),
    "units_canceled_at_oms": Entry(
        "business_rule", "Units that the OMS cancels are canceled or refunded in the store, too."
    ),
    "units_without_shipment": Entry(
        "mapping", "All units of an order that the OMS shows as shipped are in its shipments."
    ),
}
