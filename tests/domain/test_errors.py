"""Problems and rejections: words that can be shown, stored and read, whatever the record held."""

from __future__ import annotations

from domain.errors import LONGEST_MESSAGE, MOST_PROBLEMS, WHOLE_RECORD, Problem, RecordRejected


def test_a_problem_is_one_visible_line_each() -> None:
    """Line breaks, escapes of a terminal and zero bytes of a record forge no log line and stop no COPY."""
    problem = Problem(
        "sku_unknown", "lines[\x00].sku", "no\nERROR forged", "look\x1b[2J", "a\u202eb" + "x" * 500
    )
    for text in (problem.field, problem.message, problem.advice, problem.value):
        assert text.isprintable()
        assert len(text) <= LONGEST_MESSAGE
    assert problem.field == r"lines[\x00].sku"
    assert problem.value.startswith(r"a\u202eb")


def test_a_problem_without_a_field_concerns_the_record() -> None:
    """An operator is never left without a place."""
    assert Problem("payload_malformed", "", "it is no JSON", "replay the day").field == WHOLE_RECORD


def test_an_address_in_a_field_for_something_else_is_masked() -> None:
    """Whoever types it there."""
    assert (
        Problem("status_unknown", "status", "unknown", "look", "jane.doe@example.com").value
        == "j***@e***.com"
    )


def test_a_rejection_lists_so_many_problems_as_a_person_can_read() -> None:
    """The rest is counted."""
    problem = Problem("quantity_invalid", "quantity", "no", "correct it")
    assert len(RecordRejected(*[problem] * MOST_PROBLEMS).problems) == MOST_PROBLEMS
    *listed, last = RecordRejected(*[problem] * 10_000).problems
    assert listed == [problem] * MOST_PROBLEMS
    assert last.message == f"{10_000 - MOST_PROBLEMS} further problems are not listed"
