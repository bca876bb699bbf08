"""Answer the prompts of a file, each with one of many samples, without a server.

The same selection as the server's `selection` field. The output has one JSON object a line, in the
order in which the prompts are done: {"line", "text", "self_reward", "selection"}, where "line" is
the prompt's in the input. Prompts that the output has already are not asked again, so a run that
was interrupted goes on where it was.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from laserve.answers.math_equality import MathEqualityPool
from laserve.answers.plugins import load_plugins
from laserve.core.faults import faults
from laserve.errors import ConfigurationError, DataError
from laserve.offline import OfflineEngine, open_engine
from laserve.progress import progress_bar
from laserve.reference.encode import encode_prompt
from laserve.reference.rows import Row, read_rows
from laserve.selecting.plan import Planner, read_plainly
from laserve.selection.options import SelectionOptions

CONCURRENCY = 16
"""Prompts under way at a time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `laserve select`; all others are those of `laserve serve`."""
    parser.add_argument("model", help="a checkpoint, as for `laserve serve`")
    parser.add_argument("--data", type=Path, required=True, help="prompts, JSON Lines")
    parser.add_argument("--output", type=Path, required=True, help="where to write, JSON Lines")
    parser.add_argument(
        "--selection",
        default="{}",
        help='the `selection` field of a request, JSON: \'{"n_max": 16, "answer": "boxed"}\'',
    )
    parser.add_argument(
        "--answer-plugin",
        action="append",
        default=[],
        metavar="NAME=PACKAGE.MODULE:FUNCTION",
        help="as of `laserve serve`",
    )
    parser.add_argument(
        "--max-tokens", type=int, help="of a sample; default: what the context holds"
    )
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="of the samples and of ties")


def run(args: argparse.Namespace, serve_flags: Sequence[str]) -> int:
    """The command; returns the exit status. Raises ConfigurationError."""
    options = _options(args.selection)
    rows = read_rows(args.data)
    done = _lines_done(args.output)
    left = {where: row for where, row in rows.items() if _line(where) not in done}
    console = Console(stderr=True)
    if done:
        console.print(f"{len(done)} of {len(rows)} prompts are in {args.output} already")
    if left:
        asyncio.run(_run(args, serve_flags, options, left, console))
    return 0


async def select_rows(
    engine: OfflineEngine,
    rows: Mapping[str, Row],
    options: SelectionOptions,
    planner: Planner,
    *,
    max_tokens: int | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> AsyncIterator[dict[str, Any]]:
    """The selected answer of each row ("line 3" -> row), as it is done.

    Raises DataError for a row of no use, before any is asked, and RequestError where the engine's
    checkpoint cannot select as asked.
    """
    prompts = {where: _encode(where, row, engine) for where, row in rows.items()}
    gate = asyncio.Semaphore(CONCURRENCY)

    async def answer(where: str, prompt: list[int]) -> dict[str, Any]:
        plan = await planner.plan(options, engine.parameters, seed=seed, read=read_plainly)
        async with gate:
            # Far apart: the samples of one prompt have consecutive seeds.
            first_seed = (seed << 32) + _line(where) * options.n_max
            selection = await engine.select(
                prompt, plan, max_tokens=max_tokens, temperature=temperature, seed=first_seed
            )
        winner, outcome = selection.winner, selection.outcome
        left_out = None if options.return_candidates else {"candidates"}
        return {
            "line": _line(where),
            "text": winner.message.text,
            "self_reward": winner.reward and winner.reward.model_dump(mode="json"),
            "selection": outcome.model_dump(mode="json", exclude=left_out),
        }

    tasks = [asyncio.create_task(answer(*item)) for item in prompts.items()]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for running in tasks:
            running.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(
    args: argparse.Namespace,
    serve_flags: Sequence[str],
    options: SelectionOptions,
    rows: Mapping[str, Row],
    console: Console,
) -> None:
    async with open_engine([args.model, *serve_flags]) as engine:
        answers = select_rows(
            engine,
            rows,
            options,
            Planner(load_plugins(args.answer_plugin), MathEqualityPool()),
            max_tokens=args.max_tokens,
            temperature=args.temperature,
            seed=args.seed,
        )
        with args.output.open("a", encoding="utf-8") as output, progress_bar() as progress:
            task = progress.add_task("select", total=len(rows))
            async for answer in answers:
                output.write(json.dumps(answer, ensure_ascii=False) + "\n")
                output.flush()
                progress.advance(task)


def _options(text: str) -> SelectionOptions:
    try:
        return SelectionOptions.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(f"--selection {text!r}: {faults(error)[0]}") from error


def _lines_done(path: Path) -> set[int]:
    """The prompts that an earlier run answered. A last line that it was stopped in is cut off."""
    if not path.exists():
        return set()
    written = path.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if whole != written:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    try:
        return {int(json.loads(line)["line"]) for line in whole.splitlines()}
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is not the output of `laserve select`: name another") from error


def _line(where: str) -> int:
    """`line 3` -> 3."""
    return int(where.removeprefix("line "))


def _encode(where: str, row: Row, engine: OfflineEngine) -> list[int]:
    if row.completion is not None:
        raise DataError(f"{where} has a completion, and the model is to write one: leave it out")
    tokens = encode_prompt(where, row.conversation, engine.tokenizer, engine.chat_template_kwargs)
    if len(tokens) >= engine.max_model_len:
        raise DataError(
            f"{where} takes {len(tokens)} tokens, the context has {engine.max_model_len}: "
            "shorten it"
        )
    return tokens
