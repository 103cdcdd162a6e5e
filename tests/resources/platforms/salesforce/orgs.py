"""Orders of a Salesforce org as the simulated org answers the connector's own query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import Order
from domain.rules.export import Decide, always
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.retries import RetryPolicy
from resources.platforms.salesforce.fields import customer_fields, order_fields
from resources.platforms.salesforce.orders.mapping import OrderMapper
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.soql import select
from tests.sandbox.simulated_org import PLACE, Caller

Json = dict[str, Any]


def settings(**changes: Any) -> SalesforceSettings:
    """Return the settings of the tests' org."""
    base: Json = {
        "my_domain": "https://acme.my.salesforce.com",
        "client_id": "lockstep",
        "client_secret": {"env": "SALESFORCE_SECRET"},
        "reads_pickup_location": True,
        "pickup_methods": ["Collect"],
        "digital_methods": ["Email"],
        "gift_wrap_names": ["Gift wrap"],
        "description_note": "customer",
    }
    return SalesforceSettings.model_validate(base | changes)


def connection(**sections: Any) -> Connection:
    """Return a connection's rules."""
    base: Json = {"platform": {"kind": "salesforce"}, "oms": {"kind": "manhattan"}}
    return Connection.model_validate(base | sections)


def order(**changes: Any) -> Json:
    """Return a whole order that maps without a problem, placed with some fields changed."""
    caller = Caller()
    caller.place("1001", **changes)
    found: Json = caller.query(select(order_fields(settings()), "OrderSummary"))["records"][0]
    return found


def account(**changes: Any) -> Json:
    """Return an account with a contact and an address."""
    caller = Caller()
    row = {
        "FirstName": "Jane",
        "LastName": "Doe",
        "Email": "jane.doe@example.com",
        "Phone": "+1 512-555-0100",
        "addresses": [PLACE | {"Name": "Jane Doe"}],
    }
    caller.control("customers", [row | changes])
    text = select(customer_fields(settings()), "Account")
    found: Json = caller.query(text)["records"][0]
    return found


def result_of(document: object, decide: Decide = always, **changes: Any) -> Mapped[Order] | Skipped:
    """Map an order."""
    mapper = OrderMapper(settings(**changes), connection().addresses)
    return mapper.to_order(orjson.dumps(document), decide)


def mapped(document: object, **changes: Any) -> Order:
    """Map an order that is sent; its parts add up to its total."""
    result = result_of(document, **changes)
    assert isinstance(result, Mapped)
    total, tax = result.record.computed_sums()
    assert (total, tax) == (result.record.total, result.record.total_tax)
    return result.record


def rejected(document: object, **changes: Any) -> dict[str, Problem]:
    """Map an order that is rejected; return its problems by code."""
    with pytest.raises(RecordRejected) as raised:
        result_of(document, **changes)
    assert all(problem.message and problem.advice for problem in raised.value.problems)
    return {problem.code: problem for problem in raised.value.problems}


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> ApiClient:
    """Build a client whose calls are answered in this process, by nothing but a function."""
    policy = ClientPolicy(
        system="salesforce",
        base_url=settings().my_domain + settings().data_path,
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=10_000, window_seconds=1),
        retry=RetryPolicy(attempts=2, base=0.001, cap=0.001),
    )
    return ApiClient(policy, transport=httpx.MockTransport(answer))
