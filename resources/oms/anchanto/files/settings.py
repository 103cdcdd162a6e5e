"""Settings of an exchange of files instead of the API.

UNVERIFIED: no official source describes the files that Anchanto reads and writes. The columns are
the names of the same fields as the API's, and are replaced by ``oms.wire.fields``.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from domain.policies import Config


class AnchantoExchange(Config):
    """The folder through which files come in and go out, and how they are read."""

    folder: Path
    """Of its own for each account: what the files have said is kept in it, too."""
    stock: Literal["complete", "partial"] = "complete"
    """Whether a file of stock names every row that there is, so that absent ones are gone."""
    format: Literal["csv", "xlsx"] = "csv"
    """Of the files that go out; those that come in may be of either."""
    columns: dict[str, str | None] = Field(default_factory=dict)
    """Columns of files that go out: field, such as ``order_items.sku`` -> column; null: none."""
    settle: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=10)
    """How long a file must be unchanged before it is taken: one that still grows is left."""
    keep_faults: timedelta = timedelta(days=7)
    """How long rows that name no record are shown, so that each run of that time reports them."""

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        if not folder.is_absolute():
            raise ValueError("must be an absolute path: processes may run in different folders")
        return folder
