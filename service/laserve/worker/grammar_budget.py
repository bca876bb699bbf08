"""A limit to the time that one request's grammar may take.

A grammar advances inside the scheduler, between two steps of the whole batch. xgrammar has no limit
of its own: a regex such as `(((.*)*)*)*z` takes longer with every token, seconds in the end, and
every request waits. Past its budget a request ends, and is answered with a 400.
"""

import time
from typing import cast
from weakref import WeakKeyDictionary

from vllm.v1.request import Request
from vllm.v1.structured_output import StructuredOutputManager

GRACE_S = 1.0
"""Seconds that any request may spend in its grammar."""

GRACE_PER_TOKEN_S = 1e-3
"""Seconds more for each token of its answer: some twenty times what a sound grammar takes."""


class BudgetedManager:
    """Stands in for a `StructuredOutputManager`, and times each request's grammar."""

    def __init__(self, manager: StructuredOutputManager) -> None:
        self._manager = manager
        self._spent: WeakKeyDictionary[Request, float] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> object:
        return getattr(self._manager, name)

    def accept_tokens(self, request: Request, new_token_ids: list[int]) -> bool:
        """As the manager's; False, which ends the request, once its budget is spent."""
        start = time.perf_counter()
        accepted = self._manager.accept_tokens(request, new_token_ids)
        spent = self._spent.get(request, 0.0) + time.perf_counter() - start
        self._spent[request] = spent
        return accepted and spent < GRACE_S + GRACE_PER_TOKEN_S * request.num_output_tokens


def budgeted(manager: StructuredOutputManager) -> StructuredOutputManager:
    """The manager with a budget; whatever else it does is the manager's own."""
    return cast(StructuredOutputManager, BudgetedManager(manager))
