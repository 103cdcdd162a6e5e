"""Settings of the simulated account; defaults follow oms.md 3.3, whose shape is assumed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Settings:
    """Behaviour of one account."""

    email: str = "sync@example.com"
    password: str = "sandbox-anchanto-password"
    token_seconds: int = 1_800
    requests_per_second: int = 2
    """0: no limit. A login counts, too."""
    most_rows: int = 100
    bearer: bool = False
    """Take ``Bearer {jwt}`` instead of the token alone."""
    wait_for_stock: bool = False
    """An order without stock waits as ``Partial`` instead of being sent to the warehouse."""

    def update(self, changes: dict[str, Any]) -> None:
        """Change settings; raises ValueError for an unknown name or a value of the wrong type."""
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            default = getattr(_DEFAULTS, name)
            if type(value) is not type(default):
                raise ValueError(
                    f"setting {name!r} takes a {type(default).__name__}, not {value!r}"
                )
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings, for the snapshot and for control."""
        return asdict(self)


_DEFAULTS = Settings()
