"""``GET /v2/store`` (store_information.v2.yml)."""

from __future__ import annotations

import uuid
from typing import Any


def store_information(store_hash: str) -> dict[str, Any]:
    """Describe the store; its account id is derived from its hash."""
    domain = f"{store_hash}.sandbox.example"
    return {
        "id": store_hash,
        "account_uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, domain)),
        "domain": domain,
        "secure_url": f"https://{domain}",
        "control_panel_base_url": f"https://store-{store_hash}.sandbox.example",
        "status": "live",
        "name": f"Sandbox store {store_hash}",
        "first_name": "Jane",
        "last_name": "Doe",
        "address": "1 Sandbox Street",
        "country": "United States",
        "country_code": "US",
        "phone": "",
        "admin_email": f"admin@{domain}",
        "order_email": f"orders@{domain}",
        "favicon_url": "",
        "timezone": {
            "name": "UTC",
            "raw_offset": 0,
            "dst_offset": 0,
            "dst_correction": False,
            "date_format": {
                "display": "M jS Y",
                "export": "M jS Y",
                "extended_display": "M jS Y @ g:i A",
            },
        },
        "language": "en",
        "currency": "USD",
        "currency_symbol": "$",
        "decimal_separator": ".",
        "thousands_separator": ",",
        "decimal_places": 2,
        "currency_symbol_location": "left",
        "weight_units": "LBS",
        "dimension_units": "Inches",
        "dimension_decimal_places": 2,
        "dimension_decimal_token": ".",
        "dimension_thousands_token": ",",
        "plan_name": "Enterprise",
        "plan_level": "Enterprise",
        "plan_is_trial": False,
        "industry": "Retail",
        "logo": [],
        "is_price_entered_with_tax": False,
        "store_id": 1000,
        "default_channel_id": 1,
        "default_site_id": 1000,
        "active_comparison_modules": [],
        "features": {
            "stencil_enabled": True,
            "sitewidehttps_enabled": True,
            "facebook_catalog_id": "",
            "checkout_type": "optimized",
            "wishlists_enabled": False,
            "graphql_storefront_api_enabled": True,
            "shopper_consent_tracking_enabled": False,
            "multi_storefront_enabled": True,
            "storefront_limits": {"active": 3, "total_including_inactive": 4},
        },
    }
