"""What Lockstep's user needs at the tenant, and what of more than that can be seen from outside.

Rights come from the user's roles, which no call tells. What can be seen: the token's scope, where its answer names one, and whether the
user reaches other organisations' orders. UNVERIFIED: that the order search compares ``OrgId`` by ``!=``.
"""

from __future__ import annotations

from domain.errors import LockstepError
from domain.exchange import Check
from resources.http.client import ApiClient
from resources.oms.manhattan.envelope import open_envelope, read_answer
from resources.oms.manhattan.orders.search import rows_of
from resources.oms.manhattan.settings import ManhattanSettings

NEEDED = ("save, read, search and cancel orders", "search items", "read availability")
"""The rights of a role of its own for the connection's organisation; nothing of payments, users, configuration or purchasing."""
_ADVICE = f"give Lockstep's user a role of its own with no more than: {', '.join(NEEDED)}, in its organisation only"


def beyond_need(client: ApiClient, settings: ManhattanSettings, scope: str) -> list[Check]:
    """Return what the user could do beyond need, as far as it can be seen: a warning, since the connection works."""
    told = (
        f"the token's scope is {scope}"
        if scope
        else "the token's answer names no scope; look at the user's roles"
    )
    checks = [Check("rights beyond need", True, told, "" if scope else _ADVICE)]
    try:
        organisation = settings.organization.replace("'", "''")
        body = {
            "Query": f"OrgId != '{organisation}'",
            "Page": 0,
            "Size": 1,
            "Template": {"OrderId": None, "OrgId": None},
        }
        answer = read_answer(
            client.request(
                "POST",
                settings.paths.order_search,
                json=body,
                idempotent=True,
                decode=open_envelope,
            )
        )
        seen = bool(list(rows_of(answer)))
    except LockstepError as error:
        return [*checks, Check("other organisations", True, f"could not be told: {error}")]
    detail = (
        "WARNING: the user reaches orders of other organisations"
        if seen
        else "no orders of others are reached"
    )
    return [*checks, Check("other organisations", True, detail, _ADVICE if seen else "")]
