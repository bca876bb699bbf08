"""vLLM's schedulers, which end an armed request at the last digit of its score.

The EOS lowers the request's own token limit to where the message ends, so all else is vLLM's. With
asynchronous scheduling the step after an EOS is under way before the EOS is seen; plain vLLM throws
its token away, and here it is the first digit: one digit takes no step that plain vLLM does not.
"""

from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

from laserve.worker.codec import ScoreCodec
from laserve.worker.config import WorkerConfig, is_armed
from laserve.worker.grammar_budget import budgeted


class LaServeScheduler(Scheduler):
    """For engines without asynchronous scheduling, such as the CPU's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.structured_output_manager = budgeted(self.structured_output_manager)
        config = WorkerConfig.of(self.vllm_config)
        vocab_size = self.vllm_config.model_config.get_vocab_size()
        self._eos_token_ids = config.eos_token_ids
        self._digits = ScoreCodec(vocab_size, config.z_c).digits

    def _update_request_with_output(
        self, request: Request, new_token_ids: list[int], *args: Any, **kwargs: Any
    ) -> tuple[list[int], bool]:
        params = request.sampling_params
        if (
            not self._eos_token_ids.isdisjoint(new_token_ids)
            and params is not None
            and is_armed(params)
        ):
            first = next(i for i, token in enumerate(new_token_ids) if token in self._eos_token_ids)
            end = request.num_output_tokens + first + 1 + self._digits
            # A digit may be an EOS id, too: it comes after the first, and moves nothing.
            request.max_tokens = min(request.max_tokens, end)
        return super()._update_request_with_output(request, new_token_ids, *args, **kwargs)


class LaServeAsyncScheduler(LaServeScheduler, AsyncScheduler):
    """For engines with asynchronous scheduling."""
