"""Codes of orders, in the store and at the OMS, and of agents' requests about them."""

from __future__ import annotations

from domain.rejection_codes.entry import Entry

ORDERS: dict[str, Entry] = {
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
    "action_part_missing": Entry("value", "A request has all parts that its kind requires."),
    "action_part_unfit": Entry("value", "A request has no parts that don't apply to its kind."),
    "amount_missing": Entry("missing", "An order has all of its amounts."),
    "cancel_quantity_missing": Entry(
        "mapping", "A canceled line includes its cancel history.", ("oms.search_template",)
    ),
    "cancel_refused": Entry(
        "business_rule", "An order can be canceled until the warehouse starts work on it."
    ),
    "cancel_status_unknown": Entry(
        "mapping", "The status of a cancel request is a known code.", ("oms.codes",)
    ),
    "canceled_after_shipping": Entry("value", "Units are canceled before they are shipped."),
    "canceled_units_unplaced": Entry(
        "value", "Of a line with several addresses all units are canceled, or none."
    ),
    "card_number_masked": Entry("value", "A text contains no payment card number."),
    "card_number_present": Entry("value", "The texts of a payment contain no payment card number."),
    "change_not_sent": Entry(
        "business_rule",
        "An order changes only in statuses in which changes are sent.",
        ("orders.update_statuses", "orders.export_statuses"),
    ),
    "consignment_unknown": Entry(
        "value", "Each line belongs to an address or pick-up of its order."
    ),
    "consignments_missing": Entry("missing", "An order is captured with its consignments."),
    "currency_form": Entry("value", "A currency is an ISO 4217 code."),
    "currency_invalid": Entry("value", "An order states the currency it was paid in."),
    "currency_mixed": Entry("value", "An order is paid in its own currency."),
    "date_missing": Entry("missing", "An order states when it was placed."),
    "discount_mismatch": Entry(
        "value", "The discounts of lines and coupons add up to the order's discount."
    ),
    "discount_negative": Entry("value", "A discount is not negative."),
    "discount_too_large": Entry("value", "The discounts of a line do not exceed its total."),
    "file_not_sent": Entry("value", "Shoppers enter texts for a product, not files."),
    "hold_not_sent": Entry(
        "mapping", "An order on hold in the store is held at the OMS.", ("orders.hold_statuses",)
    ),
    "hold_not_supported": Entry(
        "business_rule",
        "An order is held only at an OMS that accepts orders on hold.",
        ("orders.hold_statuses",),
    ),
    "id_invalid": Entry(
        "mapping",
        "An order's id at the OMS can be traced back to a store's id.",
        ("orders.order_id_prefix",),
    ),
    "line_canceled_at_oms": Entry(
        "business_rule", "A line that the store has changed is not canceled at the OMS."
    ),
    "line_id_duplicate": Entry("duplicate", "The id of a line is unique in its order."),
    "line_id_missing": Entry("missing", "A line of an order has an id."),
    "line_not_eligible": Entry(
        "business_rule", "The OMS changes a line until the warehouse starts work on it."
    ),
    "line_not_repeated": Entry(
        "business_rule", "The OMS accepts a line that is sent again after a lost answer."
    ),
    "line_total_mismatch": Entry("value", "The total of a line is its quantity times its price."),
    "line_type_unknown": Entry("mapping", "Lockstep supports the type of a line."),
    "lines_incomplete": Entry("missing", "An order is captured with all of its lines."),
    "not_shipped_by_seller": Entry(
        "business_rule", "An order goes to the OMS's warehouse only if the seller ships it."
    ),
    "nothing_to_ship": Entry("business_rule", "An order has at least one line that is shipped."),
    "oms_refused": Entry("business_rule", "The OMS accepts the order."),
    "order_adopted": Entry(
        "business_rule", "The OMS has no order that the connection's predecessor has sent."
    ),
    "order_deleted_in_store": Entry(
        "business_rule",
        "An order that the OMS has to fulfil stays in the store.",
        ("orders.deleted",),
    ),
    "order_exists_differently": Entry(
        "business_rule",
        "An order that the OMS has matches the store's in everything that the store decides.",
        ("orders.order_id_prefix",),
    ),
    "order_gone_at_oms": Entry("business_rule", "An order that was sent is still at the OMS."),
    "order_held_at_oms": Entry(
        "business_rule",
        "The OMS can send the order to its warehouse.",
        ("orders.shipping_methods",),
    ),
    "order_id_duplicate": Entry("duplicate", "The id of an order is unique in a batch."),
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
    "order_linked_elsewhere": Entry(
        "business_rule", "An order at the OMS belongs to one order of one connection."
    ),
    "order_not_changeable": Entry(
        "business_rule", "Changes of an order need an OMS that accepts changes."
    ),
    "order_without_lines": Entry("missing", "An order has at least one line."),
    "paid_above_total": Entry(
        "value", "Certificates and store credit have not paid more than the order's total."
    ),
    "partly_shipped_in_store": Entry(
        "value", "No unit of an order is shipped in the store before the order is sent."
    ),
    "payment_mismatch": Entry(
        "value", "What certificates and store credit have paid is not below zero."
    ),
    "pickup_location_unknown": Entry(
        "mapping", "A pick-up location is mapped to an OMS location.", ("orders.pickup_locations",)
    ),
    "pickup_not_supported": Entry(
        "business_rule", "Orders to be picked up need an OMS with pick-up."
    ),
    "price_rounded": Entry("value", "A price of one unit has at most four decimals."),
    "quantity_invalid": Entry("value", "The quantity of a line is a whole number above zero."),
    "quantity_not_positive": Entry("value", "The quantity of a line is above zero."),
    "reopened_after_cancel": Entry(
        "business_rule", "An order that the OMS has canceled stays canceled in the store."
    ),
    "order_sent_elsewhere": Entry(
        "business_rule", "An order of a store is sent by one connection only."
    ),
    "sent_by_former_rules": Entry(
        "business_rule",
        "An order that the OMS has, and can't be changed there, is as the current rules make it.",
        ("orders",),
    ),
    "several_addresses": Entry(
        "business_rule", "An order has no more addresses than the OMS accepts."
    ),
    "ship_from_differs": Entry(
        "mapping",
        "An order ships from one node if the OMS accepts only one.",
        ("orders.ship_from", "orders.ship_from_unknown"),
    ),
    "ship_from_not_sent": Entry(
        "mapping",
        "The location whose stock was sold is sent, or left out deliberately.",
        ("orders.ship_from",),
    ),
    "ship_from_unknown": Entry(
        "mapping",
        "The location whose stock was sold is mapped to a node of the OMS.",
        ("orders.ship_from_nodes", "inventory.nodes", "orders.ship_from_unknown"),
    ),
    "shipping_method_unknown": Entry(
        "mapping",
        "A shipping method is mapped to an OMS method.",
        ("orders.shipping_methods", "orders.default_shipping_method"),
    ),
    "sku_missing": Entry("missing", "The product of a line has a SKU."),
    "sku_too_long": Entry("value", "A SKU is no longer than the OMS allows."),
    "sku_unknown": Entry(
        "mapping",
        "The SKU of a line exists in the OMS's item master.",
        ("orders.check_items", "platform.gift_certificate_sku"),
    ),
    "tax_mismatch": Entry("value", "The taxes of lines and charges add up to the order's tax."),
    "text_cut": Entry("value", "A free text is no longer than the OMS gets."),
    "total_mismatch": Entry(
        "value", "Lines, charges, discounts and taxes add up to the order's total."
    ),
    "total_negative": Entry("value", "The total of an order is not negative."),
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
    "workflow_state_unnamed": Entry(
        "mapping",
        "A state that looks as if it withheld units is named in the settings.",
        ("platform.workflow_states",),
    ),
    "workflow_state_unread": Entry(
        "mapping",
        "The states of an order and its lines are read with their keys.",
        ("platform.workflow_states", "platform.scopes"),
    ),
}
