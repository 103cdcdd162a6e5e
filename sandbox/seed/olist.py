"""The public Olist tables as orders of a BigCommerce store.

Files, plain or ``.gz``, are named ``orders.csv`` or as published (``olist_orders_dataset.csv``),
likewise ``customers``, ``order_items``, ``order_payments``, ``products``;
``product_category_name_translation`` is used if present, ``sellers`` is not needed. The mapping:

==========================  ======================================================================
Olist                       order document
==========================  ======================================================================
order_id                    ``external_order_id``; ``id`` = 1001, 1002, ... by (purchase time,
                            order_id), stable for a folder
order_purchase_timestamp    ``date_created`` (as UTC; equal to ``date_modified`` if it is not a
                            time; such orders come last)
order_approved_at           ``date_modified``, else the purchase time, else the newest time in the
                            table
order_status                as the OMS needs it at that time: canceled 5, created 7; approved,
                            invoiced, processing, shipped, delivered, unavailable 11 (paid, to be
                            fulfilled); anything else 12 (manual verification); the text itself in
                            ``staff_notes``
items of one product,       one line, ``quantity`` = their number, ``sku`` = product_id, seller as
seller, price               the option ``Seller``
no items                    no lines: unusual for a store, but present in the data
freight_value               summed into the shipping cost of the only shipping address, method
                            ``Correios``
payments                    one transaction each: credit_card = authorization, debit_card and
                            boleto = purchase, voucher = gift certificate (and
                            ``gift_certificate_amount``), others ``custom``; gateway ids are derived
                            from the order id
sum of payments             ``total_inc_tax``, since that is what the shopper paid; where items +
                            freight differ, the order does not add up, as in the data. Without
                            payments the computed total is used
customer city, state, zip   unchanged, including lost leading zeros; country ``Brazil``/``BR``
prefix
customer_unique_id          ``customer_id`` (numbered by first appearance), and eight characters as
                            the last name
names, street, e-mail       not published: ``Cliente``, ``Endereco nao publicado``, an address of
                            the reserved domain ``example``
products.csv                catalogue and item master, ample stock at ``DC1``; a product missing
                            there is unknown to both
==========================  ======================================================================

Prices are BRL and include tax; the data names no taxes. Texts that are not amounts are kept in the
document. Memory is bounded by the orders table: of the others only rows of its orders are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox.seed.amounts import ZERO, Amount, parse, to_decimal, to_text
from sandbox.seed.documents import order_document
from sandbox.seed.drafts import Address, Draft, Line
from sandbox.seed.olist_tables import Item, Payment, Tables, read_tables
from sandbox.seed.seedset import (
    Document,
    SeedSet,
    ample_supply,
    oms_item,
    oms_location,
    store_location,
    store_product,
)
from sandbox.seed.tables import moment

CURRENCY = "BRL"
FIRST_ID = 1001
STATUS = dict.fromkeys(
    ("approved", "invoiced", "processing", "shipped", "delivered", "unavailable"), 11
) | {"canceled": 5, "created": 7}
UNKNOWN_STATUS = 12
# payment_type -> (event, method, gateway, the store's display name)
PAYMENTS = {
    "credit_card": ("authorization", "credit_card", "adyen", "Cartao de credito"),
    "debit_card": ("purchase", "credit_card", "adyen", "Cartao de debito"),
    "boleto": ("purchase", "offline", "bankdeposit", "Boleto"),
    "voucher": ("purchase", "gift_certificate", "giftcertificate", "Vale"),
}
OTHER_PAYMENT = ("purchase", "custom", "custom", "Outro")


def read(folder: Path, whole_catalogue: bool = False) -> SeedSet:
    """Read a folder of Olist tables; the catalogue has the products ordered, or all of them.

    Raises ValueError naming the tables that are missing.
    """
    tables = read_tables(folder, whole_catalogue)
    _count(tables)
    days = [at.date() for order in tables.orders.values() if (at := _modified(order, tables))]
    dc, skus = "DC1", list(tables.products)
    return SeedSet(
        name="olist",
        documents=lambda: _documents(tables),
        products=[
            store_product(number, sku, name, "0.0000")
            for sku, (number, name) in tables.products.items()
        ],
        items=[oms_item(sku, name) for sku, (_, name) in tables.products.items()],
        supply=ample_supply(skus, dc),
        locations=[oms_location(dc, "DC")],
        store_locations=[store_location(1, dc, "Centro de distribuicao", "BR")],
        currency=CURRENCY,
        first_day=min(days, default=tables.newest.date()),
        last_day=max(days, default=tables.newest.date()),
        unreadable=tables.unreadable,
        counts=dict(tables.counts),
    )


def _count(tables: Tables) -> None:
    counts = tables.counts
    counts["orders"] = len(tables.orders)
    counts["unreadable"] = len(tables.unreadable)
    for key, order in tables.orders.items():
        items, payments = tables.items.get(key, []), tables.payments.get(key, [])
        goods = sum(
            (
                to_decimal(parse(price)) + to_decimal(parse(freight))
                for _, _, price, freight in items
            ),
            ZERO,
        )
        counts[f"status_{STATUS.get(order.get('order_status', ''), UNKNOWN_STATUS)}"] += 1
        counts["without_items"] += not items
        counts["without_payments"] += not payments
        counts["several_payments"] += len(payments) > 1
        counts["total_not_matching"] += bool(payments) and goods != _paid(payments)
        counts["product_unknown"] += any(item[0] not in tables.products for item in items)


def _totals(payments: list[Payment]) -> dict[str, str]:
    vouchers = sum((to_decimal(parse(raw)) for _, kind, raw in payments if kind == "voucher"), ZERO)
    paid = to_text(_paid(payments))
    return {
        "total_inc_tax": paid,
        "total_ex_tax": paid,
        "gift_certificate_amount": to_text(vouchers),
    }


def _paid(payments: list[Payment]) -> Decimal:
    return sum((to_decimal(parse(raw)) for _, _, raw in payments), ZERO)


def _modified(order: dict[str, str], tables: Tables) -> datetime:
    return (
        moment(order.get("order_approved_at", ""))
        or moment(order.get("order_purchase_timestamp", ""))
        or tables.newest
    )


def _documents(tables: Tables) -> Iterator[Document]:
    for number, key in enumerate(tables.sequence, FIRST_ID):
        yield order_document(_draft(number, key, tables))


def _draft(number: int, key: str, tables: Tables) -> Draft:
    order, items, payments = (
        tables.orders[key],
        tables.items.get(key, []),
        tables.payments.get(key, []),
    )
    modified = _modified(order, tables)
    created = moment(order.get("order_purchase_timestamp", "")) or modified
    customer_id, unique, city, state, zip_prefix = tables.customers.get(
        order.get("customer_id", ""), (0, "", "", "", "")
    )
    place = _place(unique, city, state, zip_prefix, number)
    status = order.get("order_status", "")
    lines = _lines(items, tables)
    extra: dict[str, Any] = {
        "external_order_id": key,
        "staff_notes": f"Olist status: {status}",
        "customer_locale": "pt-BR",
        "external_source": "olist",
    }
    if payments:
        extra |= _totals(payments)
    return Draft(
        id=number,
        status=STATUS.get(status, UNKNOWN_STATUS),
        created=created,
        modified=modified,
        currency=CURRENCY,
        inclusive=True,
        customer_id=customer_id,
        billing=place | {"form_fields": []},
        lines=lines,
        addresses=[Address(place, "Correios", _freight(items))],
        transactions=[_transaction(key, payment, modified) for payment in payments],
        payment_method=_display(payments),
        payment_status=_payment_status(status, payments),
        extra=extra,
    )


def _place(unique: str, city: str, state: str, zip_prefix: str, number: int) -> dict[str, Any]:
    return {
        "first_name": "Cliente",
        "last_name": unique,
        "company": "",
        "street_1": "Endereco nao publicado",
        "street_2": "",
        "city": city,
        "state": state,
        "zip": zip_prefix,
        "country": "Brazil",
        "country_iso2": "BR",
        "phone": "",
        "email": f"cliente-{unique or number}@olist.example",
    }


def _lines(items: list[Item], tables: Tables) -> list[Line]:
    groups = Counter((product, seller, price) for product, seller, price, _ in items)
    lines: list[Line] = []
    for (product, seller, price), quantity in groups.items():
        number, name = tables.products.get(product, (0, f"produto {product[:8]}"))
        lines.append(
            Line(
                product,
                name,
                parse(price),
                quantity,
                number,
                number,
                options=[("Seller", seller)] if seller else [],
            )
        )
    return lines


def _freight(items: list[Item]) -> Amount:
    amounts = [parse(freight) for *_, freight in items]
    texts = [amount for amount in amounts if isinstance(amount, str)]
    return texts[0] if texts else sum((to_decimal(amount) for amount in amounts), ZERO)


def _transaction(key: str, payment: Payment, at: datetime) -> dict[str, Any]:
    sequence, kind, raw = payment
    event, method, gateway, _ = PAYMENTS.get(kind, OTHER_PAYMENT)
    amount = parse(raw)
    return {
        "event": event,
        "method": method,
        "gateway": gateway,
        # The specification has a JSON number here; a text that is not an amount is kept.
        "amount": amount if isinstance(amount, str) else float(amount),
        "gateway_transaction_id": sha256(f"{key}:{sequence}:{kind}".encode()).hexdigest()[:20],
        "date_created": at.isoformat(),
        "status": "ok",
        "test": False,
        "fraud_review": False,
    } | ({"custom": {"payment_method": kind}} if method == "custom" else {})


def _display(payments: list[Payment]) -> str:
    if not payments:
        return ""
    largest = max(payments, key=lambda payment: to_decimal(parse(payment[2])))
    return PAYMENTS.get(largest[1], OTHER_PAYMENT)[3]


def _payment_status(status: str, payments: list[Payment]) -> str:
    if not payments or status == "created":
        return "pending"
    if status == "canceled":
        return "void"
    return "authorized" if any(kind == "credit_card" for _, kind, _ in payments) else "captured"
