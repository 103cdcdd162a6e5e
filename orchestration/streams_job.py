"""The job ``streams``: ``lockstep pause`` and ``lockstep resume`` for operators who use the UI.

There is no ``from __future__ import annotations``: Dagster reads the types from the annotations.
"""

from enum import Enum

import dagster as dg
import psycopg
from pydantic import Field

from assets.error_redaction import safe_text
from domain.errors import LockstepError, PermanentError
from resources.ledger.monitoring import activation
from resources.lockstep import Lockstep


class StreamsAction(Enum):
    """What to do with the streams. Lower case, since the launchpad shows the names."""

    pause = "pause"
    resume = "resume"


class StreamsConfig(dg.Config):
    """Which streams, and what to do with them."""

    action: StreamsAction = Field(
        description="pause: live runs neither read nor write the streams, and no run writes to "
        "their targets. resume: what changed in the meantime is read and delivered."
    )
    connection: str = Field(description="The connection, as in connections.yaml.")
    streams: list[str] = Field(
        default=[], description="Such as orders or inventory. Empty: all of the connection."
    )
    who: str = Field(description="Your name; it is recorded with the action.", min_length=1)
    reason: str = Field(default="", description="Why; it is recorded with the action.")


@dg.op(name="switch_streams", description="Pauses or resumes streams of a connection.")
def switch_streams(
    context: dg.OpExecutionContext, config: StreamsConfig, lockstep: dg.ResourceParam[Lockstep]
) -> dg.Output[None]:
    """Apply the configured action; the output's metadata states each stream's state."""
    try:
        states = _switch(lockstep, config)
    except LockstepError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except psycopg.Error as error:
        raise dg.Failure(safe_text(error), allow_retries=True) from None
    for state in states:
        context.log.info(str(state))
    return dg.Output(
        None,
        metadata={
            "summary": dg.MetadataValue.md("; ".join(map(str, states))),
            "active": dg.MetadataValue.int(sum(state.active for state in states)),
            "paused": dg.MetadataValue.int(sum(not state.active for state in states)),
        },
    )


@dg.job(
    name="streams",
    executor_def=dg.in_process_executor,
    description="Pauses or resumes streams of a connection; the launchpad describes each field. "
    "The checks of the asset 'health' show what is paused.",
)
def streams_job() -> None:
    """Pause or resume streams."""
    switch_streams()


def _switch(lockstep: Lockstep, config: StreamsConfig) -> list[activation.Activation]:
    """Apply the action; return the states of the chosen streams. Raises ``PermanentError``."""
    known = lockstep.installation.connections
    if config.connection not in known:
        raise PermanentError(
            f"There is no connection {config.connection!r}; known are {', '.join(sorted(known))}."
        )
    configured = known[config.connection].streams
    if unknown := sorted(set(config.streams) - set(configured)):
        raise PermanentError(
            f"The connection {config.connection} has no stream {unknown[0]!r}; it has "
            f"{', '.join(configured)}."
        )
    who = config.who.strip()
    if not who:
        raise PermanentError("who is empty: every action is recorded with a name.")
    chosen = config.streams or list(configured)
    switch = activation.pause if config.action is StreamsAction.pause else activation.resume
    with lockstep.ledger.session(config.connection, "") as session, session.transaction():
        switch(session.db, config.connection, chosen, who, config.reason)
        return activation.activations(session.db, config.connection, chosen)
