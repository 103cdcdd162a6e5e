"""Which fields of BigCommerce's documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    id url resource uuid cart_id channel_id order_id external_id external_order_id external_source
    order_source status status_id custom_status custom_label is_deleted is_flagged
    order_is_digital is_tax_inclusive_pricing tax_provider_id
    date_created date_modified date_shipped timestamp
    currency_id currency_code currency_exchange_rate default_currency_id default_currency_code
    store_default_currency_code store_default_to_transactional_exchange_rate customer_locale
    geoip_country geoip_country_iso2 country country_iso2 country_alpha2 state
    subtotal_ex_tax subtotal_inc_tax subtotal_tax total_ex_tax total_inc_tax total_tax
    base_shipping_cost shipping_cost_ex_tax shipping_cost_inc_tax shipping_cost_tax
    shipping_cost_tax_class_id base_handling_cost handling_cost_ex_tax handling_cost_inc_tax
    handling_cost_tax handling_cost_tax_class_id base_wrapping_cost wrapping_cost_ex_tax
    wrapping_cost_inc_tax wrapping_cost_tax wrapping_cost_tax_class_id wrapping_id wrapping_name
    base_cost cost_ex_tax cost_inc_tax cost_tax cost_tax_class_id tax_class_id
    discount_amount coupon_discount gift_certificate_amount store_credit_amount refunded_amount
    items_total items_shipped shipping_address_count
    payment_method payment_method_id payment_provider_id payment_status
    product_id variant_id sku upc type quantity quantity_shipped quantity_refunded is_refunded
    refund_amount refunds.total_amount data.total_amount item_type is_declined return_id
    base_price price_ex_tax price_inc_tax price_tax base_total
    base_cost_price cost_price_ex_tax cost_price_inc_tax cost_price_tax discounted_total_inc_tax
    fixed_shipping_cost weight width height depth brand bin_picking_number
    order_address_id order_product_id order_pickup_method_id parent_order_product_id
    is_bundled_product gift_certificate_id option_set_id option_id product_option_id
    display_name display_name_customer display_name_merchant display_style
    line_items.name products.name name_customer name_merchant
    applied_discounts.name applied_discounts.code applied_discounts.target coupons.code coupons.name
    coupon_id amount discount target fees.source source
    shipping_method shipping_zone_id shipping_zone_name pickup_method_id pickup_method_display_name
    location.code location.id
    tracking_number tracking_carrier tracking_link generated_tracking_link shipping_provider
    event currency gateway gateway_transaction_id reference_transaction_id offline test
    transactions.method transactions.status data.method data.status unread
    """
)
"""Ids and references, statuses, dates, amounts, units and goods; of an address, its country and
state. The values of options, and of fields of the store's own, are what a shopper has written."""
