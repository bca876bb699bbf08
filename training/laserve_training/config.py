"""The configuration file of `laserve-train`: TOML, checked as a whole before anything runs.

Unknown keys, wrong types and contradictions are refused with the key's name. `training/configs`
holds complete files. Paths are relative to the folder that the command runs in.
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from laserve.core.faults import faults
from laserve.core.score import PAPER_BETA_V
from laserve.core.template_arguments import TemplateArguments
from laserve.errors import ConfigurationError
from laserve_training.laser.options import Count, LaSeROptions, Share

Text = Annotated[str, StringConstraints(min_length=1)]
Positive = Annotated[int, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class ScratchTable(_Table):
    """`[model.scratch]`: a small new model with a tokenizer of bytes."""

    architecture: Literal["qwen2", "llama"] = "qwen2"
    hidden_size: Positive = 128
    intermediate_size: Positive = 512
    num_hidden_layers: Positive = 4
    num_attention_heads: Positive = 4
    max_position_embeddings: Positive = 512
    """Context, in tokens."""


class LoraTable(_Table):
    """`[model.lora]`: train an adapter; the checkpoint that is written has it merged."""

    r: Positive = 16
    """Rank."""
    alpha: Positive = 32
    """Scale of the update, as a multiple of the rank."""
    dropout: Share = 0.0
    target_modules: Text | tuple[Text, ...] = "all-linear"


class ModelTable(_Table):
    """`[model]`: what training starts from. Exactly one of `path` and `scratch`."""

    path: Text | None = None
    """Checkpoint folder or hub id."""
    scratch: ScratchTable | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What training calculates in, and what the checkpoint is written in; auto: as the weights are
    stored. The weights that are trained are in float32 all the while: in 16 bits they would not
    move, as a step is less than what they round to."""
    attn_implementation: Text | None = None
    """Of the attention in training, as transformers names it: "sdpa", "eager",
    "flash_attention_2"; null: its own choice."""
    chat_template_kwargs: TemplateArguments = {}
    """What prompts are rendered with, as { enable_thinking = false }: in training, for c_ref and
    the golden probes, and by a server of the checkpoint."""
    lora: LoraTable | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.scratch is None):
            raise ValueError("give exactly one of `path` and `scratch`")
        return self


class CountdownTable(_Table):
    """`[task]` with kind "countdown": reach a target from digits (tasks/countdown.py)."""

    kind: Literal["countdown"]
    numbers: Positive = 3
    modulus: Positive = 10


class SumsTable(_Table):
    """`[task]` with kind "sums": work out a chain of sums (tasks/sums.py)."""

    kind: Literal["sums"]
    terms: Positive = 6
    modulus: Positive = 10


class FileTable(_Table):
    """`[task]` with kind "file": rows of JSON Lines, Parquet or a `datasets` folder."""

    kind: Literal["file"]
    name: Text
    train: Path | None = None
    calibration: Path | None = None
    test: Path | None = None


class ReasoningGymTable(_Table):
    """`[task]` with kind "reasoning_gym": a generator of that library with its own scorer."""

    kind: Literal["reasoning_gym"]
    dataset: Text
    options: dict[str, JsonValue] = {}


PlainTaskTable = Annotated[
    CountdownTable | SumsTable | FileTable | ReasoningGymTable, Field(discriminator="kind")
]


class MixturePart(_Table):
    """`[[task.parts]]`: one task of a mixture."""

    weight: Annotated[float, Field(gt=0.0)] = 1.0
    """Its share of the problems, relative to the other parts'."""
    verifier: Text = "task"
    """Of this part, as the key of that name of a whole file."""
    task: PlainTaskTable

    @model_validator(mode="after")
    def _has_a_verifier(self) -> Self:
        if self.task.kind == "file" and self.verifier == "task":
            raise ValueError('a task of kind "file" has no verifier of its own: name one')
        return self


class MixtureTable(_Table):
    """`[task]` with kind "mixture": several tasks, each with its verifier."""

    kind: Literal["mixture"]
    name: Text
    parts: Annotated[tuple[MixturePart, ...], Field(min_length=1)]


TaskTable = Annotated[
    CountdownTable | SumsTable | FileTable | ReasoningGymTable | MixtureTable,
    Field(discriminator="kind"),
]


class ScoreTable(_Table):
    """`[score]`: the constants of the self-reward score."""

    z_c: Annotated[Text, BeforeValidator(lambda z_c: str(z_c) if isinstance(z_c, int) else z_c)]
    """The score token, by its text or its id; of no other use."""
    beta_v: Annotated[float, Field(gt=0.0)] = PAPER_BETA_V
    """Scale, per nat. A target of 1 needs 1 / beta_v < |c_ref|."""
    c_ref: Annotated[float, Field(lt=0.0)] | Literal["measure"] = "measure"
    """Mean log p(z_c) of the model that training starts from, nats."""
    c_ref_samples: Positive = 256
    """Solutions to measure c_ref over."""


class SftTable(_Table):
    """`[sft]`: supervised fine-tuning on demonstrations, before LaSeR."""

    examples: Positive | None = None
    """Demonstrations to draw from a generated task, or rows of a file; all rows for null."""
    correct_share: Share = 1.0
    """Of a generated task: share of demonstrations made to be right. The others calculate rightly
    and guess at random, so that the model keeps something to verify."""
    trainer: dict[str, JsonValue] = {}
    """`[sft.trainer]`: arguments of TRL's SFTConfig."""


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


class FormatReward(_Table):
    """`[[laser.rewards]]` of kind "format": 1 where all of the completion matches."""

    kind: Literal["format"]
    pattern: Annotated[Text, AfterValidator(_regular_expression)]
    """A regular expression of Python's; its dot matches line ends, too."""
    weight: float


