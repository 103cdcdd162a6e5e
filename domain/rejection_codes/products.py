"""Codes of products: the catalog, listings, prices and stock."""

from __future__ import annotations

from domain.rejection_codes.entry import Entry

PRODUCTS: dict[str, Entry] = {
    "available_above_on_hand": Entry(
        "value", "The available quantity does not exceed the units on hand and expected."
    ),
    "available_negative": Entry("value", "An available quantity is not negative."),
    "catalog_item_unusable": Entry(
        "value",
        "A product in the store's catalog has an id, a SKU and a kind of stock tracking.",
    ),
    "infinite_as_number": Entry(
        "mapping",
        "The store can sell an item without limit independently of the product's other variants.",
        ("inventory.infinite", "inventory.infinite_quantity"),
    ),
    "listing_brand_invalid": Entry("value", "A brand is one non-empty line."),
    "listing_brand_unknown": Entry(
        "mapping", "The store has the brand of a listing.", ("catalog.create_brands",)
    ),
    "listing_categories_invalid": Entry(
        "value", "Each category of a listing is named once, and their number is limited."
    ),
    "listing_category_unknown": Entry(
        "mapping", "A category of a listing is one of the store's, and its name shows which."
    ),
    "listing_draft_pending": Entry(
        "business_rule", "A listed field has no unpublished changes in the store."
    ),
    "listing_edit_doubtful": Entry(
        "business_rule",
        "The ledger knows what was written last of a field that the OMS owns.",
        ("catalog.oms_fields",),
    ),
    "listing_edit_kept": Entry(
        "business_rule",
        "A field that the OMS owns is not edited in the store.",
        ("catalog.oms_fields",),
    ),
    "listing_edit_replaced": Entry(
        "business_rule",
        "A field that the OMS owns is edited at the OMS only.",
        ("catalog.oms_fields",),
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
    "listing_item_is_variant": Entry(
        "business_rule", "An item of the OMS that is listed is a product of its own in the store."
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
        "duplicate", "The store does not have a product that is to be created."
    ),
    "listing_product_gone": Entry("missing", "The product of a listing exists and has its SKU."),
    "listing_product_removed": Entry(
        "missing", "The store has the product that an item of the OMS was listed as."
    ),
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
    "listing_unreadable": Entry("value", "A captured listing can be read."),
    "listing_variants_invalid": Entry(
        "value", "The variants of a product to create have the same options and different values."
    ),
    "listing_variants_left_out": Entry(
        "missing", "A group includes the variants of an earlier request that still waits."
    ),
    "location_unknown": Entry(
        "mapping",
        "A stock location exists in the store.",
        ("inventory.nodes", "inventory.store_location"),
    ),
    "price_ambiguous": Entry(
        "mapping", "One price of the OMS belongs to an item, list and currency of the store."
    ),
    "price_change_large": Entry(
        "business_rule",
        "A change of a price beyond the connection's limit is approved by an operator.",
        ("prices.max_change",),
    ),
    "price_currency_missing": Entry(
        "mapping", "The OMS or a setting states the currency of a price.", ("prices.currency",)
    ),
    "price_currency_of_list": Entry(
        "business_rule",
        "A price is in the currency of the store's list that it goes to.",
        ("prices.lists", "prices.store_list", "prices.currency"),
    ),
    "price_currency_refused": Entry(
        "mapping", "A price is in a currency that the connection accepts.", ("prices.only",)
    ),
    "price_first": Entry(
        "business_rule",
        "A price that can't be compared with one in the store is approved by an operator.",
        ("prices.first_price",),
    ),
    "price_inactive": Entry("business_rule", "Prices are written only where shoppers see them."),
    "price_list_unknown": Entry(
        "mapping",
        "A price list exists in the store.",
        ("prices.lists", "prices.store_list"),
    ),
    "price_mode_embedded": Entry(
        "business_rule", "A product whose prices are written uses standalone prices."
    ),
    "price_needs_variant": Entry(
        "business_rule", "A price belongs to one variant if a product has several."
    ),
    "price_not_exact": Entry(
        "value", "A price has no more digits than the store's numbers can hold."
    ),
    "price_not_in_minor_units": Entry(
        "value", "A price has no more decimals than its currency; prices are not rounded."
    ),
    "price_not_positive": Entry("value", "A price is above zero."),
    "price_period_empty": Entry("value", "The period of a price starts before it ends."),
    "price_refused": Entry("business_rule", "The store accepts the price."),
    "price_sale_not_taken": Entry("business_rule", "The store accepts sale prices.", ("platform",)),
    "product_id_duplicate": Entry("duplicate", "A batch contains each product once."),
    "product_invalid": Entry(
        "value", "The ids, SKUs, prices and sizes of a product can be stored."
    ),
    "product_price_negative": Entry("value", "The prices of a product are not below zero."),
    "product_variant_duplicate": Entry("duplicate", "A product has each variant once."),
    "product_without_variants": Entry(
        "missing", "A product has at least one variant that can be bought."
    ),
    "quantity_negative": Entry("value", "An available quantity is not negative."),
    "sale_above_regular": Entry("value", "A sale price does not exceed the regular price."),
    "sale_not_in_minor_units": Entry(
        "value", "A sale price has no more decimals than its currency; prices are not rounded."
    ),
    "sale_not_positive": Entry("value", "A sale price is above zero."),
    "sku_empty": Entry("missing", "A stock level has a SKU."),
    "sku_invalid": Entry("value", "A SKU contains no control characters."),
    "sku_unknown_in_store": Entry("mapping", "A SKU of the OMS exists in the store's catalog."),
    "stock_duplicate": Entry("duplicate", "A SKU has one stock level per node."),
    "stock_refused": Entry("business_rule", "The store accepts the stock level.", ("inventory",)),
    "stock_unit_unknown": Entry(
        "mapping",
        "The unit in which the OMS states an item's stock converts to the store's.",
        ("orders.uom", "orders.uom_rules"),
    ),
    "tracking_off": Entry("business_rule", "The store tracks the stock of the product."),
    "variant_unknown": Entry("mapping", "The id of a tracked variant is known."),
}
