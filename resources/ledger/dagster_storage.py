"""Dagster's storage in the ledger's Postgres, found the way everything else finds it: ``DATABASE_URL``, else the embedded server."""

from __future__ import annotations

from typing import Any

from dagster import StringSource
from dagster_postgres import DagsterPostgresStorage

from resources.ledger.embedded import database_url


class LockstepStorage(DagsterPostgresStorage):
    """``DagsterPostgresStorage`` that looks its URL up itself, so that ``dagster.yaml`` needs no environment variable."""

    @classmethod
    def config_type(cls) -> Any:
        """No settings but an optional URL, which tests use."""
        from dagster import Field

        return {"url": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> LockstepStorage:
        """Build the storage; raises ``PermanentError`` that says what to do where no database is there."""
        return cls(postgres_url=config_value.get("url") or database_url(), inst_data=inst_data)
