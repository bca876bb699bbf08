"""The selection that one request asks for, ready to be carried out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from laserve.answers.equality import Equality, EqualitySource, StringEquality
from laserve.answers.extraction import make_extractor
from laserve.answers.message import Message
from laserve.answers.plugins import AnswerPlugin
from laserve.core.judged import CalibrationSampling
from laserve.core.score import ScoreParameters
from laserve.errors import RequestError
from laserve.selection.ballot import Ballot
from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import RiskReport, SelectionProgress
from laserve.selection.risk import bounded_risk
from laserve.selection.stopping import StopRule, stop_rules

OnEnded = Callable[[SelectionProgress], None]
"""Told of each sample that ends."""
ReadMessage = Callable[[str, Sequence[int], Sequence[int]], Message]
"""From a completion's text and token ids, and the prompt's token ids, to what it says."""


def read_plainly(text: str, token_ids: Sequence[int], prompt_token_ids: Sequence[int]) -> Message:
    """The text as it is."""
    return Message(text)


@dataclass(frozen=True, slots=True)
class SelectionPlan:
    """What `selecting.select` needs to know."""

    options: SelectionOptions
    ballot: Ballot
    rules: Sequence[StopRule]
    read: ReadMessage
    on_ended: OnEnded | None = None
    risk: RiskReport | None = None
    """The bound that is to hold."""
    sampling: CalibrationSampling | None = None
    """How samples are to be drawn, so that it does; None where there is none."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans out of what the server was started with."""

    plugins: Mapping[str, AnswerPlugin]
    """Answer plug-ins by name."""
    math: EqualitySource
    """Of mathematical equality."""

    async def plan(
        self,
        options: SelectionOptions,
        parameters: ScoreParameters,
        *,
        seed: int,
        read: ReadMessage,
        on_ended: OnEnded | None = None,
    ) -> SelectionPlan:
        """The plan for one request. Raises RequestError where it cannot be done as asked."""
        if options.needs_confidence and parameters.calibration is None:
            field = "weights" if options.min_confidence is None else "min_confidence"
            raise RequestError(
                f"{field} needs confidences, and checkpoint {parameters.checkpoint} has no "
                "calibration: leave it out, or serve a checkpoint that `laserve-train evaluate` "
                "has calibrated",
                f"selection.{field}",
            )
        extractor = make_extractor(options.answer, self.plugins)
        equality: Equality = StringEquality()
        if options.equality == "math":
            equality = self.math.for_request()
        ballot = Ballot(options, extractor, equality, seed)
        rules = stop_rules(options)
        if options.max_risk is None:
            return SelectionPlan(options, ballot, rules, read, on_ended)
        judged = parameters.judged
        # In a thread: it may take its time.
        risk = await asyncio.to_thread(
            bounded_risk, options, options.max_risk, judged, parameters.checkpoint
        )
        sampling = None if judged is None else judged.sampling
        return SelectionPlan(options, ballot, rules, read, on_ended, risk, sampling)
