"""Armed requests in vLLM's schedulers: how many steps a score takes beside plain vLLM."""

from dataclasses import dataclass, field

import pytest
import torch
from vllm.engine.arg_utils import EngineArgs
from vllm.sampling_params import SamplingParams
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus
from vllm.v1.structured_output import StructuredOutputManager

from laserve.scoring.arming import Arming
from laserve.worker.codec import ScoreCodec
from laserve.worker.config import WorkerConfig
from laserve.worker.scheduler import LaServeAsyncScheduler, LaServeScheduler
from tests.tiny_model import TinyModel, build_tiny_model

PROMPT = [1, 2, 3]
DIGITS = 2
"""Of the tiny model, whose vocabulary has 384 entries."""
BLOCK_SIZE, BLOCKS = 16, 64


@dataclass
class Runner:
    """A scheduler whose model says what a test tells it; batches are under way as in vLLM: one, or
    two where scheduling is asynchronous."""

    scheduler: Scheduler
    says: list[int]
    """What is sampled at one step after the other."""
    steps: int = 0
    under_way: list[SchedulerOutput] = field(default_factory=list)

    def run(self, request: Request) -> None:
        """To its end."""
        self.scheduler.add_request(request)
        depth = 2 if isinstance(self.scheduler, LaServeAsyncScheduler) else 1
        while not request.is_finished():
            batch = self.scheduler.schedule()
            if batch.total_num_scheduled_tokens:
                self.under_way.append(batch)
                self.steps += 1
            if len(self.under_way) == depth or not batch.total_num_scheduled_tokens:
                self._take(request)

    def _take(self, request: Request) -> None:
        batch = self.under_way.pop(0)
        sampled = ModelRunnerOutput(
            req_ids=[request.request_id],
            req_id_to_index={request.request_id: 0},
            sampled_token_ids=[[self.says.pop(0)]],
        )
        self.scheduler.update_from_output(batch, sampled)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=[LaServeScheduler, LaServeAsyncScheduler])
def scheduler(request: pytest.FixtureRequest, model: TinyModel) -> Scheduler:
    kind: type[Scheduler] = request.param
    options = EngineArgs(
        model=str(model.path),
        max_model_len=BLOCK_SIZE * BLOCKS // 2,
        additional_config=WorkerConfig(model.z_c, model.eos_token_ids).to_additional_config(),
    )
    config = options.create_engine_config()
    config.scheduler_config.async_scheduling = kind is LaServeAsyncScheduler
    config.cache_config.num_gpu_blocks = BLOCKS
    attention = FullAttentionSpec(
        block_size=BLOCK_SIZE, num_kv_heads=1, head_size=8, dtype=torch.float32
    )
    return kind(
        config,
        KVCacheConfig(BLOCKS, [], [KVCacheGroupSpec(["layer"], attention)]),
        StructuredOutputManager(config),
        BLOCK_SIZE,
    )


def request_of(model: TinyModel, scheduler: Scheduler, *, armed: bool, max_tokens: int) -> Request:
    params = SamplingParams(max_tokens=max_tokens)
    if armed:
        params = arming(model, scheduler).armed(params)
    config = {"eos_token_id": sorted(model.eos_token_ids)}
    params.update_from_generation_config(config, model.primary_eos)
    return Request("request", PROMPT, params, None)


def arming(model: TinyModel, scheduler: Scheduler) -> Arming:
    vocab_size = scheduler.vllm_config.model_config.get_vocab_size()
    codec = ScoreCodec(vocab_size, model.z_c)
    assert codec.digits == DIGITS
    return Arming(codec, model.eos_token_ids, 512, in_flight=True, row_after_penalties=False)


def test_a_score_takes_a_step_for_each_digit_less_the_one_that_vllm_throws_away(
    model: TinyModel, scheduler: Scheduler
) -> None:
    answer, rest = [9, 9, model.primary_eos], [7, 8, 6, 6, 6]
    steps = {}
    for armed in (False, True):
        runner = Runner(scheduler, answer + rest)
        request = request_of(model, scheduler, armed=armed, max_tokens=100)
        runner.run(request)
        assert list(request.output_token_ids) == answer + (rest[:DIGITS] if armed else [])
        steps[armed] = runner.steps
    thrown_away = int(isinstance(scheduler, LaServeAsyncScheduler))
    assert steps == {False: len(answer) + thrown_away, True: len(answer) + DIGITS}


@pytest.mark.parametrize("digits", [[7, 256], [256, 257], [257, 7]])
def test_a_digit_may_be_an_eos_id(
    model: TinyModel, scheduler: Scheduler, digits: list[int]
) -> None:
    assert {256, 257} == model.eos_token_ids
    request = request_of(model, scheduler, armed=True, max_tokens=100)
    Runner(scheduler, [9, 257, *digits, 6, 6, 6]).run(request)
    assert list(request.output_token_ids) == [9, 257, *digits]


def test_several_tokens_of_a_step_are_cut_where_the_message_ends(
    model: TinyModel, scheduler: Scheduler
) -> None:
    request = request_of(model, scheduler, armed=True, max_tokens=100)
    request.num_output_placeholders = 6
    update = scheduler._update_request_with_output
    assert update(request, [9, model.primary_eos, 7, 8, 6, 6]) == (
        [9, model.primary_eos, 7, 8],
        True,
    )
    assert request.status == RequestStatus.FINISHED_LENGTH_CAPPED


def test_an_answer_without_eos_ends_where_its_message_would(
    model: TinyModel, scheduler: Scheduler
) -> None:
    request = request_of(model, scheduler, armed=True, max_tokens=2)
    Runner(scheduler, [9] * 9).run(request)
    assert list(request.output_token_ids) == [9] * (2 + DIGITS)


def test_what_is_not_armed_goes_on_after_an_eos_that_it_ignores(
    model: TinyModel, scheduler: Scheduler
) -> None:
    params = SamplingParams(max_tokens=5, ignore_eos=True)
    request = Request("request", PROMPT, params, None)
    Runner(scheduler, [9, model.primary_eos, 9, 9, 9, 9, 9]).run(request)
    assert request.num_output_tokens == 5
