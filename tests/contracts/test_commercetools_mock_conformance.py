"""The tests of the conformance suite that the simulation which is not ours can run.

It has no faults to set, no messages, and takes any credentials, so the suite's tests of faults,
secrets and logged headers run against the sandbox only. Orders and customers are both read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from domain.exchange import ShipmentLine, ShipmentRequest
from domain.ports import CommercePlatform
from domain.sources import Source
from resources.http.policy import RetryPolicy
from resources.http.rate_limit import LocalQuota
from resources.platforms.commercetools.adapter import build
from resources.platforms.commercetools.orders.groups import MAIN
from tests.conformance.platforms import commercetools as simulated
from tests.conformance.systems import SimulatedStore
from tests.conformance.test_faults import test_a_healthy_system_passes_the_preflight
from tests.conformance.test_lookups import (
    test_a_store_order_shows_its_progress,
    test_orders_are_read_by_id_exactly_as_in_a_window,
)
from tests.conformance.test_parts import (
    test_a_built_system_has_the_parts_of_its_registry,
    test_a_read_of_changes_is_never_complete,
    test_a_store_declares_the_statuses_of_its_orders,
    test_a_stores_catalog_is_complete_at_its_end,
)
from tests.conformance.test_reading import (
    test_a_window_includes_its_start_and_not_its_end,
    test_mapping_the_same_payload_twice_gives_the_same_record,
    test_records_that_move_while_they_are_read_are_not_lost,
    test_the_probe_finds_a_change_at_its_time_and_none_before,
    test_times_are_those_of_the_source,
)
from tests.conformance.test_store_writing import (
    test_a_shipment_is_found_again_by_its_content,
    test_a_status_may_be_sent_again_and_every_status_is_known,
    test_an_order_in_any_status_is_mapped_or_skipped_by_a_rule,
    test_what_the_store_refuses_is_a_rejection,
)
from tests.conformance.test_targets import (
    test_a_created_shipment_is_found_unless_another_delivery_owns_it,
    test_an_order_that_the_store_lacks_is_the_records_fault,
    test_every_operation_of_a_target_can_be_delivered,
)
from tests.contracts.commercetools_mock import MockProject, running_mock
from tests.resources.platforms.commercetools.projects import connection, settings

__all__ = [
    "test_a_built_system_has_the_parts_of_its_registry",
    "test_a_created_shipment_is_found_unless_another_delivery_owns_it",
    "test_a_healthy_system_passes_the_preflight",
    "test_a_read_of_changes_is_never_complete",
    "test_a_shipment_is_found_again_by_its_content",
    "test_a_status_may_be_sent_again_and_every_status_is_known",
    "test_a_store_declares_the_statuses_of_its_orders",
    "test_a_store_order_shows_its_progress",
    "test_a_stores_catalog_is_complete_at_its_end",
    "test_a_window_includes_its_start_and_not_its_end",
    "test_an_order_in_any_status_is_mapped_or_skipped_by_a_rule",
    "test_an_order_that_the_store_lacks_is_the_records_fault",
    "test_every_operation_of_a_target_can_be_delivered",
    "test_mapping_the_same_payload_twice_gives_the_same_record",
    "test_orders_are_read_by_id_exactly_as_in_a_window",
    "test_records_that_move_while_they_are_read_are_not_lost",
    "test_the_probe_finds_a_change_at_its_time_and_none_before",
    "test_times_are_those_of_the_source",
    "test_what_the_store_refuses_is_a_rejection",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commercetools-mock")]

Json = dict[str, Any]
SKUS = ("MUG", "LAMP")


class Project(SimulatedStore):
    """A project of the simulation, as the suite's tests control it."""

    kind = "commercetools"
    resolution = timedelta(milliseconds=1)
    tracked = SKUS
    untracked = ""
    statuses: ClassVar = simulated.System.statuses

    def __init__(self, url: str) -> None:  # its parent's is of the sandbox
        self.project = MockProject(url)
        self.opened: list[Any] = []
        for sku in SKUS:
            self.project.product(sku)
        self._last = 1000

    def secrets(self) -> tuple[str, ...]:
        """Return nothing: the simulation takes any secret."""
        return ()

    def open(self, *, wrong_secret: bool = False, small_pages: bool = False) -> CommercePlatform:
        """Build a connector to the project."""
        del wrong_secret
        url = self.project.url
        chosen = settings(
            project_key=self.project.name,
            region=None,
            api_url=url,
            auth_url=url,
            requests_per_second=100_000,
            customer_deletions=False,
            page_size=7 if small_pages else 200,
        )
        streams = ("orders", "customers", "inventory", "shipments")
        built = build(chosen, connection(streams=streams), lambda _: "any", LocalQuota())
        self.opened.append(built)
        return built

    def close(self) -> None:
        """Close all connections."""
        for connector in self.opened:
            connector.close()
        self.project.close()

    def place(self, moments: Sequence[datetime]) -> list[str]:
        """Make one record changed at each moment."""
        ids: list[str] = []
        for moment in moments:
            self._last += 1
            self.project.api.headers["x-changed-at"] = _written(moment)
            ids.append(self.make(str(self._last))["id"])
        self.project.api.headers.pop("x-changed-at", None)
        return ids

    def make(self, number: str) -> Json:
        """Make one record."""
        return self.project.order(number)

    def touch(self, source_id: str) -> None:
        """Change a record now."""
        order = self.project.get(f"orders/{source_id}")
        change = {"action": "setCustomerEmail", "email": f"v{order['version']}@example.com"}
        assert self.project.update("orders", order, change).is_success

    def set_status(self, source_id: str, status: str) -> None:
        """Move an order's status as the merchant does."""
        name = "orderState" if status == "Cancelled" else "shipmentState"
        order = self.project.get(f"orders/{source_id}")
        if order.get(name) != status:
            change = {"action": f"change{name[0].upper()}{name[1:]}", name: status}
            assert self.project.update("orders", order, change).is_success

    def parcel(self, source_id: str, tracking: str) -> ShipmentRequest:
        """Return a request for one unit of the order's first line."""
        line = self.project.get(f"orders/{source_id}")["lineItems"][0]["id"]
        return ShipmentRequest(source_id, MAIN, (ShipmentLine(line, 1),), tracking, "ups")

    def shipments(self, source_id: str) -> list[tuple[str, str]]:
        """Return id and tracking number of the order's deliveries."""
        return [
            (delivery["id"], (parcel.get("trackingData") or {}).get("trackingId", ""))
            for delivery in self.project.get(f"orders/{source_id}")["shippingInfo"]["deliveries"]
            for parcel in delivery["parcels"]
        ]

    def levels(self) -> dict[tuple[str, str], int]:
        """Return what the project holds as available."""
        rows = self.project.get("inventory")["results"]
        return {(row["sku"], "default"): row["availableQuantity"] for row in rows}


class Customers(Project):
    """The same project, read for its customers."""

    def make(self, number: str) -> Json:
        """Register a customer."""
        draft = {"email": f"jane{number}@example.com", "password": "not-kept", "firstName": "Jane"}
        return dict(self.project.make("customers", draft)["customer"])

    def touch(self, source_id: str) -> None:
        """Change a customer now."""
        customer = self.project.get(f"customers/{source_id}")
        change = {"action": "setFirstName", "firstName": f"Jane {customer['version']}"}
        assert self.project.update("customers", customer, change).is_success

    def source(self, connector: CommercePlatform) -> Source[Any]:
        """Return the customers."""
        return connector.sources["customers"]


def _written(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One process for the module: each test has a project of its own in it."""
    with running_mock() as found:
        yield found


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits between attempts to hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


@pytest.fixture(params=[Project, Customers], ids=["orders", "customers"])
def system(request: pytest.FixtureRequest, url: str) -> Iterator[Project]:
    """The project as a source."""
    made: Project = request.param(url)
    yield made
    made.close()


@pytest.fixture
def store(url: str) -> Iterator[Project]:
    """The project as a store that is written to."""
    made = Project(url)
    yield made
    made.close()
