"""An observer of loads that remembers what it was told."""

import asyncio
from dataclasses import dataclass, field

from laserve.hot_load.jobs import Job, State


@dataclass
class Recorder:
    """Implements `laserve.hot_load.jobs.LoadObserver`."""

    entries: list[tuple[str, State]] = field(default_factory=list)
    spent: list[tuple[str, State, float]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def entered(self, job: Job) -> None:
        self.entries.append((job.id, job.state))
        self.news.set()

    def left(self, job: Job, state: State, seconds: float) -> None:
        self.spent.append((job.id, state, seconds))

    def states(self, job: Job) -> list[State]:
        return [state for name, state in self.entries if name == job.id]

    async def ended(self, *jobs: Job) -> None:
        """Wait for the end of these jobs."""
        while not all(job.has_ended for job in jobs):
            self.news.clear()
            await self.news.wait()
