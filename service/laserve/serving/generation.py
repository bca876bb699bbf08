"""One generation, as its request asks for it: plain, scored, or the winner of a selection."""

from collections.abc import AsyncGenerator

from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams

from laserve.scoring.engine import Options, Prompt
from laserve.scoring.score_token import prompt_token_ids
from laserve.scoring.scored_engine import ScoredEngine
from laserve.selecting.plan import SelectionPlan
from laserve.selecting.replay import winner_outputs
from laserve.selecting.select import select
from laserve.serving.deployment import Deployment
from laserve.serving.metering import MeteredEngine
from laserve.serving.scope import RequestScope


def generation(
    deployment: Deployment,
    scope: RequestScope | None,
    prompt: Prompt,
    params: SamplingParams,
    request_id: str,
    options: Options,
) -> AsyncGenerator[RequestOutput, None]:
    """The outputs, by a deployment. What comes of them beside is left on the scope; None where
    nothing is asked for."""
    options["lora_request"] = options.get("lora_request") or deployment.adapter
    engine: ScoredEngine | MeteredEngine = deployment.scored
    if scope is not None and scope.meter is not None:
        engine = MeteredEngine(deployment.scored, scope.meter)
        scope.meter.tokens += len(prompt_token_ids(prompt) or ())
    if scope is None or scope.plan is None:
        rewards = None if scope is None else scope.rewards
        return engine.generate(prompt, params, request_id, rewards, **options)
    return _selected(engine, scope, scope.plan, prompt, params, request_id, options)


async def _selected(
    engine: ScoredEngine | MeteredEngine,
    scope: RequestScope,
    plan: SelectionPlan,
    prompt: Prompt,
    params: SamplingParams,
    request_id: str,
    options: Options,
) -> AsyncGenerator[RequestOutput, None]:
    scored = scope.rewards is not None
    selection = await select(engine, plan, prompt, params, request_id, scored=scored, **options)
    scope.selection = selection
    winner = selection.winner
    if scope.rewards is not None and winner.reward is not None:
        scope.rewards.record(scope.rewards.reserve(1), winner.reward)
    for output in winner_outputs(winner.output, params, request_id, engine.renderer.tokenizer):
        yield output
