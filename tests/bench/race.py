"""The race itself: paired rounds, the order of the contestants turned by one each round."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from tests.bench.contestants import BASELINE, CONTESTANTS, Contestant, Program, check_same_answers
from tests.bench.load import Load, Task, run_load, tasks
from tests.bench.servers import Server

_PAUSE = 1.5
"""Seconds before each leg: for one second after its last step, a vLLM worker spins."""


@dataclass(frozen=True)
class Course:
    """What is to be run.

    Attributes:
        rounds: how often each contestant runs, at each concurrency.
        concurrency: requests under way at a time, one value for each leg.
        requests: per contestant, round and leg; None for twice the concurrency, from 4 to 64.
        prompt_tokens: length of each prompt.
        lengths: shortest and longest answer, in tokens with EOS.
        temperature: of the sampling; above 0 each request brings its own seed.
    """

    rounds: int
    concurrency: tuple[int, ...]
    requests: int | None
    prompt_tokens: int
    lengths: tuple[int, int]
    temperature: float

    def count(self, concurrency: int) -> int:
        """Requests of one leg."""
        return self.requests or max(4, min(2 * concurrency, 64))

    def tasks(self, concurrency: int, name: str) -> list[Task]:
        """The work of one leg of the round `name`: no prompt occurs in another."""
        count = self.count(concurrency)
        return tasks(
            f"{concurrency} {name}", count, self.prompt_tokens, self.lengths, self.temperature
        )


@dataclass(frozen=True)
class Measurement:
    """One contestant's leg in one round. Times in seconds."""

    concurrency: int
    round: int
    contestant: str
    requests: int
    tokens: int
    seconds: float
    throughput: float
    """Tokens of answers per second."""
    latency_p50: float
    latency_p99: float
    first_token_p50: float
    first_token_p99: float
    cpu: float
    """Processor seconds of the server's processes for 1000 tokens."""
    cpu_by_process: dict[str, float]
    client_share: float
    """Of one core, taken by the client."""

    def as_json(self) -> dict[str, object]:
        """For the report's file."""
        return asdict(self)


async def warm_up(servers: Mapping[Program, Server], course: Course) -> None:
    """A short untimed leg for each contestant, so that none pays for compilation."""
    for concurrency in course.concurrency:
        short = replace(
            course, requests=min(concurrency, course.count(concurrency)), lengths=(8, 24)
        )
        work = short.tasks(concurrency, "warm-up")
        await _leg(servers, work, concurrency, CONTESTANTS, name="warm-up")


async def race(
    servers: Mapping[Program, Server],
    course: Course,
    progress: Callable[[Measurement], None],
) -> list[Measurement]:
    """Run the course. Raises BenchError where the contestants' answers differ."""
    measurements = []
    for number in range(course.rounds):
        turn = number % len(CONTESTANTS)
        order = (*CONTESTANTS[turn:], *CONTESTANTS[:turn])
        for concurrency in course.concurrency:
            work = course.tasks(concurrency, str(number))
            name = f"{concurrency} {number}"
            for contestant, (load, cpu) in (
                await _leg(servers, work, concurrency, order, name)
            ).items():
                measurement = _measured(contestant, concurrency, number, load, cpu)
                progress(measurement)
                measurements.append(measurement)
    return measurements


async def _leg(
    servers: Mapping[Program, Server],
    work: list[Task],
    concurrency: int,
    order: tuple[Contestant, ...],
    name: str,
) -> dict[str, tuple[Load, dict[str, float]]]:
    """Each contestant's load, and the processor seconds that its server took for it."""
    results = {}
    for contestant in order:
        server = servers[contestant.program]
        # Two contestants share a server; the salt keeps their prefix-cache entries apart.
        fields = {**contestant.fields, "cache_salt": f"{contestant.name} {name}"}
        await asyncio.sleep(_PAUSE)
        before = server.cpu_seconds()
        load = await run_load(server.url, work, fields, concurrency)
        after = server.cpu_seconds()
        contestant.check(load.answers)
        cpu = {process: after[process] - before.get(process, 0.0) for process in after}
        results[contestant.name] = load, cpu
    for contestant in order:
        load, _ = results[contestant.name]
        check_same_answers(contestant, load.answers, results[BASELINE.name][0].answers)
    return results


def _measured(
    contestant: str, concurrency: int, number: int, load: Load, cpu: dict[str, float]
) -> Measurement:
    totals = [answer.total for answer in load.answers]
    firsts = [answer.first_token for answer in load.answers]
    latency_p50, latency_p99 = np.percentile(totals, [50, 99]).tolist()
    first_token_p50, first_token_p99 = np.percentile(firsts, [50, 99]).tolist()
    return Measurement(
        concurrency=concurrency,
        round=number,
        contestant=contestant,
        requests=len(load.answers),
        tokens=load.tokens,
        seconds=load.seconds,
        throughput=load.tokens / load.seconds,
        latency_p50=latency_p50,
        latency_p99=latency_p99,
        first_token_p50=first_token_p50,
        first_token_p99=first_token_p99,
        cpu=1000 * sum(cpu.values()) / load.tokens,
        cpu_by_process=cpu,
        client_share=load.client_cpu_seconds / load.seconds,
    )
