"""Batch rules of customers, for a frame with a row per customer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.customers import Customer
from domain.schemas.batch import Rule, booleans, failures, matches, texts

CUSTOMER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
RULES: dict[str, Rule] = {
    "customer_id_duplicate": Rule(
        "customer_id",
        "another customer of the batch has this id",
        "find out why the store sent it twice",
    ),
    "customer_id_form": Rule(
        "customer_id",
        "the id has characters that break OMS screens",
        "use plain letters in orders.order_id_prefix",
    ),
    "customer_unnamed": Rule(
        "email",
        "the customer has neither an e-mail address nor a name",
        "complete the customer in the store, or delete it there",
    ),
    "customer_address_duplicate": Rule(
        "addresses.address_id",
        "two addresses of the customer have the same id",
        "find out why the store sent the address twice",
    ),
}


class Customers(pa.DataFrameModel):
    """One row per customer."""

    customer_id: str
    is_named: bool
    has_address_twice: bool

    @pa.check("customer_id", name="customer_id_duplicate")
    def _unique(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ~ids.duplicated(keep=False)

    @pa.check("customer_id", name="customer_id_form")
    def _form(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return matches(ids, CUSTOMER_ID)

    @pa.check("is_named", name="customer_unnamed")
    def _named(cls, named: pd.Series[bool]) -> pd.Series[bool]:
        return named

    @pa.check("has_address_twice", name="customer_address_duplicate")
    def _addresses(cls, twice: pd.Series[bool]) -> pd.Series[bool]:
        return ~twice


def customer_problems(customers: Sequence[Customer]) -> Mapping[int, Sequence[Problem]]:
    """Return the problems of the failing customers by position."""
    frame = pd.DataFrame(
        {
            "customer_id": texts([customer.customer_id for customer in customers]),
            "is_named": booleans([_is_named(customer) for customer in customers]),
            "has_address_twice": booleans([_has_address_twice(one) for one in customers]),
        }
    )
    return failures(Customers, frame, RULES)


def _is_named(customer: Customer) -> bool:
    return customer.is_gone or bool(customer.email or customer.first_name or customer.last_name)


def _has_address_twice(customer: Customer) -> bool:
    ids = [address.address_id for address in customer.addresses]
    return len(set(ids)) < len(ids)
