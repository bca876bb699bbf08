"""A deployment whose engine is only there in name."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from laserve.access.key_ring import KeyRing
from laserve.api.middleware.auth import api_keys
from laserve.api.middleware.stack import Gate, surround
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from tests.unit.serving.fake_serving import PARAMETERS

BODY_LIMIT = 1 << 24
"""Bytes."""
BODY_LIMIT_S = 60.0


def deployment_of(checkpoint: str, version: int = 1) -> Deployment:
    """What answers for `checkpoint`, with real counts of its requests."""
    model = SimpleNamespace(max_model_len=64, logits_processors=None, get_vocab_size=lambda: 128)
    client: Any = SimpleNamespace(
        vllm_config=SimpleNamespace(
            model_config=model, use_v2_model_runner=False, speculative_config=None
        ),
        renderer=SimpleNamespace(
            get_tokenizer=lambda: SimpleNamespace(decode=lambda tokens: f"<{tokens[0]}>")
        ),
    )
    parameters = replace(PARAMETERS, checkpoint=checkpoint)
    return Deployment(version, client, parameters, lambda reward, tokens: None)


def bound(app: FastAPI, deployment: Deployment, ring: KeyRing | None = None) -> None:
    """Have the requests to `app` answered by this one alone, whatever it was before, for whom has a
    key of `ring`, or of the app's flags."""
    ring = ring or KeyRing(api_keys(app.state.args), None, None)
    surround(app, Switch(deployment), Gate(ring, BODY_LIMIT, BODY_LIMIT_S))
