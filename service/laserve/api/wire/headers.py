"""Response headers: client libraries drop body fields that they do not know, and keep headers."""

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request

from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward
from laserve.selection.outcome import SelectionOutcome

PREFIX = "x-laserve-"
REWARD_FIELDS = (
    *("score", "confidence", "status", "method"),
    *("checkpoint", "checkpoint_version", "weights"),
)


def header_value(text: str) -> str:
    """A checkpoint's name may hold characters that a header cannot."""
    return quote(text, safe="/:@+")


def as_headers(raw_request: Request, values: dict[str, str]) -> dict[str, str]:
    """`x-laserve-score` and its like, from `values` by their names without the prefix."""
    headers = {PREFIX + name: header_value(value) for name, value in values.items()}
    if headers and "origin" in raw_request.headers:
        # A browser's script sees only the headers named here.
        headers["access-control-expose-headers"] = ", ".join(headers)
    return headers


def reward_values(reward: SelfReward) -> dict[str, str]:
    """Each field of `reward` that is not null."""
    return _stated({name: getattr(reward, name) for name in REWARD_FIELDS})


def checkpoint_values(parameters: ScoreParameters) -> dict[str, str]:
    """Which checkpoint answers, where there is no reward to say so."""
    return _stated(
        {
            "checkpoint": parameters.checkpoint,
            "checkpoint_version": parameters.version,
            "weights": parameters.weights,
        }
    )


def reward_headers(raw_request: Request, reward: SelfReward) -> dict[str, str]:
    """`x-laserve-score` and its like, one for each field of `reward` that is not null."""
    return as_headers(raw_request, reward_values(reward))


def _stated(fields: Mapping[str, object]) -> dict[str, str]:
    """By the names that headers have."""
    return {
        name.replace("_", "-"): str(value) for name, value in fields.items() if value is not None
    }


def selection_values(outcome: SelectionOutcome) -> dict[str, str]:
    """How many samples, why no more, whether the model abstained and what became of it, the method
    that chose, where one did, and the model of the upstream, where that one answered."""
    values = {
        "samples-used": str(outcome.samples_used),
        "stop-cause": outcome.stop_cause.value,
        "abstained": str(outcome.abstained).lower(),
        "decision": outcome.decision.value,
    }
    if outcome.applied_method is not None:
        values["applied-method"] = outcome.applied_method.value
    if outcome.upstream is not None and outcome.upstream.status == "answered":
        values["upstream"] = outcome.upstream.model
    return values
