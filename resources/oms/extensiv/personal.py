"""Which fields of Extensiv's documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    cust_ref cust_po_no order_number order_source order_status order_date created_date_time
    updated_date_time delivered_to_wms_date on_hold sending_canceled num_failed_sends
    requested_ship_date expected_delivery_date ship_state ship_country cust_state cust_country
    ship_is_billing ship_address_type ship_code orig_ship_code carrier currency_code sub_total
    order_discount shipping_handling sales_tax grand_total balance pay_type pre_auth_code
    pre_auth_amt pre_auth_id promo_code location custom_field_1 inventory_warehouse_pk total_qty
    num_to_ship num_shipped line_no line_item_id item quantity price discount addl_discount
    extended_amount shipping_surcharge lot_number method tracking_no tracking_no_secondary
    tracking_url date total_cost package_weight_lbs bill_of_lading sscc_barcode whs_location
    carton_code carton_num lot_code sku qty_available qty_on_hand wms_datetime warehouse node
    retail_price wholesale_price weight_lbs last_updated_datetime code_type code
    """
)
"""Ids and references, statuses, dates, amounts, units and goods; of an address, its country and
state. ``error_reason`` may quote an address; ``extra_fields`` may hold anything."""
