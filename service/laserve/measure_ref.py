"""`laserve measure-ref MODEL --data FILE`: measures c_ref and writes the checkpoint's manifest.

MODEL is taken as the reference model pi_ref. `laserve measure-ref MODEL --renew` keeps the manifest
that is there, with its constants, calibration and evaluation, and brings it up to date: today's
schema, the hashes of the files, and its golden probes measured again.
"""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from laserve.core.checkpoint_files import MANIFEST_NAME, checkpoint_name
from laserve.core.describe import describe_checkpoint, renew
from laserve.core.faults import faults
from laserve.core.manifest import read_manifest, write_manifest
from laserve.core.score import PAPER_BETA_V, is_target_reachable
from laserve.core.template_arguments import TemplateArguments
from laserve.core.tokens import find_token, missing_scoring_token
from laserve.errors import ConfigurationError
from laserve.progress import progress_bar
from laserve.reference.rows import read_rows

if TYPE_CHECKING:
    from laserve.reference.measure import ReferenceMeasurement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="checkpoint folder or hub id")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--data", type=Path, metavar="FILE", help="JSON Lines of prompts")
    task.add_argument(
        "--renew",
        action="store_true",
        help=f"measure nothing but the golden probes of the {MANIFEST_NAME} that is there, and "
        "write it in today's schema with the hashes of the files",
    )
    parser.add_argument("--z-c", metavar="ID_OR_TOKEN", help="the score token, of no other use")
    parser.add_argument(
        "--beta-v",
        type=_positive_float,
        default=PAPER_BETA_V,
        metavar="FLOAT",
        help="scale of the score, per nat; default %(default)s",
    )
    parser.add_argument("--max-samples", type=_positive, metavar="N", help="use the first N rows")
    parser.add_argument(
        "--max-new-tokens",
        type=_positive,
        metavar="N",
        help="limit of a completion that the model writes itself; by default 512, or what its "
        "context leaves beside the longest prompt",
    )
    parser.add_argument("--batch-size", type=_positive, default=8, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="type of the weights; auto: as the checkpoint stores them",
    )
    parser.add_argument(
        "--chat-template-kwargs",
        type=_template_arguments,
        metavar="JSON",
        help="what prompts are rendered with, here and by a server of the checkpoint, as "
        '{"enable_thinking": false}',
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"write {MANIFEST_NAME} there instead of into MODEL",
    )
    parser.add_argument("--force", action="store_true", help=f"replace an existing {MANIFEST_NAME}")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write. Returns the exit code; raises ConfigurationError."""
    if args.renew:
        return _renew(Path(args.model), args.dtype)
    output = _output_folder(args)
    rows = read_rows(args.data, args.max_samples)
    # Imported late: the command line stays quick where nothing is measured.
    import torch

    from laserve.reference.load import load_model, load_tokenizer
    from laserve.reference.measure import measure_reference

    tokenizer = load_tokenizer(args.model)
    if args.z_c is None:
        raise missing_scoring_token(tokenizer)
    z_c = find_token(tokenizer, args.z_c)
    model = load_model(args.model, args.dtype)
    # In place; transformers' own `to` is not typed.
    torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu")
    with progress_bar() as progress:
        task = progress.add_task("measuring", total=len(rows))
        measurement = measure_reference(
            model,
            tokenizer,
            rows,
            z_c=z_c,
            max_new_tokens=args.max_new_tokens,
            batch_size=args.batch_size,
            seed=args.seed,
            chat_template_kwargs=args.chat_template_kwargs,
            on_progress=lambda count: progress.advance(task, count),
        )
    name = checkpoint_name(args.model)
    manifest = describe_checkpoint(
        Path(args.model),
        tokenizer,
        measurement.parameters(name, args.beta_v),
        c_ref=measurement.c_ref,
        base_model=name,
        completions=measurement.completions,
        chat_template_kwargs=args.chat_template_kwargs,
    )
    output.mkdir(parents=True, exist_ok=True)
    path = write_manifest(output, manifest)
    _report(Console(), measurement, args.beta_v, path)
    return 0


def _renew(folder: Path, dtype: str) -> int:
    manifest = read_manifest(folder) if folder.is_dir() else None
    if manifest is None:
        raise ConfigurationError(
            f"{folder} has no {MANIFEST_NAME} to renew: measure it, with --data FILE"
        )
    from laserve.reference.load import load_model
    from laserve.reference.probe import measure_again

    probes = measure_again(load_model(str(folder), dtype), manifest)
    path = write_manifest(folder, renew(folder, manifest, probes))
    Console().print(f"wrote {path}", markup=False, soft_wrap=True)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _positive_float(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{value} is not a finite number above 0")
    return value


def _template_arguments(text: str) -> dict[str, JsonValue]:
    try:
        return TypeAdapter(TemplateArguments).validate_json(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError("; ".join(faults(error))) from error


def _output_folder(args: argparse.Namespace) -> Path:
    if args.output is None and not Path(args.model).is_dir():
        raise ConfigurationError(
            f"{args.model} is not a folder, so {MANIFEST_NAME} has no place: give --output DIR"
        )
    folder: Path = args.output or Path(args.model)
    if (folder / MANIFEST_NAME).exists() and not args.force:
        raise ConfigurationError(
            f"{folder / MANIFEST_NAME} exists: give --force to replace it, or --output DIR"
        )
    return folder


def _report(
    console: Console, measurement: "ReferenceMeasurement", beta_v: float, path: Path
) -> None:
    c_ref = measurement.c_ref
    table = Table("mean", "std", "min", "max", "count", title="c_ref: log p(z_c), nats")
    numbers = (c_ref.mean, c_ref.std, min(measurement.logprobs), max(measurement.logprobs))
    table.add_row(*(f"{number:.4f}" for number in numbers), str(c_ref.count))
    console.print(table)
    console.print(f"z_c {measurement.z_c_token} ({measurement.z_c})", markup=False)
    if measurement.dropped:
        console.print(
            f"{measurement.dropped} of {c_ref.count + measurement.dropped} completions had no EOS "
            "within --max-new-tokens: not measured"
        )
    if not is_target_reachable(c_ref.mean, beta_v):
        console.print(
            f"[bold yellow]Warning:[/] beta_v={beta_v} is too small to train this model with: a "
            f"score of 1 needs log p = c_ref + 1/beta_v = {c_ref.mean + 1 / beta_v:.2f}, and log p "
            "cannot exceed 0. Serving works; to train, give a --beta-v above 1/|c_ref|."
        )
    console.print(f"wrote {path}", markup=False, soft_wrap=True)
