"""The customer component: save, an upsert by ``CustomerId``, and search.

The contract names the calls ``save``, ``import`` and ``bulkImport``, ``CustomerId`` (from outside,
or generated) and ``IsActive`` (oms.md 1.11). The other attributes, the search, and that a partial
save changes only what it names are our assumption, modelled on the order component.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.kit.truth import TrueCustomer
from sandbox.oms.manhattan.bodies import parse_object, parse_page, rows_in, text_in
from sandbox.oms.manhattan.envelope import Refused, answer, error, paged
from sandbox.oms.manhattan.query import parse_query
from sandbox.oms.manhattan.state import State
from sandbox.system import Request, Response

Json = dict[str, Any]
KEY, LIST, LIST_KEY = "CustomerId", "CustomerAddress", "AddressId"
LONGEST_ID = 100


@dataclass(slots=True)
class CustomerRecord:
    """One customer, and what has been done to it."""

    document: Json
    creates: int = 1
    saves: int = 1
    correlations: list[str] = field(default_factory=list)


def save_customer(state: State, request: Request) -> Response:
    """Create or change one customer."""
    body = parse_object(request)
    customer_id = text_in(body, KEY)
    if not customer_id or len(customer_id) > LONGEST_ID:
        raise Refused(error("MISSING_ATTRIBUTE", "CustomerId is missing or too long", field=KEY))
    organization = body.get("OrgId", state.settings.org_id)
    if organization != state.settings.org_id:
        raise Refused(error("INVALID_ATTRIBUTE", "OrgId is another organisation's", field="OrgId"))
    addresses = rows_in(body, LIST)
    for address in addresses:
        if not text_in(address, LIST_KEY):
            raise Refused(error("MISSING_ATTRIBUTE", "AddressId is missing", field=LIST_KEY))
    email = body.get("Email")
    if email is not None and (not isinstance(email, str) or "@" not in email):
        text = f"{email} is not an e-mail address"
        raise Refused(error("INVALID_EMAIL", text, field="Email", keys={KEY: customer_id}))
    record = state.customers.get(customer_id)
    if record is None:
        record = state.customers[customer_id] = CustomerRecord({KEY: customer_id, "IsActive": True})
        state.counts["customer.creates"] += 1
    else:
        record.saves += 1
    _merge(record.document, body, addresses)
    record.document["UpdatedTimestamp"] = state.clock.now()
    state.counts["customer.saves"] += 1
    correlation_id = request.headers.get("x-correlation-id")
    if correlation_id and correlation_id not in record.correlations:
        record.correlations.append(correlation_id)
    return answer({KEY: customer_id, "IsActive": record.document.get("IsActive")})


def search_customers(state: State, request: Request) -> Response:
    """Answer the search by attributes, sorted by id."""
    body, page, size = parse_page(request, state.settings.max_page_size)
    conditions = parse_query(body.get("Query"))
    wanted = next(
        (c.values for c in conditions if c.attribute == KEY and c.operator in ("=", "in")), None
    )
    names = state.customers if wanted is None else set(wanted) & state.customers.keys()
    found = [state.customers[name].document for name in sorted(names)]
    found = [row for row in found if all(c.holds(row.get(c.attribute)) for c in conditions)]
    return paged(found[page * size : (page + 1) * size], len(found), page, size)


def _merge(document: Json, body: Json, addresses: list[Json]) -> None:
    """Change the attributes that a save names; null clears, and addresses merge by their ids."""
    for name, value in body.items():
        if name == LIST:
            continue
        if value is None:
            document.pop(name, None)
        else:
            document[name] = value
    known = {entry[LIST_KEY]: entry for entry in document.get(LIST, ())}
    for address in addresses:
        entry = known.setdefault(address[LIST_KEY], {LIST_KEY: address[LIST_KEY]})
        inner = {**entry.get("Address", {}), **(address.get("Address") or {})}
        entry |= address
        entry["Address"] = {name: value for name, value in inner.items() if value is not None}
    if known:
        document[LIST] = list(known.values())


def edit_customers(state: State, rows: list[Json]) -> Json:
    """Change customers as the tenant's staff do, by attribute."""
    for row in rows:
        _merge(state.customers[row[KEY]].document, row, row.get(LIST, []))
    return {"customers": len(rows)}


def remove_customers(state: State, names: list[str]) -> Json:
    """Remove customers, which no call of the vendor does, but a restored database."""
    for name in names:
        del state.customers[name]
    return {"customers": len(state.customers)}


def true_customers(state: State) -> list[TrueCustomer]:
    """Return all customers neutrally."""
    return [_true(name, record.document) for name, record in state.customers.items()]


def _true(name: str, document: Json) -> TrueCustomer:
    return {
        "id": name,
        "active": document.get("IsActive") is True,
        "email": document.get("Email") or "",
        "first_name": document.get("FirstName") or "",
        "last_name": document.get("LastName") or "",
        "addresses": sorted(
            [entry[LIST_KEY], entry["Address"].get("City") or ""]
            for entry in document.get(LIST, ())
            if entry.get("IsActive") is not False
        ),
    }


def customers_in(state: State) -> list[Json]:
    """Return all customers with what has been done to them."""
    return [asdict(record) for record in state.customers.values()]


def restore_customers(state: State, kept: list[Json]) -> None:
    """Restore what ``customers_in`` returned."""
    state.customers = {row["document"][KEY]: CustomerRecord(**row) for row in kept}
