"""Batch rules of agents' requests, for a frame with a row per request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.actions import ActionRequest
from domain.schemas.batch import Rule, booleans, failures, texts

RULES: dict[str, Rule] = {
    "action_id_duplicate": Rule(
        "action_id",
        "another request of the batch has this id",
        "send both again, each with its own id",
    ),
    "action_part_missing": Rule(
        "kind",
        "the request lacks what its kind needs, or has more than that",
        "send it again as docs/actions.md describes it",
    ),
}


class Requests(pa.DataFrameModel):
    """One row per request."""

    action_id: str
    is_whole: bool

    @pa.check("action_id", name="action_id_duplicate")
    def _unique(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ~ids.duplicated(keep=False)

    @pa.check("is_whole", name="action_part_missing")
    def _whole(cls, whole: pd.Series[bool]) -> pd.Series[bool]:
        return whole


def action_problems(requests: Sequence[ActionRequest]) -> Mapping[int, Sequence[Problem]]:
    """Return the problems of the failing requests by position."""
    frame = pd.DataFrame(
        {
            "action_id": texts([request.action_id for request in requests]),
            "is_whole": booleans([_is_whole(request) for request in requests]),
        }
    )
    return failures(Requests, frame, RULES)


def _is_whole(request: ActionRequest) -> bool:
    is_reroute = request.kind == "reroute"
    places = (request.address is not None) + bool(request.node)
    is_of_line = request.line_id is not None
    return (
        places == is_reroute
        and (request.kind == "cancel" or not is_of_line)
        and (is_of_line or request.quantity is None)
        and (request.kind in ("hold", "release") or not request.hold)
    )
