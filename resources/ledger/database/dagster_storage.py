"""Dagster's storage in the ledger's Postgres, found the way everything else finds it: ``DATABASE_URL``, else the embedded server."""

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
    """Create Dagster's tables unless they are there, so that the running service needs no right to: ``lockstep_writer`` gets their rows.

    Dagster creates them itself at its first start where it may; its later changes (``dagster instance migrate``) are the owner's too.
    """
    storage = LockstepStorage(postgres_url=url)
    for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        part.dispose()


class NoDatabase(PermanentError, DagsterError, click.ClickException):
    """No database is there; Dagster's own commands, which are made with click, show this as one sentence without a traceback.

    A Dagster error, since a code server goes on without an instance after one of those: what it needs comes with each request. After any
    other it would serve the error for ever, also once the database is back, and nothing would run.
    """


class LockstepStorage(DagsterPostgresStorage):
    """``DagsterPostgresStorage`` that looks its URL up itself, so that ``dagster.yaml`` needs no environment variable."""

    @classmethod
    def config_type(cls) -> Any:
        """No settings but an optional URL, which tests use."""
        return {"url": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> LockstepStorage:
        """Build the storage; raises ``NoDatabase`` that says what to do where no database is there, or none that answers."""
        try:
            return cls(postgres_url=config_value.get("url") or database_url(), inst_data=inst_data)
        except PermanentError as error:
            raise NoDatabase(str(error)) from error
        except (DagsterPostgresException, OperationalError) as error:
            raise NoDatabase(
                "The database can't be reached; run 'lockstep doctor', which says why."
            ) from error
