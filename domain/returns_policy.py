"""The policy of a connection's returns: who gives money back, and up to which amount by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.policies import Config, Money, SecretRef


class RefundService(Config):
    """A payment service of the merchant's own that gives money back (docs/returns.md)."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    """Where refunds are posted to, and listed by their order."""
    token: SecretRef
    """Sent as ``Authorization: Bearer``."""
    key_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] = (
        "Idempotency-Key"
    )
    """The header of the idempotency key."""
    shown_in_store: bool = False
    """The service's refunds appear in the store, too: there they don't count as made by hand."""
    timeout: float = Field(default=30.0, gt=0)
    requests_per_second: int = Field(default=10, ge=1)


class ReturnsPolicy(Config):
    """What happens to returns that the OMS has confirmed."""

    refunds: Literal["platform", "service", "none"] = "platform"
    """Which payment service gives the money back: the store's own, ``service``, or ``none``.

    With ``none`` returns are read and recorded, and Lockstep moves no money.
    """
    service: RefundService | None = None
    """The payment service, where ``refunds`` is ``service``."""
    limits: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")], Money] = Field(
        default_factory=dict
    )
    """Currency -> the largest refund that is refunded without approval.

    A larger one, and any in a currency that is not listed, waits for an operator's approval.
    """
    approve: Literal["above_limit", "always"] = "above_limit"
    """``always``: every refund waits for approval, whatever the limits are."""

    @model_validator(mode="after")
    def _served(self) -> Self:
        if (self.refunds == "service") != (self.service is not None):
            raise ValueError("name a payment service in returns.service with refunds: service only")
        return self

    def ceiling(self, currency: str) -> Decimal:
        """Return the largest refund in a currency that needs no approval; 0: all need it."""
        return Decimal(0) if self.approve == "always" else self.limits.get(currency, Decimal(0))
