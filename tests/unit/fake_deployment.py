"""A deployment whose engine is only there in name."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from laserve.api.middleware.stack import surround
from laserve.serving.deployment import Deployment
from laserve.serving.switch import Switch
from tests.unit.fake_serving import PARAMETERS

BODY_LIMIT = 1 << 24
"""Bytes."""


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


def bound(app: FastAPI, deployment: Deployment) -> None:
    """Have the requests to `app` answered by this one alone, whatever it was before."""
    surround(app, Switch(deployment), body_limit=BODY_LIMIT)
