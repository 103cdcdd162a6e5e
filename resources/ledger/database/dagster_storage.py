"""Dagster's storage in the ledger's Postgres: ``DATABASE_URL``, else the embedded server."""

from __future__ import annotations

from typing import Any

import click
from dagster import DagsterError, Field, StringSource
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import OperationalError

from domain.errors import PermanentError
from resources.ledger.database.embedded import database_url


def create_tables(url: str) -> None:
    """Create Dagster's tables unless they exist.

    The running service then needs no right to create them: ``lockstep_writer`` may use their rows.
    Dagster's later changes of them (``dagster instance migrate``) are the owner's task too.
    """
    storage = LockstepStorage(postgres_url=url)
    for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        part.dispose()


class NoDatabase(PermanentError, DagsterError, click.ClickException):
    """There is no database, or none that answers.

    Dagster's own commands are made with click and show this as one sentence without a traceback.

    It is a Dagster error, since a code server starts without an instance after one of those: what
    it needs comes with each request. After any other error it would answer with that error for
    ever, even once the database is back, and nothing would run.
    """


class LockstepStorage(DagsterPostgresStorage):
    """``DagsterPostgresStorage`` that finds its own URL: ``dagster.yaml`` needs no variable."""

    @classmethod
    def config_type(cls) -> Any:
        """Return the only setting: an optional URL, which tests use."""
        return {"url": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> LockstepStorage:
        """Build the storage. Raises ``NoDatabase``, which states what to do."""
        try:
            return cls(postgres_url=config_value.get("url") or database_url(), inst_data=inst_data)
        except PermanentError as error:
            raise NoDatabase(str(error)) from error
        except (DagsterPostgresException, OperationalError) as error:
            raise NoDatabase(
                "The database can't be reached; run 'lockstep doctor', which says why."
            ) from error
