"""A refusal that ends a call with the answer it carries."""

from __future__ import annotations

from sandbox.system import Response


class Refused(Exception):
    """Ends a call with the answer it carries."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status, response.body)
        self.response = response
