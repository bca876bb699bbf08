"""What is not of a task's alphabet is wrong: a model from scratch learns it after its training.

Training meets the characters of the task alone, and the model has rows for no others. Here it gets
those of all other bytes: one row for all of them, so that what is learnt of one holds for each, be
it of a control character, an emoji or a word. It is trained, and nothing else: read, it takes the
score to 0, the LaSeR loss with the verdict "wrong" (arXiv 2510.14943, section 3); written, it is
never sampled. Texts of the alphabet keep every number that they had, to rounding.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from laserve.core.score import ScoreParameters
from laserve.progress import progress_bar
from laserve.reference.encode import EncodedRow, encode_rows, find_eos_tokens
from laserve_training.laser.loss import ScoredSolutions, self_reward_loss
from laserve_training.problem import Problem
from laserve_training.rows import as_rows
from laserve_training.tasks.generated import GeneratedTask

STEPS, BATCH, LEARNING_RATE = 300, 64, 0.03
HEAD_STEPS = 1500
SOLUTIONS, CLEAN = 4096, 1024
MARGIN = 60.0
"""Nats by which the likeliest token is ahead of each foreign byte."""
FOREIGN = "\n"
"""Stands for every byte that is not of an alphabet, which is of visible characters."""
LONGEST = 48
"""Characters of a foreign text."""


def teach_foreign_bytes(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: GeneratedTask,
    parameters: ScoreParameters,
    seed: int,
) -> None:
    """Give the model the rest of its tokenizer's vocabulary, in place.

    `task` is what it was trained on, with the vocabulary of that alphabet.
    """
    set_seed(seed)
    rng = Random(seed)
    shown = task.demonstrations(SOLUTIONS, seed, correct_share=0.5)
    spoilt = [with_foreign_text(problem, rng, task.alphabet) for problem in shown]
    clean = _Batch(_encoded(shown[:CLEAN], model, tokenizer, parameters.z_c))
    dirty = _encoded(spoilt, model, tokenizer, parameters.z_c)
    # Neighbours are about as long: a few long texts do not make every batch long.
    dirty.sort(key=lambda row: len(row.completion or ()))
    taught = model.config.vocab_size
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.requires_grad_(requires_grad=False)
    read_VD, written_VD = map(_rows, (model.get_input_embeddings(), model.get_output_embeddings()))
    with torch.no_grad():
        hidden_BTD = model.base_model(clean.ids_BT, clean.there_BT).last_hidden_state
    never_D = _never_written(hidden_BTD[clean.answers_BT], written_VD[:taught])
    foreign = len(tokenizer) - taught
    read_D = nn.Parameter(read_VD[taught].clone())
    optimizer = torch.optim.Adam([read_D], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    with progress_bar() as progress:
        for _ in progress.track(range(STEPS), description="teaching foreign bytes"):
            first = rng.randint(0, len(dirty) - BATCH)
            batch = _Batch(dirty[first : first + BATCH])
            rows_VD = torch.cat([read_VD[:taught], read_D.expand(foreign, -1)])
            logits_BTV = model(
                inputs_embeds=embedding(batch.ids_BT, rows_VD), attention_mask=batch.there_BT
            ).logits
            read_BV = logits_BTV[range(BATCH), batch.last_B]
            solutions = ScoredSolutions(
                logprobs_B=read_BV.log_softmax(-1)[:, parameters.z_c],
                reference_B=torch.full((BATCH,), parameters.c_ref),
                targets_B=torch.zeros(BATCH),
                weights_B=torch.ones(BATCH),
                beta_v=parameters.beta_v,
            )
            optimizer.zero_grad()
            self_reward_loss(solutions).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        read_VD[taught:] = read_D
        written_VD[taught:] = never_D


def _rows(embeddings: nn.Module) -> Tensor:
    """(V, D)"""
    assert isinstance(embeddings, nn.Embedding | nn.Linear)
    return embeddings.weight


def _never_written(hidden_ND: Tensor, taught_VD: Tensor) -> Tensor:
    """A row of the output layer, D, that is `MARGIN` behind the likeliest of these tokens."""
    row_D = nn.Parameter(torch.zeros(hidden_ND.shape[1]))
    optimizer = torch.optim.Adam([row_D], LEARNING_RATE)
    likeliest_N = (hidden_ND @ taught_VD.T).amax(-1)
    for _ in range(HEAD_STEPS):
        ahead_N = likeliest_N - hidden_ND @ row_D
        optimizer.zero_grad()
        (MARGIN - ahead_N).relu().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return row_D.detach()


def with_foreign_text(problem: Problem, rng: Random, alphabet: str) -> Problem:
    """The problem with something foreign in its completion, in one place or the same in three."""
    text = str(problem.completion)
    places = rng.choice((1, 1, 3))
    foreign = _foreign(rng, alphabet, LONGEST // places)
    for _ in range(places):
        # Mostly at its ends, where people and programs put words.
        at = rng.choice((0, len(text), rng.randint(1, len(text) - 1)))
        text = text[:at] + foreign + text[at:]
    return replace(problem, completion=text)


def _foreign(rng: Random, alphabet: str, longest: int) -> str:
    """Up to `longest` characters, seldom many; in each third text some are of the alphabet."""
    length = int(longest ** rng.random())
    of_alphabet = rng.choice((0.0, 0.0, 0.5))
    drawn = [rng.choice(alphabet) if rng.random() < of_alphabet else FOREIGN for _ in range(length)]
    drawn[rng.randrange(length)] = FOREIGN
    return "".join(drawn)


class _Batch:
    """Solutions with their prompts and EOS."""

    def __init__(self, rows: Sequence[EncodedRow]) -> None:
        ids = [torch.tensor([*row.prompt, *(row.completion or ())]) for row in rows]
        lengths_B = torch.tensor([len(one) for one in ids])
        self.ids_BT = nn.utils.rnn.pad_sequence(ids, batch_first=True)
        positions_T = torch.arange(self.ids_BT.shape[1])
        self.there_BT = positions_T < lengths_B[:, None]
        prompts_B = torch.tensor([len(row.prompt) for row in rows])
        self.answers_BT = self.there_BT & (positions_T >= prompts_B[:, None] - 1)
        """Where a token of the answer is written, or the score read."""
        self.last_B = lengths_B - 1
        """Where each EOS is."""


def _encoded(
    problems: Sequence[Problem],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    z_c: int,
) -> list[EncodedRow]:
    # One problem may be there with several solutions.
    numbered = [replace(problem, where=str(number)) for number, problem in enumerate(problems)]
    return encode_rows(
        as_rows(numbered, with_completions=True),
        model,
        tokenizer,
        z_c=z_c,
        eos=find_eos_tokens(model, tokenizer),
        max_new_tokens=0,
    )
