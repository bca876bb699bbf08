"""`ask`: one question, its answer, and what the model thinks of it."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laserve_client._errors import InvalidArgumentError
from laserve_client._selection import SelectionOptions
from laserve_client._server import Server
from laserve_client._sync import LaServe
from laserve_client._types import Answer, Finished, Selected, Selection

ABSTAINED = 1


@dataclass(frozen=True)
class Question:
    """What is asked, and how the answer is printed."""

    text: str
    sampling: dict[str, Any]
    """Fields of the request."""
    selection: SelectionOptions
    """Empty: one sample is drawn and nothing selected."""
    stream: bool
    as_json: bool


def ask(server: Server, question: Question) -> int:
    """Print the answer on stdout, the verdict on stderr. Returns the exit status.

    Raises ClientError.
    """
    if not question.text:
        raise InvalidArgumentError("the question is empty")
    with LaServe(server.base_url, server.model, server.api_key, timeout=server.timeout_s) as client:
        answer = _streamed(client, question) if question.stream else _whole(client, question)
    if question.as_json:
        print(json.dumps(answer.model_dump(exclude={"raw"}), indent=2))
    else:
        if not question.stream:
            print(answer.text)
        print(verdict(answer), file=sys.stderr)
    return ABSTAINED if isinstance(answer, Selected) and answer.abstained else 0


def _whole(client: LaServe, question: Question) -> Answer:
    if question.selection:
        return client.select(question.text, **question.selection, **question.sampling)
    return client.generate(question.text, **question.sampling)


def _streamed(client: LaServe, question: Question) -> Answer:
    answer: Answer | None = None
    for event in client.stream(question.text, question.selection or None, **question.sampling):
        if isinstance(event, Finished):
            answer = event.answer
        else:
            print(event.text, end="", flush=True)
    print()
    assert answer is not None  # a stream ends with it, or raises
    return answer


def verdict(answer: Answer) -> str:
    """What the model thinks of an answer, as lines for people."""
    lines = []
    if answer.self_reward is not None:
        reward = answer.self_reward
        told = [f"score {_number(reward.score)}", f"confidence {_number(reward.confidence)}"]
        lines.append(f"{', '.join(told)} ({reward.status})")
    if isinstance(answer, Selected):
        lines += _selection_lines(answer.selection)
    return "\n".join(lines) or "not scored"


def _selection_lines(selection: Selection) -> list[str]:
    drawn = f"{selection.method} of {selection.samples_used} samples ({selection.stop_cause})"
    lines = [f"{drawn}: confidence {_number(selection.confidence)}"]
    lines += [
        f"  {vote.count} x {vote.answer!r}, weight {_number(vote.weight)}"
        for vote in selection.votes
    ]
    unvoted = {name: count for name, count in selection.unvoted.model_dump().items() if count}
    if unvoted:
        lines.append("  without a vote: " + _counts(unvoted))
    if selection.unscored:
        lines.append("  without a score: " + _counts(selection.unscored))
    if selection.applied_method not in (None, selection.method):
        lines.append(
            f"{selection.method} needs scores, and no vote has one: {selection.applied_method}"
        )
    if selection.abstained:
        missed = "no sample gave an answer"
        if selection.answer is not None:
            missed = f"the {_asked_for(selection)} was not reached"
        lines.append(f"abstained: {missed}")
    if selection.upstream is not None:
        upstream = selection.upstream
        said = f": {upstream.message}" if upstream.message else ""
        lines.append(f"upstream {upstream.model} {upstream.status}{said}")
    return lines


def _asked_for(selection: Selection) -> str:
    risk, score = selection.risk, selection.score
    is_at_risk = risk is not None and (score is None or score < risk.min_score)
    return "score that the risk takes" if is_at_risk else "confidence asked for"


def _counts(by_reason: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in by_reason.items())


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
