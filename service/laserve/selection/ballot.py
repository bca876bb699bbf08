"""The votes so far: which answer each sample gives, and which group it joins."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any

from laserve.answers.equality import Equality
from laserve.answers.json_path import json_path_misses
from laserve.answers.message import Extractor
from laserve.errors import RequestError
from laserve.selection.options import SelectionOptions
from laserve.selection.sample import Sample
from laserve.selection.voting import Group, Vote, ranked


class Ballot:
    """Collects the votes of one request's samples."""

    def __init__(
        self, options: SelectionOptions, extractor: Extractor, equality: Equality, seed: int
    ) -> None:
        self.answers: dict[int, str] = {}
        """Answers by the index of their sample."""
        self._options = options
        self._extractor = extractor
        self._equality = equality
        self._seed = seed
        self._groups: dict[str, Group] = {}
        """By the key of their answers."""

    async def add(self, sample: Sample[Any], limit_s: float = math.inf) -> None:
        """Count the vote of a sample, where it has one: it came to its end, and gives an answer.
        Its key is waited for `limit_s` seconds at most."""
        if not sample.is_complete:
            return
        # In a thread: a hostile regular expression, or a plug-in, may take its time.
        answer = await asyncio.to_thread(self._extractor, sample.message)
        if answer is None:
            return
        key = await self._equality.key(answer, limit_s)
        group = self._groups.setdefault(
            key, Group(key, self._options.method, self._options.weights, self._seed)
        )
        group.members.append(Vote(answer, sample.index, sample.score, sample.confidence))
        self.answers[sample.index] = answer

    def refuse_path_without_match(self, samples: Iterable[Sample[Any]]) -> None:
        """Raise RequestError where the path of `json:PATH` is in none of the samples, and they are
        JSON: another path is needed, not another sample."""
        complete = [sample.message for sample in samples if sample.is_complete]
        if problem := json_path_misses(self._options.answer, complete):
            raise RequestError(problem, "selection.answer")

    @property
    def equality_timeouts(self) -> int:
        """Answers whose key took too long."""
        return self._equality.timeouts

    def standings(self) -> Sequence[Group]:
        """The groups, the leader first."""
        return ranked(self._groups.values())
