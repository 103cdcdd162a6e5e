"""Orders, settings and payloads that the tests of the Manhattan connector share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import convert

from domain.addressing.addresses import Address
from domain.connections import Connection
from domain.policies import SecretRef
from domain.records.orders import (
    Charge,
    ChargeKind,
    Customer,
    DeliveryMethod,
    Discount,
    FulfilmentGroup,
    Order,
    OrderLine,
    Payment,
    PaymentTransaction,
    Tax,
)
from resources.oms.manhattan.settings import ManhattanSettings

ADDRESS = Address(
    "Ada",
    "Osei",
    "Osei Tools",
    "1 Mill Lane",
    "",
    "Austin",
    "US-TX",
    "Texas",
    "78701",
    "US",
    "+15125550100",
    "",
    "",
    "ada@example.com",
)
SHIP = FulfilmentGroup(
    group_id="7", method=DeliveryMethod.SHIP, shipping_method="Ground", address=ADDRESS
)
PICKUP = FulfilmentGroup(group_id="8", method=DeliveryMethod.PICKUP, location="STORE1")
EMAIL = FulfilmentGroup(
    group_id="9", method=DeliveryMethod.EMAIL, recipient_email="gift@example.com"
)


def settings_of(
    base_url: str = "http://127.0.0.1:9/manhattan/acme", **changes: Any
) -> ManhattanSettings:
    """Build settings of a sandbox tenant."""
    values: dict[str, Any] = {
        "base_url": base_url,
        "token_url": f"{base_url}/oauth/token",
        "client_id": "lockstep",
        "client_secret": SecretRef(env="MANHATTAN_CLIENT_SECRET"),
        "username": "sync",
        "password": SecretRef(env="MANHATTAN_PASSWORD"),
        "organization": "SANDBOX",
        "requests_per_second": 2000,
    }
    return ManhattanSettings(**{**values, **changes})


def connection_of(**sections: Any) -> Connection:
    """Build a connection of sections such as ``orders={"order_id_prefix": "T-"}``."""
    return Connection.model_validate(
        {"platform": {"kind": "bigcommerce"}, "oms": {"kind": "manhattan"}, **sections}
    )


def line_of(
    line_id: str = "1",
    sku: str = "SKU-1",
    quantity: str = "2",
    price: str = "19.99",
    **changes: Any,
) -> OrderLine:
    """Build a line whose total is quantity times price."""
    total = Decimal(quantity) * Decimal(price)
    values: dict[str, Any] = {
        "line_id": line_id,
        "sku": sku,
        "quantity": quantity,
        "uom": "EA",
        "unit_price": price,
        "line_total": total,
    }
    return convert({**values, "group_id": "7", **changes}, OrderLine)


def order_of(order_id: str = "T-1001", **changes: Any) -> Order:
    """Build an order of two lines with discounts, taxes, shipping and an authorised payment.

    It adds up unless ``changes`` undo that.
    """
    lines = (
        line_of(
            "1",
            "SKU-1",
            discounts=(Discount(discount_id="5", amount=Decimal("2.00"), code="SPRING"),),
            taxes=(_tax("3.13"),),
        ),
        line_of("2", "SKU-2", quantity="1", price="5.10", taxes=(_tax("0.42"),)),
    )
    authorization = PaymentTransaction(
        transaction_id="31",
        kind="authorization",
        amount=Decimal("54.04"),
        reference="auth-9",
        succeeded=True,
    )
    values: dict[str, Any] = {
        "order_id": order_id,
        "source_id": order_id.removeprefix("T-"),
        "number": order_id.removeprefix("T-"),
        "store": "acme",
        "channel": "Web",
        "ordered_at": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        "currency": "USD",
        "tax_included": False,
        "customer": Customer(
            customer_id="17",
            email="ada@example.com",
            first_name="Ada",
            last_name="Osei",
            phone_e164="+15125550100",
        ),
        "billing": ADDRESS,
        "groups": (SHIP,),
        "lines": lines,
        "charges": (
            Charge(
                charge_id="s7",
                kind=ChargeKind.SHIPPING,
                name="Ground",
                amount=Decimal("7.00"),
                tax=Decimal("0.41"),
                group_id="7",
            ),
        ),
        "payments": (
            Payment(
                payment_id="p1",
                method="Credit Card",
                source_method="card",
                amount=Decimal("54.04"),
                transactions=(authorization,),
            ),
        ),
        "total": "54.04",
        "total_tax": "3.96",
    }
    return convert({**values, **changes}, Order)


def _tax(amount: str) -> Tax:
    return Tax(tax_id="t1", name="Sales tax", amount=Decimal(amount), rate=Decimal("0.0825"))


def published(
    order_id: str = "T-1001", *lines: dict[str, Any], **attributes: Any
) -> dict[str, Any]:
    """Build an order as the OMS publishes it, with one open line unless lines are given."""
    return {
        "OrderId": order_id,
        "AlternateOrderId": order_id.removeprefix("T-"),
        "UpdatedTimestamp": "2026-03-04T05:06:07.123",
        "OrderLine": list(lines) or [published_line()],
        **attributes,
    }


def published_line(
    line_id: str = "1", *units: tuple[object, object], **attributes: Any
) -> dict[str, Any]:
    """Build a published line with its units as (status, quantity)."""
    units = units or (("1000", 2),)
    return {
        "OrderLineId": line_id,
        "ItemId": f"SKU-{line_id}",
        "Quantity": 2,
        "QuantityDetail": [
            {"StatusId": status, "Quantity": quantity} for status, quantity in units
        ],
        **attributes,
    }


def shipped_detail(detail_id: str | None = "F1", **attributes: Any) -> dict[str, Any]:
    """Build a fulfilment detail of two shipped units."""
    return {
        "FulfillmentDetailId": detail_id,
        "ItemId": "SKU-1",
        "Quantity": 2,
        "StatusId": "7000.000",
        "PackageId": "P1",
        "TrackingNumber": "1Z5R89390357567127",
        "CarrierCode": "UPSN",
        "FulfillmentDate": "2026-03-05T10:00:00.000",
        **attributes,
    }
