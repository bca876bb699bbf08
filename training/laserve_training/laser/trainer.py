"""LaSeR on TRL's GRPOTrainer: the score's log-probability out of the policy's own forward pass.

Six hooks of TRL 1.16 are overridden, and the body of none is copied:

    _tokenize_prompts                    renders prompts as the server does
    _get_per_token_logps_and_entropies   puts z_c after each EOS and keeps its log-probability
    _calculate_rewards                   keeps the verifier's verdicts of the whole batch
    _generate_and_score_completions      adds targets and weights; integrates the advantage
    _compute_loss                        adds alpha times the score's loss
    evaluation_loop                      adds the figures of the held-out solutions

B is the number of solutions in a process, N in all processes; C the tokens of a completion.
"""

import math
import time
from collections.abc import Callable
from typing import Any, cast

import torch
from datasets import Dataset
from peft import PeftModel
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.trainer_utils import EvalLoopOutput
from trl import GRPOTrainer
from trl.data_utils import is_conversational

from laserve.errors import ConfigurationError
from laserve.reference.encode import encode_prompt
from laserve_training.laser.advantages import integrate, self_reward_advantages
from laserve_training.laser.config import LaSeRConfig
from laserve_training.laser.generation import barring
from laserve_training.laser.held_out import SHOWN, HeldOutSolutions, ShownSolution
from laserve_training.laser.learnable import check_batch, check_learnable
from laserve_training.laser.loss import (
    ScoredSolutions,
    class_weights,
    score_means,
    self_reward_loss,
    self_reward_scores,
)
from laserve_training.laser.rollouts import LOGPROB_KEY, ScoredRollouts
from laserve_training.laser.sequences import append_scoring_token, scoring_positions
from laserve_training.laser.temperature import check_temperature, scored_at_temperature_one

TARGETS, WEIGHTS, REFERENCE = "self_reward_targets", "self_reward_weights", "self_reward_reference"
"""What travels with a batch, each of shape (B,), for `ScoredSolutions`."""


