"""Settings of the simulated account; defaults follow oms.md, else our assumptions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Settings:
    """Behaviour of one account."""

    cart_user: str = "cart-user"
    cart_key: str = "sandbox-cart-key"
    merchant_user: str = "merchant-user"
    merchant_key: str = "sandbox-merchant-key"
    bucket: int = 100
    """Calls that the leaky bucket holds; 0: no limit."""
    refill_seconds: float = 0.6
    most_rows: int = 100
    error_text: str = "message"
    """``status_message`` in the older form of errors."""
    check_money: bool = True
    """Refuse an order whose amounts do not add up by the vendor's rules."""
    partial_status: str = "partial"
    """What a partly shipped order shows: UNVERIFIED, as ``partial`` is only named as a list."""
    wms_cancels: bool = True
    """Whether the WMS takes cancellations of orders that it has."""
    wms_cancel_is_late: bool = False
    """The WMS only accepts the request; control decides it later."""
    ship_codes: list[str] | None = None
    """Codes that are mapped to the WMS; an order with any other becomes an error. All, if null."""

    def update(self, changes: dict[str, Any]) -> None:
        """Change settings; raises ValueError for an unknown name or a value of the wrong type."""
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            default = getattr(_DEFAULTS, name)
            if default is not None and type(value) is not type(default):
                raise ValueError(
                    f"setting {name!r} takes a {type(default).__name__}, not {value!r}"
                )
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings, for the snapshot and for control."""
        return asdict(self)


_DEFAULTS = Settings()
