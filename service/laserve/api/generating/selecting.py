"""The selection of one HTTP request: from its `selection` field to the engine, and back into the
answer."""

from typing import Any

from fastapi import Request
from vllm import envs
from vllm.outputs import RequestOutput

from laserve.api.generating.deltas import keep
from laserve.api.generating.progress import Progress
from laserve.api.generating.schemas import SelectableRequest
from laserve.api.state import LaServeState, SelectionSettings
from laserve.errors import RequestError
from laserve.selecting.plan import ReadMessage, SelectionPlan
from laserve.selection.outcome import Decision, SelectionOutcome, UpstreamReport
from laserve.selection.selector import Selection
from laserve.serving.scope import RequestScope, bound_scope


class Choosing:
    """A selection under way, and then its outcome."""

    def __init__(
        self,
        plan: SelectionPlan,
        scope: RequestScope,
        settings: SelectionSettings,
        progress: Progress | None = None,
    ) -> None:
        """``progress``: tells of samples as they end; None where nobody asks."""
        self.progress = progress
        self._options = plan.options
        self._scope = scope
        self._settings = settings
        self._upstream_report: UpstreamReport | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome. There is before the first event of a stream."""
        return self._scope.selection is not None

    @property
    def outcome(self) -> SelectionOutcome:
        """How the answer was chosen."""
        own = self._selection.outcome
        report = self._upstream_report
        if report is None:
            return own
        is_theirs = report.status == "answered"
        decision = Decision.ESCALATED if is_theirs else own.decision
        return own.model_copy(update={"upstream": report, "decision": decision})

    @property
    def _selection(self) -> Selection[RequestOutput]:
        assert self._scope.selection is not None
        return self._scope.selection

    @property
    def is_to_be_escalated(self) -> bool:
        """Whether the request should go to the upstream."""
        wanted = self._options.escalate and self._settings.upstream is not None
        return wanted and self.is_over and self.outcome.abstained

    def into_answer(self, body: dict[str, Any]) -> None:
        """Give `body`, a completion, its `selection`, and count every sample in its usage."""
        self._count_all(body)
        self._tell(body)

    def into_chunk(self, body: dict[str, Any]) -> None:
        """The same for a chunk of a stream; the one with a finish reason takes the selection."""
        self._count_all(body)
        ends = [choice for choice in body.get("choices", ()) if choice.get("finish_reason")]
        if ends:
            self._tell(body)
        for choice in ends:
            # The candidates may be long, and are in the chunk already.
            short = {name: of for name, of in body["selection"].items() if name != "candidates"}
            keep(choice, "selection", short)

    def _tell(self, body: dict[str, Any]) -> None:
        outcome = self.outcome
        left_out = None if self._options.return_candidates else {"candidates"}
        body["selection"] = outcome.model_dump(mode="json", exclude=left_out)
        parameters = self._scope.deployment.parameters
        self._settings.metrics.observe(outcome, self._options.n_max, parameters)

    def _count_all(self, body: dict[str, Any]) -> None:
        """vLLM counts the winner; the other samples were generated too."""
        if usage := body.get("usage"):
            winner = self._selection.winner.completion_tokens
            others = self._selection.outcome.completion_tokens - winner
            usage["completion_tokens"] += others
            usage["total_tokens"] += others

    def report_upstream(self, status: str, **details: Any) -> None:
        """Take down what became of the request at the upstream."""
        assert self._settings.upstream is not None
        self._upstream_report = UpstreamReport(
            model=self._settings.upstream.model, status=status, **details
        )


async def ask_for_selection(
    request: SelectableRequest, raw_request: Request, read: ReadMessage
) -> Choosing | None:
    """Have the answer to this HTTP request selected among samples, where it wants that; else None.
    `read` tells what a sample says.

    Raises RequestError where this server cannot select as asked.
    """
    if request.selection is None:
        return None
    limit = envs.VLLM_MAX_N_SEQUENCES  # of n, too
    if request.selection.n_max > limit:
        raise RequestError(
            f"n_max={request.selection.n_max} is over this server's limit of {limit} samples",
            "selection.n_max",
        )
    state: LaServeState = raw_request.app.state.laserve
    scope = bound_scope()
    progress = None
    if request.stream and request.selection.return_candidates:
        progress = Progress(request, raw_request)
    scope.plan = await state.selection.planner.plan(
        request.selection,
        scope.deployment.parameters,
        seed=request.seed or 0,
        read=read,
        on_ended=None if progress is None else progress.tell,
    )
    return Choosing(scope.plan, scope, state.selection, progress)