class LaSeRTrainer(GRPOTrainer):
    """GRPO plus the LaSeR loss (arXiv 2510.14943).

    The first reward function is the verifier, 1 for correct and 0 for incorrect. Others may
    follow; they shape the advantage and not the score's target. An evaluation's metrics get the
    figures that `measure_held_out` makes of its solutions; rows of both data sets have a column
    `problem`, another number for each. Raises ConfigurationError for what
    cannot be scored: tools, environments, images, a temperature that cannot be taken back; and for
    what cannot learn: weights in 16 bits.
    """

    args: LaSeRConfig

    def __init__(
        self,
        model: Any,
        *,
        args: LaSeRConfig,
        processing_class: PreTrainedTokenizerBase,
        measure_held_out: Callable[[HeldOutSolutions], dict[str, float]] | None = None,
        **options: Any,
    ) -> None:
        if options.get("tools") or options.get("environment_factory"):
            raise ConfigurationError(
                "tools and environments make completions of several turns, and the score is the "
                "verdict on one answer. Train without them"
            )
        if args.use_vllm:
            token = cast(str, processing_class.convert_ids_to_tokens(args.z_c))
            given = cast(dict[str, Any], args.generation_kwargs or {})
            args.generation_kwargs = barring(token, args.z_c, given)
        super().__init__(model, args=args, processing_class=processing_class, **options)
        check_learnable(cast(nn.Module, self.model), self.accelerator)
        check_batch(args, len(cast(Dataset, self.train_dataset)))
        if self._is_vlm:
            raise ConfigurationError("models with images are not supported: give a text model")
        if args.reference == "model" and self.ref_model is None:
            raise ConfigurationError(
                "reference='model' with an adapter: its reference pass cannot be told from the "
                "policy's. Use reference='constant'"
            )
        check_temperature(self._causal_lm(cast(nn.Module, self.model)), args.temperature)
        if not self.use_vllm and self.rollout_func is None:
            # TRL's vLLM rollouts come with a forward pass of the old policy, which gives the score.
            self.rollout_func = cast(Any, ScoredRollouts(args.z_c))
        self._schedule = args.schedule
        self._logprobs_B = torch.empty(0)
        """log p(z_c) of the last forward pass."""
        self._old_logprobs_B: Tensor | None = None
        self._reference_logprobs_B: Tensor | None = None
        self._verdicts_N = torch.empty(0)
        self._measure_held_out = measure_held_out
        self.held_out = HeldOutSolutions(cast(int, self.num_generations_eval))
        """The solutions of the evaluation that was last."""

    def _causal_lm(self, model: nn.Module) -> PreTrainedModel:
        unwrapped = self.accelerator.unwrap_model(model)
        base = unwrapped.get_base_model() if isinstance(unwrapped, PeftModel) else unwrapped
        return cast(PreTrainedModel, base)

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # Of a conversation; plain text is TRL's.
        if not is_conversational({"prompt": prompts[0]}):
            return cast(
                tuple[list[list[int]], None, dict[str, Any]], super()._tokenize_prompts(prompts)
            )
        tokenizer = cast(PreTrainedTokenizerBase, self.processing_class)
        kwargs = cast(dict[str, Any], self.chat_template_kwargs)
        return [encode_prompt("a prompt", one, tokenizer, kwargs) for one in prompts], None, {}

    def _get_per_token_logps_and_entropies(
        self,
        model: nn.Module,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        prompt_length = input_ids.size(1) - logits_to_keep
        at = scoring_positions(
            input_ids[:, prompt_length:], attention_mask[:, prompt_length:], self.eos_token_ids
        )
        ids, mask = append_scoring_token(
            input_ids, attention_mask, prompt_length, at, self.args.z_c
        )
        backbone = self._causal_lm(model).base_model
        with scored_at_temperature_one(backbone, at, prompt_length, self.temperature):
            logps, entropies, aux_loss = super()._get_per_token_logps_and_entropies(
                model, ids, mask, logits_to_keep + 1, *args, **kwargs
            )
        index = at.index_B.unsqueeze(1)
        self._logprobs_B = logps.gather(1, index).squeeze(1)
        if self.ref_model is not None and model is self.ref_model:
            self._reference_logprobs_B = self._logprobs_B
        elif not torch.is_grad_enabled() and self._old_logprobs_B is None:
            self._old_logprobs_B = self._logprobs_B
        # TRL expects 0 where nothing is to be predicted.
        logps = logps.scatter(1, index, 0.0)[:, :-1]
        return logps, None if entropies is None else entropies[:, :-1], aux_loss

    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> Tensor:
        rewards = cast(Tensor, super()._calculate_rewards(*args, **kwargs))
        self._verdicts_N = rewards[:, 0]
        if not bool(((self._verdicts_N == 0) | (self._verdicts_N == 1)).all()):
            raise ConfigurationError(
                "the first reward function must be the verifier, which gives each solution 1 or 0: "
                f"{self.reward_func_names[0]} gave something else"
            )
        return rewards

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._forget_passes()
        begun = time.perf_counter()
        batch = cast(dict[str, Any], super()._generate_and_score_completions(inputs))
        tokens_per_second = float(batch["num_items_in_batch"]) / (time.perf_counter() - begun)
        self._metrics[self._mode]["tokens_per_second"].append(tokens_per_second)
        at = scoring_positions(
            batch["completion_ids"], batch["completion_mask"], self.eos_token_ids
        )
        size = len(inputs)
        own = slice(
            self.accelerator.process_index * size, (self.accelerator.process_index + 1) * size
        )
        verdicts_N = self._verdicts_N
        finished_N = cast(Tensor, self.accelerator.gather(at.finished_B))
        weights_N = (
            class_weights(verdicts_N, finished_N)
            if self.args.class_balanced
            else finished_N.float()
        )
        reference_B = torch.full_like(verdicts_N[own], self.args.c_ref)
        if self.args.reference == "model" and self._reference_logprobs_B is not None:
            reference_B = self._reference_logprobs_B
        batch |= {TARGETS: verdicts_N[own], WEIGHTS: weights_N[own], REFERENCE: reference_B}

        logprobs_B = self._rollout_logprobs(inputs).to(reference_B)
        scores_N = cast(
            Tensor, self.accelerator.gather(self.args.beta_v * (logprobs_B - reference_B))
        )
        if self._mode == "train":
            self._log_verdicts(scores_N, verdicts_N, finished_N)
        else:
            self._keep_held_out(inputs, batch, scores_N.where(finished_N, math.nan), verdicts_N)
        step = self.state.global_step
        if not self._schedule.trains_policy(step):
            batch["advantages"] = torch.zeros_like(batch["advantages"])
        elif self._schedule.integrates(step) and self.args.tau > 0:
            verifier_N = cast(Tensor, self.accelerator.gather(batch["advantages"]))
            self_N = self_reward_advantages(
                scores_N,
                finished_N,
                verifier_N,
                group_size=self._group_size,
                min_std=self.args.advantage_min_std,
            )
            batch["advantages"] = integrate(verifier_N, self_N, self.args.tau)[own]
        return batch

    def _forget_passes(self) -> None:
        self._old_logprobs_B = self._reference_logprobs_B = None

    def _rollout_logprobs(self, inputs: list[dict[str, Any]]) -> Tensor:
        """log pi(z_c | x, y) of each rollout under the policy that wrote it; NaN without an EOS."""
        if LOGPROB_KEY in inputs[0]:
            return torch.tensor([row[LOGPROB_KEY] for row in inputs])
        if self._old_logprobs_B is None:
            raise ConfigurationError(
                f"the rollout function gives no {LOGPROB_KEY!r}: add it to what it returns"
            )
        return self._old_logprobs_B

    def _log_verdicts(self, scores_N: Tensor, verdicts_N: Tensor, finished_N: Tensor) -> None:
        """How well the scores of the rollouts tell right from wrong, before this batch trains."""
        scores = scores_N[finished_N].float().cpu()
        verdicts = verdicts_N[finished_N].cpu()
        if 0 < int(verdicts.sum()) < len(verdicts):
            auroc = roc_auc_score(verdicts.numpy(), scores.numpy())
            self._metrics["train"]["self_reward/auroc"].append(float(auroc))

    def _keep_held_out(
        self,
        inputs: list[dict[str, Any]],
        batch: dict[str, Any],
        scores_N: Tensor,
        verdicts_N: Tensor,
    ) -> None:
        own = torch.tensor([row["problem"] for row in inputs], device=scores_N.device)
        problems_N = cast(Tensor, self.accelerator.gather(own))
        rows = zip(problems_N.tolist(), verdicts_N.bool().tolist(), scores_N.tolist(), strict=True)
        self.held_out.add(rows)
        tokenizer = cast(PreTrainedTokenizerBase, self.processing_class)
        first = self.accelerator.process_index * len(inputs)
        # One of each problem.
        for index in range(0, len(inputs), self.held_out.group_size):
            if len(self.held_out.shown) == SHOWN:
                break
            prompt = inputs[index]["prompt"]
            ids = batch["completion_ids"][index][batch["completion_mask"][index].bool()]
            self.held_out.shown.append(
                ShownSolution(
                    prompt=prompt if isinstance(prompt, str) else prompt[-1]["content"],
                    completion=str(tokenizer.decode(ids, skip_special_tokens=True)),
                    is_correct=bool(verdicts_N[first + index]),
                    score=float(scores_N[first + index]),
                )
            )

    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Of transformers' Trainer."""
        self.held_out = HeldOutSolutions(cast(int, self.num_generations_eval))
        output = super().evaluation_loop(
            dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
        )
        if self._measure_held_out is not None:
            metrics = cast(dict[str, float], output.metrics)
            for name, figure in self._measure_held_out(self.held_out).items():
                metrics[f"{metric_key_prefix}_{name}"] = figure
        return output

    @property
    def _group_size(self) -> int:
        """Solutions to a problem in the batch at hand."""
        is_training = self._mode == "train"
        return cast(int, self.num_generations if is_training else self.num_generations_eval)

    @property
    def _mode(self) -> str:
        return "train" if cast(nn.Module, self.model).training else "eval"

    def _compute_loss(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        loss = cast(Tensor, super()._compute_loss(model, inputs))  # type: ignore[no-untyped-call]
        if self.args.alpha == 0 or not self._schedule.trains_score(self.state.global_step):
            return loss
        solutions = ScoredSolutions(
            logprobs_B=self._logprobs_B,
            reference_B=inputs[REFERENCE],
            targets_B=inputs[TARGETS],
            weights_B=inputs[WEIGHTS],
            beta_v=self.args.beta_v,
        )
        score_loss = self_reward_loss(solutions)
        self._log_scores(solutions, score_loss.detach())
        accumulation = self.current_gradient_accumulation_steps if self._mode == "train" else 1
        return loss + self.args.alpha * score_loss / accumulation

    def _log_scores(self, solutions: ScoredSolutions, loss: Tensor) -> None:
        """Means over the solutions of all processes; TRL logs their mean over micro-batches."""
        scores_B = self_reward_scores(solutions).detach()
        columns_NK = cast(
            Tensor,
            self.accelerator.gather(
                torch.stack(
                    [scores_B, solutions.targets_B, solutions.weights_B, loss.expand_as(scores_B)],
                    dim=1,
                )
            ),
        )
        scores_N, targets_N, weights_N, losses_N = columns_NK.unbind(dim=1)
        metrics = self._metrics[self._mode]
        metrics["self_reward/loss"].append(float(losses_N.mean()))
        for name, mean in score_means(scores_N, targets_N, weights_N).items():
            metrics[name].append(mean)
