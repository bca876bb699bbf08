"""The selection of one HTTP request: from its `selection` field to the engine, and back into the
answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from vllm import envs

from laserve.api.schemas import SelectableRequest
from laserve.api.state import LaServeState, SelectionSettings
from laserve.errors import RequestError
from laserve.selecting.plan import ReadMessage, SelectionPlan, selecting
from laserve.selection.outcome import SelectionOutcome, UpstreamReport


class Choosing:
    """A selection under way, and then its outcome."""

    def __init__(self, plan: SelectionPlan, settings: SelectionSettings) -> None:
        self._plan = plan
        self._settings = settings
        self._upstream_report: UpstreamReport | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome. There is before the first event of a stream."""
        return self._plan.selection is not None

    @property
    def outcome(self) -> SelectionOutcome:
        """How the answer was chosen."""
        assert self._plan.selection is not None
        return self._plan.selection.outcome.model_copy(update={"upstream": self._upstream_report})

    @property
    def is_to_be_escalated(self) -> bool:
        """Whether the request should go to the upstream."""
        wanted = self._plan.options.escalate and self._settings.upstream is not None
        return wanted and self.is_over and self.outcome.abstained

    def into_answer(self, body: dict[str, Any]) -> None:
        """Give `body`, a completion, its `selection`, and count every sample in its usage."""
        self._count_all(body)
        self._tell(body)

    def into_chunk(self, body: dict[str, Any]) -> None:
        """The same for a chunk of a stream; the one with a finish reason takes the selection."""
        self._count_all(body)
        if any(choice.get("finish_reason") for choice in body.get("choices", ())):
            self._tell(body)

    def _tell(self, body: dict[str, Any]) -> None:
        outcome = self.outcome
        left_out = None if self._plan.options.return_candidates else {"candidates"}
        body["selection"] = outcome.model_dump(mode="json", exclude=left_out)
        self._settings.metrics.observe(outcome)

    def _count_all(self, body: dict[str, Any]) -> None:
        """vLLM counts the winner; the other samples were generated too."""
        if usage := body.get("usage"):
            assert self._plan.selection is not None
            winner = self._plan.selection.winner.completion_tokens
            others = self._plan.selection.outcome.completion_tokens - winner
            usage["completion_tokens"] += others
            usage["total_tokens"] += others

    def report_upstream(self, status: str, **details: Any) -> None:
        """Take down what became of the request at the upstream."""
        assert self._settings.upstream is not None
        self._upstream_report = UpstreamReport(
            model=self._settings.upstream.model, status=status, **details
        )


@contextmanager
def choosing(
    request: SelectableRequest, raw_request: Request, read: ReadMessage
) -> Iterator[Choosing | None]:
    """Select among samples of what is generated inside this block, where the request wants that;
    else give None. `read` tells what a sample says.

    Raises RequestError where this server cannot select as asked.
    """
    state: LaServeState = raw_request.app.state.laserve
    if request.selection is None:
        yield None
        return
    limit = envs.VLLM_MAX_N_SEQUENCES  # of n, too
    if request.selection.n_max > limit:
        raise RequestError(
            f"n_max={request.selection.n_max} is over this server's limit of {limit} samples",
            "selection.n_max",
        )
    plan = state.selection.planner.plan(
        request.selection, state.parameters, seed=request.seed or 0, read=read
    )
    with selecting(plan):
        yield Choosing(plan, state.selection)
