"""What LaSeR adds to TRL's GRPO trainer, against plain forward passes of the same model."""

import math
from dataclasses import fields
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from laserve.errors import ConfigurationError
from laserve.reference.load import load_model
from laserve_training.laser.generation import barring
from laserve_training.laser.loss import class_weights
from laserve_training.laser.rollouts import LOGPROB_KEY, ScoredRollouts
from laserve_training.laser.trainer import REFERENCE, TARGETS, WEIGHTS
from tests.integration.training.conftest import BASE, TrainerFactory
from tests.tiny_model import TinyModel

FLOAT32 = 1e-5
"""Two ways to the same log-probability of about 10 nats in float32."""


def batch_of(trainer: Any, rows: int = 8) -> dict[str, Any]:
    """One generation batch with its rewards, as the trainer makes it."""
    groups: int = rows // trainer.num_generations
    inputs = [
        dict(trainer.train_dataset[index])
        for index in range(groups)
        for _ in range(trainer.num_generations)
    ]
    trainer.model.train()
    batch: dict[str, Any] = trainer._generate_and_score_completions(inputs)
    return batch


def solutions(trainer: Any, batch: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """Token ids of each prompt and its completion, without padding."""
    parts = []
    for row in range(len(batch["completion_ids"])):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row].bool()]
        completion = batch["completion_ids"][row][batch["completion_mask"][row].bool()]
        parts.append((prompt.tolist(), completion.tolist()))
    return parts


def forward(trainer: Any, ids: list[int]) -> torch.Tensor:
    """log p of every token after each place of `ids`, in float64; shape (T, V)."""
    with torch.no_grad():
        logits = trainer.model(input_ids=torch.tensor([ids])).logits[0]
    logprobs: torch.Tensor = logits.double().log_softmax(-1)
    return logprobs


def score_logprobs(trainer: Any, batch: dict[str, Any]) -> torch.Tensor:
    """What the trainer's own forward pass gives z_c, per row."""
    input_ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    trainer._get_per_token_logps_and_entropies(
        trainer.model, input_ids, mask, batch["completion_ids"].size(1), compute_entropy=True
    )
    logprobs: torch.Tensor = trainer._logprobs_B.detach()
    return logprobs


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.6])
def test_the_forward_pass_gives_z_c_its_raw_log_probability_at_every_temperature(
    make_trainer: TrainerFactory, tiny: TinyModel, temperature: float
) -> None:
    trainer = make_trainer(temperature=temperature)
    batch = batch_of(trainer)
    logprobs = score_logprobs(trainer, batch)
    finished = 0
    for row, (prompt, completion) in enumerate(solutions(trainer, batch)):
        if completion[-1] in tiny.eos_token_ids:
            finished += 1
            expected = forward(trainer, prompt + completion)[-1, tiny.z_c]
            assert float(logprobs[row]) == pytest.approx(float(expected), abs=FLOAT32)
    assert finished >= 2


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_policy_log_probabilities_and_entropies_are_trls_own(
    make_trainer: TrainerFactory, temperature: float
) -> None:
    trainer = make_trainer(temperature=temperature)
    batch = batch_of(trainer)
    input_ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    arguments = (trainer.model, input_ids, mask, batch["completion_ids"].size(1))
    ours = trainer._get_per_token_logps_and_entropies(*arguments, compute_entropy=True)
    theirs = GRPOTrainer._get_per_token_logps_and_entropies(
        trainer, *arguments, compute_entropy=True
    )
    inside = batch["completion_mask"].bool()
    for mine, reference in zip(ours[:2], theirs[:2], strict=True):
        assert mine.shape == reference.shape
        assert torch.allclose(mine[inside], reference[inside], atol=FLOAT32)


