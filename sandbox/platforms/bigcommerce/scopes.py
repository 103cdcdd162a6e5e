"""The scopes that calls need, by the section "OAuth scopes" of each OpenAPI file.

A scope that modifies also reads. ``/v2/time`` and ``/v3/hooks`` need none.
"""

from __future__ import annotations

CHANNELS = ("store_channel_listings", "store_channel_settings", "store_sites")
EVERY = (
    "store_v2_orders",
    "store_v2_transactions",
    "store_v2_products",
    "store_v2_customers",
    "store_inventory",
    "store_locations",
    "store_v2_information",
    *CHANNELS,
)
READ_ONLY = "_read_only"


def lacking(
    granted: frozenset[str], method: str, version: str, family: str, rest: list[str]
) -> str:
    """Return the scope that a call needs and the token lacks; an empty text if it lacks none."""
    needed = _needed(version, family, rest)
    suffix = READ_ONLY if method == "GET" else ""
    if not needed or not granted.isdisjoint({*needed, *(name + suffix for name in needed)}):
        return ""
    return needed[0] + suffix


def _needed(version: str, family: str, rest: list[str]) -> tuple[str, ...]:
    """Return the scopes one of which a call needs, in their form that modifies."""
    match version, family, rest:
        case "v3", "orders", [_, "transactions", *_]:
            return ("store_v2_transactions",)
        case "v3", "orders", [*_, "payment_actions", _] | ["payment_actions", *_]:
            return ("store_v2_orders", "store_v2_transactions")
        case _, "orders" | "order_statuses", _:
            return ("store_v2_orders",)
        case "v3", "customers", _:
            return ("store_v2_customers",)
        case "v3", "catalog" | "pricelists", _:
            return ("store_v2_products",)
        case "v3", "inventory", ["locations"] | ["locations", _]:
            return ("store_locations",)
        case "v3", "inventory", _:
            return ("store_inventory",)
        case "v3", "channels", _:
            return CHANNELS
        case "v2", "store", _:
            return ("store_v2_information",)
    return ()
