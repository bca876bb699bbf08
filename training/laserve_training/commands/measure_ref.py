"""`laserve-train measure-ref`: c_ref of the model that training starts from."""

from pathlib import Path

from accelerate import PartialState
from rich.console import Console
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.describe import describe_checkpoint
from laserve.core.manifest import write_manifest
from laserve.core.row_faults import RowFaults
from laserve.core.tokens import find_token
from laserve.errors import ConfigurationError
from laserve.progress import progress_bar
from laserve.reference.encode import encode_rows, find_eos_tokens
from laserve.reference.load import load_model
from laserve.reference.measure import ReferenceMeasurement, measure_reference
from laserve.reference.rows import Row
from laserve_training.commands.training_problems import training_problems
from laserve_training.config import Config
from laserve_training.models import base_name, start_of, training_tokenizer
from laserve_training.problem import Problem
from laserve_training.rows import as_rows

BATCH_SIZE = 64
"""Solutions sampled at a time."""


def run_measure_ref(config: Config) -> Path:
    """Measure c_ref over training problems and write it as the model's manifest: the score before
    training, which an evaluation can stand beside.

    Raises ConfigurationError where the model is no local folder.
    """
    start = start_of(config)
    folder = Path(start)
    if not folder.is_dir():
        raise ConfigurationError(
            f"{start} is not a folder, so its manifest has no place: use `laserve measure-ref "
            f"{start} --data FILE --output DIR`"
        )
    tokenizer = training_tokenizer(start)
    problems = training_problems(config, tokenizer, config.score.c_ref_samples)
    model = load_model(start, config.model.dtype, config.model.attn_implementation)
    measurement = measure(config, model, tokenizer, problems)
    name = base_name(config)
    write_manifest(
        folder,
        describe_checkpoint(
            folder,
            tokenizer,
            measurement.parameters(name, config.score.beta_v),
            c_ref=measurement.c_ref,
            base_model=name,
            completions=measurement.completions,
            chat_template_kwargs=config.model.chat_template_kwargs,
        ),
    )
    c_ref = measurement.c_ref
    Console().print(f"c_ref {c_ref.mean:.4f} ± {c_ref.std:.4f} nats over {c_ref.count} solutions")
    return folder


def measure(
    config: Config,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: list[Problem],
    *,
    with_completions: bool = False,
) -> ReferenceMeasurement:
    """log p(z_c) after solutions that `model` writes to `problems`, or after their completions.

    Of these what cannot be measured, as one that is longer than the context, is left out. Raises
    DataError where all are.
    """
    rows = as_rows(problems, with_completions=with_completions)
    if with_completions:
        rows = _usable(rows, config, model, tokenizer)
    nn.Module.to(model, PartialState().device)  # in place; transformers' own `to` is not typed
    with progress_bar() as progress:
        bar = progress.add_task("measuring log p(z_c)", total=len(rows))
        return measure_reference(
            model,
            tokenizer,
            rows,
            z_c=find_token(tokenizer, config.score.z_c),
            max_new_tokens=config.laser.max_completion_length,
            limit="laser.max_completion_length",
            batch_size=BATCH_SIZE,
            seed=config.seed,
            chat_template_kwargs=config.model.chat_template_kwargs,
            on_progress=lambda count: progress.advance(bar, count),
        )


def _usable(
    rows: dict[str, Row], config: Config, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> dict[str, Row]:
    z_c, eos = find_token(tokenizer, config.score.z_c), find_eos_tokens(model, tokenizer)
    arguments = config.model.chat_template_kwargs
    faults, usable = RowFaults(), {}
    for where, row in rows.items():
        with faults.caught():
            encode_rows(
                {where: row},
                model,
                tokenizer,
                z_c=z_c,
                eos=eos,
                max_new_tokens=0,
                chat_template_kwargs=arguments,
            )
            usable[where] = row
    if not usable:
        faults.refuse()
    return usable
