"""Settings of the simulated tenant; defaults follow oms.md, else our assumptions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any
from zoneinfo import available_timezones

_CHOICES = {
    "status_style": ("plain", "decimal", "mixed"),
    "check_uom": ("error", "warning", "off"),
    "save_answer": ("compact", "full"),
}

_CANCEL_REASONS = (
    "Customer Request",
    "Out Of Stock",
    "Payment Declined",
    "Suspected Fraud",
    "Merchant Request",
)


def _reasons() -> list[dict[str, Any]]:
    return [
        {"ReasonId": reason, "ReasonTypeId": "Cancel", "Description": reason}
        for reason in _CANCEL_REASONS
    ]


def _configuration() -> dict[str, list[str]]:
    return {
        "DocTypeId": ["CustomerOrder"],
        "OrderTypeId": ["Web", "Store", "Phone", "Return"],
        "DeliveryMethodId": [
            "ShipToAddress", "PickUpAtStore", "ShipToStore", "Email", "StoreSale", "StoreReturn",
            "ShipToReturnCenter",
        ],
        "ChargeTypeId": [
            "Shipping", "Handling", "GiftWrap", "Fee", "Discount", "promotion", "Rounding",
        ],
        "DiscountOnId": ["ItemPrice", "Charges"],
        "TaxTypeId": ["Sales", "VAT"],
        "NoteTypeId": ["Customer", "Internal", "GiftMessage"],
        "PaymentTransactionTypeId": ["Authorization", "Settlement", "Refund", "Void"],
        "PaymentTransactionStatusId": ["Open", "Closed"],
        "PaymentResponseStatusId": ["Success", "Failure"],
        "ProcessingModeId": ["ExternalProcessing"],
    }  # fmt: skip


@dataclass(slots=True)
class Settings:
    """Behaviour of one tenant."""

    client_id: str = "lockstep"
    client_secret: str = "sandbox-secret"
    username: str = "sync"
    password: str = "sandbox-password"
    token_seconds: int = 3600
    org_id: str = "SANDBOX"
    business_error_status: int = 400
    """HTTP code of a refused request; the vendor's own is unverified (oms.md 1.2)."""
    save_answer: str = "compact"
    """``compact`` or ``full``: how much of the saved order a save returns."""
    status_style: str = "plain"
    """``7000``, ``7000.000``, or both in one body (oms.md 1.6)."""
    currencies: list[str] | None = None
    """``None`` = every ISO 4217 code."""
    check_items: bool = True
    check_uom: str = "error"
    """``error``, ``warning`` or ``off``: the result of a UOM that the item does not have."""
    shipping_methods: list[str] | None = field(
        default_factory=lambda: [
            "Standard",
            "Ground",
            "Express",
            "TwoDay",
            "NextDay",
            "Pickup",
            "Email",
        ]
    )
    """An id outside the list is a WARNING: Manhattan does not check it at creation (oms.md 1.4).

    ``None`` = all known.
    """
    payment_types: list[str] | None = field(
        default_factory=lambda: ["Credit Card", "Gift Card", "PayPal", "Cash", "Check", "Other"]
    )
    """A type outside the list is an ERROR inside ``success:true`` (oms.md 1.2)."""
    configuration: dict[str, list[str]] = field(default_factory=_configuration)
    """Attribute -> the ids that the tenant has configured: any other one is refused.

    An attribute that is not listed takes any id.
    """
    requests_per_second: int = 0
    """Above it, with bursts of twice as many, requests are answered 429; 0 = no limit.

    The vendor publishes none (oms.md 1.10).
    """
    reasons: list[dict[str, Any]] = field(default_factory=_reasons)
    late_cancellation: bool = False
    stale_reads: int = 0
    """This many reads after each change still return the previous version."""
    max_page_size: int = 1000
    max_items: int = 100
    """Most items in one availability call."""
    ignore_case: bool = False
    """Availability is found for an item whatever its case, and stated under its own id."""
    reserve_on_create: bool = True
    """Whether open, unallocated demand lowers the network view."""
    views: dict[str, dict[str, Any]] | None = None
    """View name -> ``{"locations": [ids] | null, "protection": {item: n}}``.

    ``None`` = any name, all locations.
    """
    time_zone: str = "UTC"
    """Zone of stamps, which name none: elsewhere they go back when its clocks do (oms.md 1.7)."""
    limited_below: int = 0
    """Availability up to this is StatusCode 1 (unverified in oms.md 1.8); 0 = never."""
    default_location: str = "DC1"
    push_url: str | None = None
    """Where the event of each changed order is sent."""
    push_secret: str = "sandbox-push-secret"
    status_names: dict[str, str] = field(default_factory=dict)
    """Renamed status descriptions by status id (oms.md 1.6: never match on text)."""

    def update(self, changes: dict[str, Any]) -> None:
        """Change settings; raises ValueError for an unknown name or a value of the wrong type."""
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            default = getattr(_DEFAULTS, name)
            if value is not None and default is not None and type(value) is not type(default):
                raise ValueError(
                    f"setting {name!r} takes a {type(default).__name__}, not {value!r}"
                )
        if (zone := changes.get("time_zone")) is not None and zone not in available_timezones():
            raise ValueError(f"time_zone {zone!r} is not known; use a name such as Europe/Berlin")
        for name, choices in _CHOICES.items():
            if name in changes and changes[name] not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {changes[name]!r}")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings, for the snapshot and for control."""
        return asdict(self)


_DEFAULTS = Settings()
