"""Problems and rejections are readable and can be stored, whatever the record contains."""

from __future__ import annotations

import pytest

from domain.errors import (
    LONGEST_MESSAGE,
    MOST_PROBLEMS,
    WHOLE_RECORD,
    Problem,
    RecordRejected,
    TransientError,
)


def test_each_text_of_a_problem_is_one_printable_line() -> None:
    """Line breaks, terminal escapes and zero bytes can't forge a log line or break a COPY."""
    problem = Problem(
        "sku_unknown", "lines[\x00].sku", "no\nERROR forged", "look\x1b[2J", "a\u202eb" + "x" * 500
    )
    for text in (problem.field, problem.message, problem.advice, problem.value):
        assert text.isprintable()
        assert len(text) <= LONGEST_MESSAGE
    assert problem.field == r"lines[\x00].sku"
    assert problem.value.startswith(r"a\u202eb")


def test_a_problem_without_a_field_concerns_the_record() -> None:
    """So the field is never empty."""
    assert Problem("payload_malformed", "", "not JSON", "replay the day").field == WHOLE_RECORD


def test_an_email_address_in_another_field_is_masked() -> None:
    """Shoppers type them anywhere."""
    assert (
        Problem("status_unknown", "status", "unknown", "look", "jane.doe@example.com").value
        == "j***@e***.com"
    )


def test_a_rejection_lists_a_readable_number_of_problems() -> None:
    """The others are counted."""
    problem = Problem("quantity_invalid", "quantity", "no", "correct it")
    assert len(RecordRejected(*[problem] * MOST_PROBLEMS).problems) == MOST_PROBLEMS
    *listed, last = RecordRejected(*[problem] * 10_000).problems
    assert listed == [problem] * MOST_PROBLEMS
    assert last.message == f"{10_000 - MOST_PROBLEMS} further problems are not listed"


def test_a_rejection_needs_a_problem() -> None:
    """An operator could not act on it otherwise."""
    with pytest.raises(ValueError, match="at least one problem"):
        RecordRejected()


def test_a_transient_error_may_have_a_delay() -> None:
    """The client waits as long as the remote system asked for."""
    assert TransientError("busy", retry_after=2.5).retry_after == 2.5
    assert TransientError("busy").retry_after is None
