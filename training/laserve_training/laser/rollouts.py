"""Rollouts with Hugging Face's `generate`, each with its self-reward read at its end.

The same idea as in serving: a solution that has reached its EOS is carried on by one step, the
log-probability of z_c is read there from the raw distribution, and z_c ends it. So the integration
phase needs no further forward pass. Implements TRL's `RolloutFunc`.
"""

import math
from collections.abc import Collection
from typing import Any, cast

import torch
from peft import PeftModel
from torch import FloatTensor, LongTensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, PreTrainedModel
from trl import GRPOConfig, GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.trainer.utils import pad

from laserve.core.eos import up_to_eos
from laserve.reference.own_settings import without_own_settings

LOGPROB_KEY = "z_c_logprob"
"""Key of log pi(z_c | x, y) beside each rollout; NaN where it has no EOS."""


class ScoreReader(LogitsProcessor):
    """Reads log p(z_c) at the step after each row's EOS, and lets z_c occur there only.

    Must see raw logits: `generate` runs it before temperature and top-k.
    """

    def __init__(self, z_c: int, eos_token_ids: Collection[int], prompt_width: int) -> None:
        self._z_c = z_c
        self._eos_token_ids = sorted(eos_token_ids)
        self._prompt_width = prompt_width
        self._logprobs_B = torch.empty(0)

    @property
    def logprobs(self) -> list[float]:
        """Of each row, nats; NaN where no EOS has been followed by another step."""
        return [float(logprob) for logprob in self._logprobs_B]

    def __call__(self, input_ids: LongTensor, scores: FloatTensor) -> FloatTensor:
        """`input_ids` (B, T) so far, `scores` (B, V) raw logits of the next token."""
        if not len(self._logprobs_B):
            self._logprobs_B = torch.full_like(scores[:, 0], math.nan, dtype=torch.float32)
        eos = torch.tensor(self._eos_token_ids, device=scores.device)
        ended = torch.isin(input_ids[:, -1], eos) & self._logprobs_B.isnan()
        # A prompt may end with an EOS token too.
        ended &= input_ids.size(1) > self._prompt_width
        self._logprobs_B[ended] = scores[ended].float().log_softmax(dim=-1)[:, self._z_c]
        changed = scores.clone()
        changed[:, self._z_c] = -math.inf
        changed[ended] = -math.inf
        changed[ended, self._z_c] = 0.0
        return cast(FloatTensor, changed)


def _parts(model: Any) -> list[PreTrainedModel]:
    """The models whose settings `generate` looks at: an adapter has its own, which it hands on."""
    adapted = isinstance(model, PeftModel)
    return [model, cast(PreTrainedModel, model.get_base_model())] if adapted else [model]


class ScoredRollouts:
    """TRL's `RolloutFunc` for a trainer that generates with Transformers."""

    def __init__(self, z_c: int) -> None:
        self._z_c = z_c

    def __call__(self, prompts: list[Any], trainer: GRPOTrainer) -> dict[str, Any]:
        """Token ids of each prompt's completion, up to its EOS, and its log pi(z_c | x, y)."""
        prompt_ids, _, _ = trainer._tokenize_prompts(prompts)
        tokens = [torch.tensor(ids) for ids in prompt_ids]
        padding = trainer._tokenizer.pad_token_id
        input_ids = pad(tokens, padding_value=padding, padding_side="left")
        mask = pad([torch.ones_like(ids) for ids in tokens], padding_value=0, padding_side="left")
        reader = ScoreReader(self._z_c, trainer.eos_token_ids, prompt_width=input_ids.size(1))
        limit = cast(int, trainer.max_completion_length)
        # z_c ends a row, one step after its EOS.
        settings = {
            **trainer.generation_kwargs,
            "eos_token_id": [self._z_c],
            "max_new_tokens": limit + 1,
        }
        with (
            unwrap_model_for_generation(
                trainer.model_wrapped,
                trainer.accelerator,
                gather_deepspeed3_params=cast(GRPOConfig, trainer.args).ds3_gather_for_generation,
                generation_kwargs=settings,
                gradient_checkpointing_kwargs=cast(Any, trainer.args.gradient_checkpointing_kwargs),
            ) as model,
            torch.no_grad(),
            # Around all steps: each by itself would make a 16-bit copy of the weights anew.
            trainer.accelerator.autocast(),
            trainer._dist.summon_full_params(trainer.model_wrapped, recurse=False),
            without_own_settings(*_parts(model)),
        ):
            output = model.generate(
                input_ids=input_ids.to(trainer.accelerator.device),
                attention_mask=mask.to(trainer.accelerator.device),
                generation_config=GenerationConfig(**settings, disable_compile=True),
                logits_processor=LogitsProcessorList([reader]),
            )
        eos = frozenset(trainer.eos_token_ids)
        rows = output[:, input_ids.size(1) :][:, :limit].tolist()
        completions = [up_to_eos(row, eos) for row in rows]
        return {
            "prompt_ids": prompt_ids,
            "completion_ids": completions,
            "logprobs": None,
            LOGPROB_KEY: [
                logprob if completion[-1] in eos else math.nan
                for completion, logprob in zip(completions, reader.logprobs, strict=True)
            ],
        }
