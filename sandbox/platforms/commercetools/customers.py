"""What shoppers and the merchant do with customers of a project: register, change, delete.

Source: openapi.yaml (``Customer``, ``CustomerCreatedMessage``, ``CustomerDeletedMessage``). A
deletion leaves nothing but its message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.kit.truth import TrueCustomer
from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.documents import new_id

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
EMPTY: Json = {
    "addresses": [],
    "shippingAddressIds": [],
    "billingAddressIds": [],
    "stores": [],
    "isEmailVerified": False,
    "authenticationMode": "Password",
    "customerGroupAssignments": [],
}


def put_customers(project: Project, rows: list[Json]) -> Json:
    """Register customers, or change those with a given id; ``at`` is the time of the change."""
    ids = []
    for given in rows:
        row = dict(given)
        moment = row.pop("at", None)
        stamp = normalised(moment) if moment else project.clock.now()
        row["addresses"] = (
            [{"id": new_id()[:8], **address} for address in row.get("addresses", [])]
            if "addresses" in row
            else None
        )
        row = {name: value for name, value in row.items() if value is not None}
        before = project.customers.get(row.get("id", ""))
        if before is None:
            made = {**project.envelope(), **EMPTY, **row, "lastModifiedAt": stamp}
            message = {"type": "CustomerCreated", "customer": made}
            project.keep(project.customers, made, [message], is_new=True)
        else:
            made = before | row
            messages = _messages(before, made)
            project.keep(project.customers, made, messages, at=stamp)
        ids.append(made["id"])
    return {"ids": ids}


def delete_customer(project: Project, identifier: str) -> Json:
    """Delete a customer."""
    customer = project.customers.need(identifier)
    project.customers.remove(identifier)
    project.note("customer", customer, {"type": "CustomerDeleted", "email": customer["email"]})
    return {}


def _messages(before: Json, after: Json) -> list[Json]:
    """Return the messages of a change, for the fields that have one."""
    named = (
        ("email", "CustomerEmailChanged"),
        ("firstName", "CustomerFirstNameSet"),
        ("lastName", "CustomerLastNameSet"),
        ("companyName", "CustomerCompanyNameSet"),
    )
    return [
        {"type": kind, name: after.get(name)}
        for name, kind in named
        if before.get(name) != after.get(name)
    ]


def true_customers(project: Project) -> list[TrueCustomer]:
    """Return all customers neutrally."""
    return [
        {
            "id": customer["id"],
            "active": True,
            "email": customer["email"],
            "first_name": customer.get("firstName", ""),
            "last_name": customer.get("lastName", ""),
            "addresses": sorted([a["id"], a.get("city", "")] for a in customer["addresses"]),
        }
        for customer in project.customers
    ]
