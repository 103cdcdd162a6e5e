"""The tests of the conformance suite that fit the toy, which has no HTTP and no item master.

A row of stock is not JSON, which the suite's corrupted payloads are made of, so its test is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import RecordRejected
from tests.conformance.test_lookups import (
    test_an_oms_holds_what_it_was_sent_without_a_difference,
    test_orders_are_read_by_id_exactly_as_in_a_window,
)
from tests.conformance.test_oms_writing import (
    test_a_cancellation_may_be_repeated,
    test_a_payload_can_be_stored_and_compared,
    test_an_order_that_exists_differently_is_no_success,
    test_every_line_status_has_a_milestone_and_every_milestone_a_status,
)
from tests.conformance.test_parts import (
    test_a_built_system_has_the_parts_of_its_registry,
    test_a_number_over_many_nodes_has_the_node_that_the_source_names,
    test_a_read_of_changes_is_never_complete,
)
from tests.conformance.test_reading import (
    test_a_corrupted_payload_is_a_rejection_and_no_crash,
    test_a_thousand_records_of_the_same_time_are_all_read_once,
    test_a_window_includes_its_start_and_not_its_end,
    test_mapping_the_same_payload_twice_gives_the_same_record,
    test_the_probe_finds_a_change_at_its_time_and_none_before,
    test_times_are_those_of_the_source,
)
from tests.conformance.test_targets import (
    test_every_operation_of_a_target_can_be_delivered,
    test_what_an_oms_holds_is_read_in_the_form_of_the_target_state,
)
from tests.connectors.toy.conformance import System

__all__ = [
    "test_a_built_system_has_the_parts_of_its_registry",
    "test_a_cancellation_may_be_repeated",
    "test_a_corrupted_payload_is_a_rejection_and_no_crash",
    "test_a_number_over_many_nodes_has_the_node_that_the_source_names",
    "test_a_payload_can_be_stored_and_compared",
    "test_a_read_of_changes_is_never_complete",
    "test_a_thousand_records_of_the_same_time_are_all_read_once",
    "test_a_window_includes_its_start_and_not_its_end",
    "test_an_oms_holds_what_it_was_sent_without_a_difference",
    "test_an_order_that_exists_differently_is_no_success",
    "test_every_line_status_has_a_milestone_and_every_milestone_a_status",
    "test_every_operation_of_a_target_can_be_delivered",
    "test_mapping_the_same_payload_twice_gives_the_same_record",
    "test_orders_are_read_by_id_exactly_as_in_a_window",
    "test_the_probe_finds_a_change_at_its_time_and_none_before",
    "test_times_are_those_of_the_source",
    "test_what_an_oms_holds_is_read_in_the_form_of_the_target_state",
]


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[System]:
    """Return a folder of the test's own."""
    made = System(tmp_path)
    yield made
    made.close()


@pytest.fixture
def system(tenant: System) -> System:
    """Return the same folder as a source."""
    return tenant


@pytest.mark.parametrize(
    "row", [b"MUG", b"MUG,", b",7", b"MUG,many", b"MUG,-1", b"MUG,NaN", b"MUG,1e99", b"\xff\x00,x"]
)
def test_a_row_of_stock_that_cannot_be_read_is_a_rejection(tenant: System, row: bytes) -> None:
    """A missing quantity is never zero."""
    with pytest.raises(RecordRejected) as rejected:
        tenant.open().sources["inventory"].to_canonical(row)
    assert all(problem.field and problem.advice for problem in rejected.value.problems)
