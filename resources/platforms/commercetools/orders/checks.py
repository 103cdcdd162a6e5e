"""Checks of what orders need of a project, before a connection goes live."""

from __future__ import annotations

from domain.parsing.answers import document_of
from domain.policies import OrdersPolicy
from resources.http.client import ApiClient
from resources.platforms.commercetools.answers_payload import WORKFLOW_STATES
from resources.platforms.commercetools.client import query_by_id
from resources.platforms.commercetools.settings import WorkflowStates
from resources.platforms.commercetools.statuses import ON_HOLD
from resources.preflight import Finding

STATES, SCOPE, PAGE = "/states", "view_states", 500
OF_ORDERS = ("OrderState", "LineItemState")


def workflow_states(http: ApiClient, states: WorkflowStates, policy: OrdersPolicy) -> Finding:
    """Look for the states that the settings name, and for what becomes of those on hold."""
    known: set[str | None] = set()
    for page in query_by_id(http, STATES, (), PAGE, SCOPE):
        for raw in page:
            state = document_of(f"commercetools: GET {STATES}", raw, WORKFLOW_STATES)
            if state.type in OF_ORDERS:
                known |= {state.key, state.id}
    named = (*states.canceled, *states.on_hold, *states.to_fulfil)
    if missing := [key for key in named if key not in known]:
        detail = f"the project has no state of orders or line items {', '.join(missing)}"
        return False, detail[:500], "correct platform.workflow_states"
    detail = f"canceled: {', '.join(states.canceled) or 'none'}; on hold: "
    detail += ", ".join(states.on_hold) or "none"
    if states.on_hold and ON_HOLD not in policy.hold_statuses:
        detail = (
            "WARNING: an order on hold waits in the store, but one that the OMS has is not held "
            f"there: orders.hold_statuses names no hold type for {ON_HOLD}; {detail}"
        )
    return True, detail[:500], ""