class LengthReward(_Table):
    """`[[laser.rewards]]` of kind "length": 0, falling to -1 in the last `buffer` tokens before
    `max_completion_length` (DAPO's soft punishment, arXiv 2503.14476, equation 13)."""

    kind: Literal["length"]
    buffer: Positive
    weight: float


class FunctionReward(_Table):
    """`[[laser.rewards]]` of kind "function": a reward function of TRL's form."""

    kind: Literal["function"]
    function: Text
    """As "package.module:function"."""
    weight: float


class EvaluationTable(_Table):
    """`[laser.evaluation]`: held-out problems that are answered every `laser.trainer.eval_steps`
    steps, `num_generations_eval` times each."""

    problems: Positive | None = None
    """Of the calibration split, so that the test split stays unseen; all rows of a file for
    null."""
    early_stopping_patience: Positive | None = None
    """Training ends where so many evaluations in a row bring no better
    `laser.trainer.metric_for_best_model`; null: never."""
    early_stopping_threshold: Annotated[float, Field(ge=0.0)] = 0.0
    """By how much it must be better."""


class LaserTable(_Table, LaSeROptions):
    """`[laser]`: GRPO plus the LaSeR loss, with the options of `LaSeROptions`."""

    problems: Positive | None = None
    """Training problems to draw; all rows of a file for null."""
    max_prompt_length: Positive | None = None
    """Limit of a prompt, in tokens; problems with a longer one are left out of training. Null:
    none is left out, and one that leaves no room for a solution is refused."""
    rewards: tuple[
        Annotated[FormatReward | LengthReward | FunctionReward, Field(discriminator="kind")], ...
    ] = ()
    """Added to the verifier's reward, each times its weight. The score is trained towards the
    verifier's verdict alone."""
    max_completion_length: Positive = 2048
    """Limit of a solution, in tokens; a longer one is cut, and has no score."""
    evaluation: EvaluationTable | None = None
    """Null: nothing is evaluated while it trains."""
    trainer: dict[str, JsonValue] = {}
    """`[laser.trainer]`: arguments of TRL's GRPOConfig."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What of the table are arguments of the trainer."""
        own = {"problems", "max_prompt_length", "rewards", "evaluation", "trainer"}
        return self.model_dump(exclude=own)

    @model_validator(mode="after")
    def _buffers_fit(self) -> Self:
        for reward in self.rewards:
            if isinstance(reward, LengthReward) and reward.buffer > self.max_completion_length:
                raise ValueError("a `buffer` of `rewards` is above max_completion_length")
        return self


class EvaluateTable(_Table):
    """`[evaluate]`: figures of a checkpoint on problems that it was not trained on."""

    problems: Positive | None = None
    """Test problems; all rows of a file for null."""
    calibration_problems: Positive | None = None
    """Problems of the calibration split; all rows of a file for null."""
    calibration: Literal["isotonic", "platt", "none"] = "isotonic"
    """What `confidence` is fitted with, on the calibration split."""
    samples: Positive = 16
    """Solutions per problem."""
    max_tokens: Positive = 2048
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    rivals: bool = True
    """Whether to measure other confidences too: a forward pass over each solution."""
    self_judgement: bool = True
    """Whether the model asked for its verdict is one of them: a prompt of its own for each
    solution."""
    engine_flags: tuple[Text, ...] = ()
    """Flags of `laserve serve`."""


class Config(_Table):
    """A whole file."""

    name: Text
    """Name of the checkpoint."""
    output: Path
    """Folder of the run; `sft`, `laser`, `checkpoint` and `evaluation` are made in it."""
    seed: Count = 0
    verifier: Text = "task"
    """"task" (its own), "math" (on the last box), "lenient_math" (on what else is stated, where
    there is no box), "exact", "choice", or a dotted path "package.module:function"."""
    model: ModelTable
    task: TaskTable
    score: ScoreTable
    sft: SftTable | None = None
    laser: LaserTable = LaserTable()
    evaluate: EvaluateTable = EvaluateTable()

    @property
    def checkpoint(self) -> Path:
        """Folder of the checkpoint that LaSeR writes."""
        return self.output / "checkpoint"

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.task.kind == "file" and self.verifier == "task":
            raise ValueError('a task of kind "file" has no verifier of its own: name one')
        if self.task.kind == "mixture" and self.verifier != "task":
            raise ValueError("each of `task.parts` names its verifier: leave `verifier` out")
        if self.model.scratch is not None and self.sft is None:
            raise ValueError("a model from scratch has learned nothing: add an [sft] table")
        if self.model.scratch is not None and self.model.lora is not None:
            raise ValueError("an adapter on a model from scratch would train next to nothing")
        return self


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a file; each override is KEY=VALUE, such as laser.alpha=0.5, its value as in TOML (text
    may go without quotes).

    Raises ConfigurationError that names each faulty key.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    return make_config(content, overrides, str(path))


def make_config(content: dict[str, Any], overrides: Sequence[str], where: str) -> Config:
    """The configuration of a file's content, or of what a command says in its place; `where` it is
    from, for messages. Raises ConfigurationError that names each faulty key."""
    for override in overrides:
        _apply(content, override)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {'; '.join(faults(error))}") from error


def _apply(content: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    *tables, last = key.split(".")
    if not equals or not all((*tables, last)):
        raise ConfigurationError(f"override {override!r}: write KEY=VALUE, as laser.alpha=0.5")
    for name in tables:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise ConfigurationError(f"override {override!r}: {name} is a value, no table")
    try:
        content[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        content[last] = text
