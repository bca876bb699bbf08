"""Which of an engine's parameters can be held against a checkpoint's files, and whether they are
the files'."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vllm.engine.protocol import EngineClient

from laserve.checkpoint.strict_json import few
from laserve.errors import CheckpointRejected
from laserve.hot_load.engine_calls import rejecting
from laserve.hot_load.promises import Weights
from laserve.vllm_seam.engine import on_every_worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which parameters an engine holds as the files have them.

    Learnt from the checkpoint that the server is started with: vLLM reorders or merges tensors of
    some models, and what it does to one checkpoint it does to all of that shape.
    """

    comparable: frozenset[str]
    uncovered: int

    @classmethod
    async def learn(cls, client: EngineClient, folder: Path) -> tuple[Self, Weights]:
        """Of an engine with the weights of `folder`, and what it shows of them."""
        found = await _compared(client, folder, None)
        comparable = frozenset(found["equal"]) | frozenset(found["computed"])
        if found["different"]:
            logger.warning(
                "%d parameters are held otherwise than in the files, such as %s: they are not "
                "compared when a checkpoint is loaded",
                len(found["different"]),
                found["different"][0],
            )
        uncovered = len(found["different"]) + len(found["uncovered"])
        weights = Weights(
            equal=len(found["equal"]), computed=len(found["computed"]), uncovered=uncovered
        )
        return cls(comparable, uncovered), weights

    async def compare(self, client: EngineClient, folder: Path) -> Weights:
        """Compare an engine's weights with those of `folder`.

        Raises CheckpointRejected, naming a parameter, where one is another than the files'.
        """
        found = await _compared(client, folder, sorted(self.comparable))
        equal, computed = len(found["equal"]), len(found["computed"])
        if equal + computed != len(self.comparable):
            others = self.comparable - set(found["equal"]) - set(found["computed"])
            raise CheckpointRejected(
                f"the weights in the engine are not those of the files: {few(others)}"
            )
        return Weights(equal=equal, computed=computed, uncovered=self.uncovered)


async def _compared(
    client: EngineClient, folder: Path, names: list[str] | None
) -> dict[str, list[str]]:
    """The fields of `laserve.worker.weights.Compared`, over all workers."""
    with rejecting("the engine's weights cannot be compared with the files"):
        answers = await on_every_worker(client, "compare_weights", str(folder), names)
    merged: dict[str, set[str]] = {"different": set(), "uncovered": set()}
    for kind in ("different", "uncovered", "computed", "equal"):
        # A name is told by the worst that a worker has found of it.
        merged[kind] = {name for answer in answers for name in answer[kind]} - set().union(
            *merged.values()
        )
    return {kind: sorted(found) for kind, found in merged.items()}
