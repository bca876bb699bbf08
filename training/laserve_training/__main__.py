"""The command line: `laserve-train COMMAND`, one of those that `argument_parser` adds.

Each command imports what it needs when it is called: PyTorch and vLLM take seconds to load.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laserve_training.commands.publish import Publisher

EPILOG = """\
KEY=VALUE overrides a key of the file, as in laser.alpha=0.5 or laser.trainer.max_steps=10.
On several devices: accelerate launch [--config_file FILE] -m laserve_training laser --config FILE
"""

NEEDED = {
    *("laserve", "vllm", "laserve_client"),
    *("accelerate", "datasets", "matplotlib", "peft", "pyarrow", "reasoning_gym", "sklearn", "trl"),
}
"""Packages that the commands import, and that only a complete install brings."""


def argument_parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    parser = argparse.ArgumentParser(prog="laserve-train", description="Trains LaSeR checkpoints.")
    parser.set_defaults(publish=None, checkpoint=None)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in (
        ("sft", "fine-tune on the task's demonstrations, before LaSeR"),
        ("laser", "train with GRPO and the LaSeR loss; writes the checkpoint"),
        ("evaluate", "score a checkpoint on held-out problems; writes a report"),
        ("measure-ref", "measure c_ref of the model that training starts from"),
    ):
        command = commands.add_parser(
            name,
            help=purpose,
            usage=f"laserve-train {name} --config FILE [options] [KEY=VALUE ...]",
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML")
        if name == "laser":
            command.add_argument(
                "--resume", action="store_true", help="go on with an interrupted run"
            )
        if name == "evaluate":
            command.add_argument(
                "--checkpoint",
                type=Path,
                metavar="FOLDER",
                help="what to evaluate; default: the checkpoint of the run",
            )
            command.add_argument(
                "--report", type=Path, metavar="FOLDER", help="default: evaluation in the output"
            )
        if name in ("laser", "evaluate"):
            _add_publication(command)
    export = commands.add_parser(
        "export",
        help="make a checkpoint of a save of the trainer",
        description="Makes the checkpoint of a run's trained model; before it is trained, of its\n"
        "newest save. Needs no other process of the run, and leaves it alone.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("run", type=Path, metavar="RUN", help="the run's output folder")
    export.add_argument("--step", type=int, metavar="N", help="the save of this step instead")
    export.add_argument(
        "--to", type=Path, metavar="FOLDER", help="default: checkpoint or checkpoint-N in the run"
    )
    _add_publication(export)
    _add_probe(commands)
    compare = commands.add_parser(
        "compare",
        help="set evaluations side by side",
        description="Prints a markdown table of several evaluations, a column each.",
    )
    compare.add_argument(
        "reports", nargs="+", metavar="LABEL=FILE", help="a report.json and its column's title"
    )
    return parser


def _add_probe(commands: Any) -> None:
    probe = commands.add_parser(
        "probe",
        help="give a score to a model that was not trained for one",
        usage="laserve-train probe MODEL --data FILE|TASK [options] [KEY=VALUE ...]",
        description="Fits one row of the model's output layer to samples of its own, writes the\n"
        "checkpoint, calibrates and evaluates it. Started again, it goes on.",
        epilog="KEY=VALUE sets a key of a configuration, as in verifier=math, "
        "evaluate.max_tokens=256\nor task.options.max_terms=3.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    probe.add_argument("model", metavar="MODEL", help="checkpoint folder or hub id")
    probe.add_argument(
        "--data",
        required=True,
        metavar="FILE|TASK",
        help="problems with answers, or countdown, sums, reasoning_gym:DATASET",
    )
    probe.add_argument("--samples", type=_positive, default=16, metavar="N", help="to a problem")
    probe.add_argument(
        "--problems",
        type=_positive,
        metavar="N",
        help="to fit on; default: those of the file, 200 of a task",
    )
    probe.add_argument(
        "--texts",
        type=_positive,
        default=256,
        metavar="N",
        help="of the model's own, in which z_c is held down; default %(default)s",
    )
    probe.add_argument("--z-c", metavar="TOKEN", help="default: a token without any use")
    probe.add_argument("--output", type=Path, default=Path("runs/probe"), metavar="DIR")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _add_publication(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group(
        "publication",
        "Of the checkpoint, when it is written, to a server that sees its folder under the same\n"
        "absolute path. Exit status 1: the server rejected it; it stays on disk.",
    )
    group.add_argument(
        "--publish", metavar="URL", help="a server started with --checkpoint-root, to take it up"
    )
    group.add_argument("--admin-key", metavar="KEY", help="default: $LASERVE_ADMIN_KEY")
    group.add_argument("--api-key", metavar="KEY", help="default: $LASERVE_API_KEY")


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status, 1 where a checkpoint was rejected by the server
    that it was published to, 2 for a mistake in how it was called."""
    parser = argument_parser()
    # Overrides may stand between options, which argparse's own positional arguments may not.
    args, overrides = parser.parse_known_args(argv)
    if unknown := [text for text in overrides if text.startswith("-")]:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return _run(args, overrides)
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        print(
            f"laserve-train {args.command}: {error.name} is not installed: run "
            '`pip install ".[gpu]" ./training ./clients/python` (".[cpu]" without a GPU) '
            "in a checkout of LaServe",
            file=sys.stderr,
        )
        return 2


def _run(args: argparse.Namespace, overrides: list[str]) -> int:
    from laserve.errors import LaServeError
    from laserve.startup import hide_broken_companions
    from laserve_training.config import load_config

    hide_broken_companions()
    # TRL says so on every import; `laser` refuses to generate with a vLLM that it is true of.
    warnings.filterwarnings("ignore", "TRL currently supports vLLM versions", UserWarning)
    try:
        if args.command == "compare":
            from laserve_training.commands.compare import run_compare

            run_compare(args.reports)
            return 0
        if args.command == "probe":
            from laserve_training.commands.evaluate import run_evaluate
            from laserve_training.commands.probe import ProbeOptions, run_probe

            options = ProbeOptions(args.data, args.samples, args.problems, args.texts, args.z_c)
            folder = run_probe(args.model, args.output, options, overrides, run_evaluate)
            print(f"wrote {folder}")
            return 0
        publisher = _publisher(args)
        if args.command == "export":
            from laserve_training.commands.export import run_export

            folder = run_export(args.run, step=args.step, folder=args.to)
            print(f"wrote {folder}")
            return 0 if publisher is None else publisher.publish(folder)
        config = load_config(args.config, overrides)
        match args.command:
            case "sft":
                from laserve_training.commands.sft import run_sft

                folder = run_sft(config)
            case "laser":
                from laserve_training.commands.laser import run_laser

                folder = run_laser(config, resume=args.resume)
            case "evaluate":
                from laserve_training.commands.evaluate import run_evaluate

                folder = run_evaluate(config, checkpoint=args.checkpoint, report=args.report)
            case _:
                from laserve_training.commands.measure_ref import run_measure_ref

                folder = run_measure_ref(config)
        print(f"wrote {folder}")
        if publisher is None:
            return 0
        return publisher.publish(args.checkpoint or config.checkpoint)
    except LaServeError as error:
        print(f"laserve-train {args.command}: {error}", file=sys.stderr)
        return 2


def _publisher(args: argparse.Namespace) -> "Publisher | None":
    """Made before the command runs: an address that is none is told before hours of training."""
    if args.publish is None:
        return None
    from laserve_training.commands.publish import Publisher

    return Publisher(args.publish, api_key=args.api_key, admin_key=args.admin_key)


if __name__ == "__main__":
    sys.exit(main())
