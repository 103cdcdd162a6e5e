"""Orders of a commercetools project as the sandbox completes them, and their mapping."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import Order
from domain.rules.export import Decide, always
from resources.platforms.commercetools.orders.mapping import OrderMapper
from resources.platforms.commercetools.settings import CommercetoolsSettings
from sandbox.app import RunningSandbox
from sandbox.platforms.commercetools.documents import complete
from sandbox.system import Request
from tests.sandbox.simulated_project import AT, an_order

Json = dict[str, Any]


def settings(**changes: Any) -> CommercetoolsSettings:
    """Return the settings of the tests' project."""
    base: Json = {
        "project_key": "acme",
        "region": "europe-west1.gcp",
        "client_id": "lockstep",
        "client_secret": {"env": "COMMERCETOOLS_SECRET"},
    }
    return CommercetoolsSettings.model_validate(base | changes)


def connection(**sections: Any) -> Connection:
    """Return a connection's rules."""
    base: Json = {"platform": {"kind": "commercetools"}, "oms": {"kind": "manhattan"}}
    return Connection.model_validate(base | sections)


def order(**changes: Any) -> Json:
    """Return a whole order that maps without a problem, with some fields changed."""
    given = an_order(**changes)
    payments = given.pop("payments", [])
    document = complete(given, AT)
    references = [{"typeId": "payment", "id": f"p{i}", "obj": p} for i, p in enumerate(payments)]
    for reference in references:
        _complete_payment(reference["obj"], document["totalPrice"]["currencyCode"])
    return document | {"paymentInfo": {"payments": references}}


def calls_to_orders(sandbox: RunningSandbox, project: str) -> list[str]:
    """Return a list that gets the method of each call to a single order from now on."""
    system, calls = sandbox.server.systems["commercetools", project], list[str]()
    answer = system.handle

    def handle(request: Request) -> Any:
        if "/orders/" in request.path:
            calls.append(request.method)
        return answer(request)

    system.handle = handle  # type: ignore[method-assign]
    return calls


def _complete_payment(payment: Json, currency: str) -> None:
    holders = [(payment, "amountPlanned"), *((t, "amount") for t in payment["transactions"])]
    for holder, name in holders:
        amount = holder[name]
        if not isinstance(amount, dict):
            holder[name] = cents(amount, currency)


def cents(amount: Any, currency: str = "USD", digits: int = 2) -> Json:
    """Return an amount in the major unit as money."""
    return {
        "type": "centPrecision",
        "currencyCode": currency,
        "fractionDigits": digits,
        "centAmount": round(float(amount) * 10**digits),
    }


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


def warnings(document: object, **changes: Any) -> dict[str, Problem]:
    """Return the warnings about an order, by code."""
    result = result_of(document, **changes)
    assert isinstance(result, Mapped)
    return {warning.code: warning for warning in result.warnings}


def rejected(document: object, **changes: Any) -> dict[str, Problem]:
    """Map an order that is rejected; return its problems by code."""
    with pytest.raises(RecordRejected) as raised:
        result_of(document, **changes)
    assert all(problem.message and problem.advice for problem in raised.value.problems)
    return {problem.code: problem for problem in raised.value.problems}