def test_prompts_are_rendered_as_the_server_renders_them(make_trainer: TrainerFactory) -> None:
    trainer = make_trainer(chat_template_kwargs={"brief": True})
    tokenizer = trainer.processing_class
    tokenizer.chat_template = (
        "{% if brief %}Be brief. {% endif %}{% for message in messages %}"
        "{% if 'name' in message %}{{ message['name'] }}: {% endif %}{{ message['content'] }}"
        "{% endfor %}"
    )
    rows = [[{"role": "user", "content": "Hi", "name": "Ann"}], [{"role": "user", "content": "Ho"}]]
    # A table gives each message the keys of all of them, and null to those that lack one.
    kept = list(Dataset.from_list([{"prompt": row} for row in rows])["prompt"])
    assert kept[1][0]["name"] is None
    rendered, _, _ = trainer._tokenize_prompts(kept)
    assert tokenizer.batch_decode(rendered) == ["Be brief. Ann: Hi", "Be brief. Ho"]

    tokenizer.chat_template = None
    plain, _, _ = trainer._tokenize_prompts([rows[1]])
    assert plain == [tokenizer("Ho").input_ids]
    rollouts = trainer.rollout_func([rows[1]], trainer)
    assert rollouts["prompt_ids"] == plain


def test_rollouts_carry_the_score_of_the_policy_that_wrote_them(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    trainer = make_trainer()
    trainer.model.train()
    prompts = [trainer.train_dataset[index % 4]["prompt"] for index in range(24)]
    rollouts = ScoredRollouts(tiny.z_c)(prompts, trainer)
    truncated = 0
    for prompt, completion, logprob in zip(
        rollouts["prompt_ids"], rollouts["completion_ids"], rollouts[LOGPROB_KEY], strict=True
    ):
        assert tiny.z_c not in completion
        assert len(completion) <= 16
        assert not tiny.eos_token_ids.intersection(completion[:-1])
        if completion[-1] in tiny.eos_token_ids:
            expected = forward(trainer, prompt + completion)[-1, tiny.z_c]
            assert logprob == pytest.approx(float(expected), abs=FLOAT32)
        else:
            truncated += 1
            assert len(completion) == 16
            assert math.isnan(logprob)
    assert 0 < truncated < 24


def test_a_models_own_generation_settings_change_neither_rollouts_nor_scores(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    sampled = []
    for own in ({}, {"no_repeat_ngram_size": 1, "min_new_tokens": 9, "min_p": 0.9}):
        trainer = make_trainer()
        trainer.model.generation_config.update(**own)
        torch.manual_seed(0)
        prompts = [trainer.train_dataset[index % 4]["prompt"] for index in range(8)]
        sampled.append(ScoredRollouts(tiny.z_c)(prompts, trainer))
        assert all(getattr(trainer.model.generation_config, key) == own[key] for key in own)
    plain, kept = sampled
    assert kept["completion_ids"] == plain["completion_ids"]
    assert kept[LOGPROB_KEY] == pytest.approx(plain[LOGPROB_KEY], nan_ok=True)


def test_what_bars_words_and_biases_tokens_of_vllm_keeps_z_c_out() -> None:
    assert barring("<z>", 7, {}) == {"bad_words": ["<z>"]}
    given = {"bad_words": ["no"], "logit_bias": {"3": 1.0}}
    assert barring("<z>", 7, given) == {**given, "bad_words": ["<z>", "no"]}
    with pytest.raises(ConfigurationError, match="steers the score token 7"):
        barring("<z>", 7, {"logit_bias": {7: 100.0}})


def test_rollouts_are_sampled_from_the_policy_itself(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    trainer = make_trainer()
    prompt = trainer.train_dataset[0]["prompt"]
    torch.manual_seed(0)
    rollouts = ScoredRollouts(tiny.z_c)([prompt] * 1500, trainer)
    first = torch.tensor([ids[0] for ids in rollouts["completion_ids"]])
    counts = torch.bincount(first, minlength=tiny.vocab_size)
    expected = forward(trainer, rollouts["prompt_ids"][0])[-1].exp() * 1500
    # Pearson's statistic over the tokens expected at least 5 times: within 4 standard deviations.
    common = expected >= 5
    statistic = float(((counts[common] - expected[common]) ** 2 / expected[common]).sum())
    freedom = int(common.sum())
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)


def test_targets_and_weights_come_from_the_whole_batch(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    # Two micro-batches of 4 out of one generation of 8.
    trainer = make_trainer(per_device_train_batch_size=4, gradient_accumulation_steps=2)
    batch = batch_of(trainer)
    pairs = solutions(trainer, batch)
    finished = torch.tensor([completion[-1] in tiny.eos_token_ids for _, completion in pairs])
    texts = trainer.processing_class.batch_decode(
        [completion for _, completion in pairs], skip_special_tokens=True
    )
    verdicts = torch.tensor([float(len(text) % 2 == 0) for text in texts])
    assert batch[TARGETS].tolist() == verdicts.tolist()
    assert batch[WEIGHTS].tolist() == class_weights(verdicts, finished).tolist()
    assert batch[REFERENCE].tolist() == [-14.0] * 8


def test_the_loss_is_grpos_plus_alpha_times_the_papers(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    trainer = make_trainer(alpha=0.7)
    batch = batch_of(trainer)
    trainer.current_gradient_accumulation_steps = 1
    loss = trainer._compute_loss(trainer.model, batch)
    grpo = GRPOTrainer._compute_loss(trainer, trainer.model, batch)
    total = 0.0
    for row, (prompt, completion) in enumerate(solutions(trainer, batch)):
        if completion[-1] in tiny.eos_token_ids:
            logprob = float(forward(trainer, prompt + completion)[-1, tiny.z_c])
            error = 0.1 * (logprob + 14.0) - float(batch[TARGETS][row])
            total += float(batch[WEIGHTS][row]) * error**2
    assert (loss - grpo).item() == pytest.approx(0.7 * total / 8, abs=1e-6)


def test_the_score_enters_the_advantage_in_the_integration_phase_only(
    make_trainer: TrainerFactory,
) -> None:
    by_phase = []
    for warm_up in (1, 0):
        trainer = make_trainer(self_reward_warmup_steps=warm_up, tau=0.5, c_ref=-20.0, beta_v=0.1)
        torch.manual_seed(3)
        by_phase.append((trainer, batch_of(trainer)))
    (_, plain), (_, integrated) = by_phase
    assert torch.equal(plain["completion_ids"], integrated["completion_ids"])
    assert not torch.allclose(plain["advantages"], integrated["advantages"])


def test_an_evaluation_normalises_scores_within_its_own_groups(
    make_trainer: TrainerFactory,
) -> None:
    trainer = make_trainer(num_generations_eval=2, tau=1.0, advantage_min_std=0.0, c_ref=-14.0)
    inputs = [dict(trainer.train_dataset[index // 2]) for index in range(4)]
    trainer.model.eval()
    torch.manual_seed(2)
    batch = trainer._generate_and_score_completions(inputs)
    # Two of a group, normalised: opposite, or the verifier's where their scores are the same.
    first, second = batch["advantages"].view(2, 2).T
    assert torch.allclose(first, -second, atol=1e-4)


def test_before_the_policy_starts_the_advantages_are_zero(make_trainer: TrainerFactory) -> None:
    assert not batch_of(make_trainer(policy_start_step=1))["advantages"].any()


def test_the_reference_models_own_log_probability_can_be_the_reference(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    trainer = make_trainer(reference="model", beta=0.1)
    with torch.no_grad():  # the policy moves away from the reference model
        trainer.model.model.embed_tokens.weight.mul_(1.5)
    batch = batch_of(trainer)
    trainer_reference = batch[REFERENCE]
    for row, (prompt, completion) in enumerate(solutions(trainer, batch)):
        if completion[-1] in tiny.eos_token_ids:
            with torch.no_grad():
                logits = trainer.ref_model(input_ids=torch.tensor([prompt + completion])).logits
            expected = logits[0, -1].double().log_softmax(-1)[tiny.z_c]
            assert float(trainer_reference[row]) == pytest.approx(float(expected), abs=FLOAT32)


class WithoutScores:
    """What rollouts from vLLM are like: tokens only."""

    def __init__(self, z_c: int) -> None:
        self._rollouts = ScoredRollouts(z_c)

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        rollouts = self._rollouts(prompts, trainer)
        del rollouts[LOGPROB_KEY]
        return rollouts


def test_rollouts_without_scores_take_them_from_the_old_policys_forward_pass(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    # Two epochs over a batch make TRL compute the old policy's log-probabilities, as vLLM does.
    trainer = make_trainer(num_iterations=2, beta=0.1)
    trainer.rollout_func = WithoutScores(tiny.z_c)
    batch = batch_of(trainer)
    logprobs = trainer._rollout_logprobs([{}])
    for row, (prompt, completion) in enumerate(solutions(trainer, batch)):
        if completion[-1] in tiny.eos_token_ids:
            expected = forward(trainer, prompt + completion)[-1, tiny.z_c]
            assert float(logprobs[row]) == pytest.approx(float(expected), abs=FLOAT32)


def test_rollouts_without_scores_and_without_that_pass_are_refused(
    make_trainer: TrainerFactory, tiny: TinyModel
) -> None:
    trainer = make_trainer()
    trainer.rollout_func = WithoutScores(tiny.z_c)
    with pytest.raises(ConfigurationError, match=LOGPROB_KEY):
        batch_of(trainer)


def test_a_verifier_that_gives_more_than_right_or_wrong_is_refused(
    make_trainer: TrainerFactory,
) -> None:
    def half(completions: list[Any], **_: Any) -> list[float]:
        return [0.5] * len(completions)

    with pytest.raises(ConfigurationError, match="1 or 0: half"):
        batch_of(make_trainer(rewards=[half]))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"c_ref": -9.0}, "score of 1 needs"),
        ({"reference": "model"}, "set beta above 0"),
        ({"reference": "mean"}, "'constant' or 'model'"),
        ({"repetition_penalty": 1.1}, "repetition_penalty=1.1"),
        (
            {"generation_kwargs": {"repetition_penalty": 1.1}},
            "the trainer's own repetition_penalty",
        ),
        ({"generation_kwargs": {"min_new_tokens": 4}}, "min_new_tokens may change"),
        (
            {"generation_kwargs": {"exponential_decay_length_penalty": [2, 1.5]}},
            "exponential_decay_length_penalty may change",
        ),
        ({"per_device_train_batch_size": 128}, "16 problems are fewer than the 32"),
        ({"use_transformers_continuous_batching": True}, "come without a score"),
        ({"use_vllm": True, "vllm_importance_sampling_correction": False}, "Leave it on"),
        ({"z_c": -1}, "z_c is missing"),
        (
            {"num_iterations": 2, "save_strategy": "steps", "save_steps": 3},
            "lies between two generations",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    make_trainer: TrainerFactory, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        make_trainer(**arguments)


def test_weights_in_16_bits_are_refused(
    make_trainer: TrainerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bfloat16 = load_model(str(make_trainer.tiny.path), "bfloat16")
    monkeypatch.setattr(TrainerFactory, "model", lambda self: bfloat16)
    with pytest.raises(ConfigurationError, match="is in bfloat16"):
        make_trainer()


@pytest.mark.parametrize("option", ["tools", "environment_factory"])
def test_completions_of_several_turns_are_refused(
    make_trainer: TrainerFactory, option: str
) -> None:
    with pytest.raises(ConfigurationError, match="several turns"):
        make_trainer(options={option: [print]})


def test_grpo_alone_is_what_alpha_zero_trains(make_trainer: TrainerFactory) -> None:
    # Plain gradient descent: Adam's first steps make as much of a rounding error as of a gradient.
    arguments = {**BASE, "max_steps": 2, "optim": "sgd", "learning_rate": 1.0}
    known = {field.name for field in fields(GRPOConfig)}
    grpo = make_trainer(
        GRPOTrainer, GRPOConfig, **{key: arguments[key] for key in arguments.keys() & known}
    )
    laser = make_trainer(**arguments, alpha=0.0, tau=0.0)
    before = {name: tensor.clone() for name, tensor in laser.model.state_dict().items()}
    # The same rollouts in both: what is compared is the training.
    grpo.rollout_func = laser.rollout_func
    for trainer in (grpo, laser):
        torch.manual_seed(0)
        trainer.train()
    after = laser.model.state_dict()
    for name, tensor in grpo.model.state_dict().items():
        assert torch.allclose(tensor, after[name], atol=1e-5), name
    assert any(not torch.allclose(before[name], after[name], atol=1e-3) for name in before)
