"""The validation of a batch: failures are problems of rows, and mistakes in the code are raised."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pandera.pandas as pa
import pytest

from domain.schemas.batch import LARGEST, failures, scaled, truncated


class Numbered(pa.DataFrameModel):
    """A frame of one column."""

    number: int

    @pa.check("number", name="small")
    def _small(cls, numbers: pd.Series[int]) -> pd.Series[bool]:  # noqa: N805
        return numbers < 10


class Flagged(pa.DataFrameModel):
    """A frame of a column that must be true."""

    flag: bool

    @pa.check("flag", name="set")
    def _set(cls, flags: pd.Series[bool]) -> pd.Series[bool]:  # noqa: N805
        return flags


def test_a_failure_without_a_rule_is_a_schema_violation() -> None:
    """The check's name says which one; the value is shown."""
    found = failures(Numbered, pd.DataFrame({"number": [1, 100_000]}), {})
    [problem] = found[1]
    assert found.keys() == {1}
    assert (problem.code, problem.field, problem.value) == ("schema_violation", "number", "10")
    assert problem.message == "the value does not pass small"


def test_a_flag_has_no_value_to_show() -> None:
    """``False`` would mean nothing to an operator."""
    [problem] = failures(Flagged, pd.DataFrame({"flag": [False]}), {})[0]
    assert problem.value == ""


def test_a_frame_of_the_wrong_form_is_a_mistake_in_the_code() -> None:
    """It is raised, since no record is at fault."""
    with pytest.raises(ValueError, match="does not have the columns of Numbered"):
        failures(Numbered, pd.DataFrame({"other": [1]}), {})


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0", 0), ("1.5", 15_000), ("-0.0001", -1), ("1e30", LARGEST), ("-1e30", -LARGEST)],
)
def test_amounts_are_exact_ten_thousandths(amount: str, expected: int) -> None:
    """Amounts that do not fit 64 bits are replaced by the largest one."""
    assert scaled(Decimal(amount)) == truncated(Decimal(amount)) == expected


def test_an_amount_with_five_decimals_is_truncated_only_on_request() -> None:
    """A lost fraction of an amount would be a silent error."""
    with pytest.raises(ValueError, match="more than four decimals"):
        scaled(Decimal("0.00001"))
    assert truncated(Decimal("1.00019")) == 10_001
