"""The job ``agent_action``: ``lockstep action`` for users of the UI.

There is no ``from __future__ import annotations``: Dagster reads the types from the annotations.
"""

from enum import Enum

import dagster as dg
import psycopg
from pydantic import Field

from assets.error_redaction import safe_text
from assets.streams.actions.requests import capture_request
from domain.connections import ACTIONS
from domain.errors import LockstepError, PermanentError
from domain.policies import OPERATOR
from resources.ledger.rejections import reruns
from resources.ledger.rejections.reruns import Rerun
from resources.lockstep import Lockstep


class AgentAction(Enum):
    """What is asked for. Lower case, since the launchpad shows the names."""

    cancel = "cancel"
    hold = "hold"
    release = "release"
    reroute = "reroute"


class AddressConfig(dg.Config):
    """Where a reroute sends an order; what is left empty of the recipient stays as it is."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street_1: str = ""
    street_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country_code: str = ""
    phone: str = ""


class AgentActionConfig(dg.Config):
    """One request."""

    connection: str = Field(description="The connection, as in connections.yaml.")
    action: AgentAction = Field(description="What to do at the OMS.")
    order: str = Field(description="The order's id or number, in the store or at the OMS.")
    line: str = Field(default="", description="cancel: only this line, by its id in the store.")
    quantity: str = Field(default="", description="cancel: only this many units of the line.")
    hold: str = Field(default="", description="hold, release: the OMS's hold type.")
    node: str = Field(default="", description="reroute: ship from this location of the OMS.")
    address: AddressConfig = Field(
        default=AddressConfig(), description="reroute: ship to this address."
    )
    comment: str = Field(default="", description="Why; it is kept with the request.")
    who: str = Field(description="Who asks: an id, not a name.", min_length=1)
    permission_set: str = Field(
        default=OPERATOR, description="The permission set that decides what is allowed."
    )
    action_id: str = Field(
        default="", description="The same id is the same request. Empty: a new request."
    )


@dg.op(
    name="request_action",
    description="Captures an agent's request, and queues what carries it out.",
)
def request_action(
    context: dg.OpExecutionContext,
    config: AgentActionConfig,
    lockstep: dg.ResourceParam[Lockstep],
) -> dg.Output[str]:
    """Capture the request; the output is its id, under which ``history.actions`` shows its end."""
    try:
        action_id = _capture(lockstep, config, context.run_id)
    except LockstepError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except psycopg.Error as error:
        raise dg.Failure(safe_text(error), allow_retries=True) from None
    summary = f"queued as {action_id}; the sensor 'reruns' carries it out within seconds"
    context.log.info(summary)
    return dg.Output(action_id, metadata={"summary": dg.MetadataValue.md(summary)})


@dg.job(
    name="agent_action",
    executor_def=dg.in_process_executor,
    description="Cancels, holds, releases or reroutes an order at the OMS, as a service agent asks "
    "for it; the launchpad describes each field, and docs/actions.md the rules.",
)
def action_job() -> None:
    """Do what an agent asks for."""
    request_action()


def _capture(lockstep: Lockstep, config: AgentActionConfig, run_id: str) -> str:
    """Capture and queue. Raises ``LockstepError`` for a request that can't be met."""
    known = lockstep.installation.connections
    if config.connection not in known:
        raise PermanentError(
            f"There is no connection {config.connection!r}; known are {', '.join(sorted(known))}."
        )
    sync = lockstep.sync(config.connection, run_id)
    address = {name: value for name, value in config.address.model_dump().items() if value}
    fields = {
        "kind": config.action.value,
        "requested_by": config.who.strip(),
        "address": address,
    } | {
        name: getattr(config, name)
        for name in (
            "order",
            "line",
            "quantity",
            "hold",
            "node",
            "comment",
            "permission_set",
            "action_id",
        )
    }
    action_id, partition = capture_request(sync, fields)
    wanted = Rerun(
        config.connection,
        ACTIONS,
        partition,
        [action_id],
        "as_captured",
        False,
        config.who.strip(),
        "agent_action",
    )
    with lockstep.ledger.connect() as db, db.transaction():
        reruns.ask(db, [wanted])
    return action_id
