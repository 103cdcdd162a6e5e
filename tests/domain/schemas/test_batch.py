"""The validation of a batch: failures are problems of rows, and mistakes in the code are raised."""

from __future__ import annotations

import importlib
import pkgutil
import re
from decimal import Decimal
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from domain import schemas
from domain.schemas.batch import (
    LARGEST,
    booleans,
    failures,
    integers,
    matches,
    passes,
    scaled,
    texts,
    truncated,
)
from domain.schemas.orders import OrderLines


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


def is_valid(model: type[pa.DataFrameModel], frame: pd.DataFrame) -> bool:
    """Return what pandera's whole validation says."""
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors:
        return False
    return True


ROW = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["1", "2", ""]),
    st.integers(-1, 3),
    st.integers(-2, 2),
    st.sampled_from([0, 0, 0, 1]),
    st.integers(0, 2),
    st.sampled_from([True, True, False]),
    st.sampled_from([True, True, False]),
)


@settings(max_examples=30)
@given(st.lists(ROW, max_size=4))
def test_a_batch_passes_exactly_where_pandera_finds_nothing(rows: list[tuple[Any, ...]]) -> None:
    """With checks of columns and of the whole frame, for no rows, too."""
    names = list(OrderLines.to_schema().columns)
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * 8, strict=True))
    makers = [integers, texts, *[integers] * 4, *[booleans] * 2]
    made = {
        name: make(list(columns[name]))  # type: ignore[operator]
        for name, make in zip(names, makers, strict=True)
    }
    frame = pd.DataFrame(made)
    assert passes(OrderLines.to_schema(), frame) == is_valid(OrderLines, frame)


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1, 12], [1.0, 2.0], [1.0, None], ["1", "2"], [True], [None], [1, "2"], [], [2**70]],
    ids=str,
)
@pytest.mark.parametrize("name", ["number", "other"])
def test_a_column_of_another_type_or_with_a_gap_does_not_pass(name: str, values: Any) -> None:
    """As pandera decides; a missing column does not pass either, and a further one may."""
    frame = pd.DataFrame({name: values})
    for given_ in (frame, frame.assign(more=1), frame.astype(object)):
        assert passes(Numbered.to_schema(), given_) == is_valid(Numbered, given_)


def models() -> list[type[pa.DataFrameModel]]:
    """Return every schema of the product."""
    for module in pkgutil.iter_modules(schemas.__path__, f"{schemas.__name__}."):
        importlib.import_module(module.name)
    return [
        model
        for model in pa.DataFrameModel.__subclasses__()
        if model.__module__.startswith(schemas.__name__)
    ]


def test_schemas_say_nothing_that_only_the_whole_validation_would_notice() -> None:
    """Another option of pandera must be looked at in ``passes``, too."""
    assert len(models()) > 8
    for model in models():
        schema = model.to_schema()
        whole = (schema.index, schema.dtype, schema.unique, schema.strict, schema.ordered)
        assert whole == (None, None, None, False, False), model
        assert not (schema.parsers or schema.coerce or schema.unique_column_names), model
        for column in schema.columns.values():
            options = (column.nullable, column.unique, column.coerce, column.regex)
            assert options == (False, False, False, False), (model, column.name)
            assert column.required and not column.parsers and column.default is None
            assert column.dtype is not None


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


def test_texts_match_a_form_as_a_whole() -> None:
    """Not a part of them, nor with a line break at the end; an empty frame has no result."""
    form = re.compile("[A-Z]{3}")
    values = texts(["USD", "usd", "USD\n", "USDX", ""])
    assert matches(values, form).tolist() == [True, False, False, False, False]
    assert (len(matches(texts([]), form)), matches(texts([]), form).dtype) == (0, bool)
