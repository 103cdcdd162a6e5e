"""Which fields of Anchanto's documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    id number store_code external_id status currency_code order_date created_at updated_at
    shipped_via state country_iso carrier_code carrier_name method reference subtotal discount
    shipping tax paid line_id sku quantity unit_price selling_price order_number shipment_number
    tracking_number manifest_number shipped_at warehouse_code available on_hand reserved buffer
    file line file_digest fault
    """
)
"""Ids and references, statuses, dates, amounts, units and goods; of an address, its country and
state. ``remarks`` may hold anything."""
