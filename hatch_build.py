"""Build hook: Lockstep runs from a checkout, so only an editable install can be built.

A wheel would put top-level packages such as ``assets`` and ``resources`` into site-packages,
without ``dagster.yaml``: Dagster would silently run on SQLite, without limits and retention.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REFUSAL = (
    "Lockstep can't be installed as a wheel: it runs from a checkout, next to its dagster.yaml. "
    "Clone the repository and run 'make up' or 'make demo' there, which set up .venv; "
    "to use an environment of your own, run 'pip install --editable .' in the checkout."
)


class EditableOnly(BuildHookInterface[Any]):
    """Refuses every build of a wheel that is not editable."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Exit with one sentence: an exception would bury it under a traceback."""
        if version != "editable":
            raise SystemExit(REFUSAL)
