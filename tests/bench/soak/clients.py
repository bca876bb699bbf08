"""The clients of a soak: each sends the next request, reads its answer or goes away, and accounts
for it."""

import asyncio
import time
from collections.abc import Iterator

import aiohttp

from tests.bench.soak.expected import Expected
from tests.bench.soak.record import Record
from tests.bench.soak.requests import Request, request

HUNG_S = 120.0
"""An answer of which nothing came for so long will not come."""


class Clients:
    """Ask for the requests of these numbers, and account for each in the record."""

    def __init__(
        self, url: str, expected: Expected, numbers: Iterator[int], record: Record
    ) -> None:
        self.longest_s = 0.0
        self._url = url
        self._expected = expected
        self._numbers = numbers
        self._record = record

    async def run(self, concurrency: int, until: float) -> None:
        """Ask, until there are no more numbers or it is `until` on the monotonic clock."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=HUNG_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self._url, connector=connector, timeout=timeout
        ) as session:

            async def client() -> None:
                for number in self._numbers:
                    outcome = await self._account(session, request(number))
                    self._record.outcomes[outcome] += 1
                    if time.monotonic() > until:
                        return

            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(client())

    async def _account(self, session: aiohttp.ClientSession, asked: Request) -> str:
        began = time.monotonic()
        try:
            async with asyncio.timeout(asked.abort_after_s):
                async with session.post(asked.path, json=asked.body) as response:
                    header = response.headers.get("x-laserve-checkpoint")
                    body = await response.text()
        except TimeoutError:
            if asked.abort_after_s is not None:
                return "aborted"
            return self._wrong(asked, f"nothing came for {HUNG_S:g} s")
        except aiohttp.ClientError as error:
            return self._wrong(asked, f"{type(error).__name__}: {error}")
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        # A forward pass of Hugging Face's takes milliseconds, in which the others may go on.
        defect = await asyncio.to_thread(
            self._expected.defect, asked, response.status, header, body
        )
        if defect is not None:
            return self._wrong(asked, defect)
        return "right" if asked.status == 200 else "refused as it must be"

    def _wrong(self, asked: Request, defect: str) -> str:
        self._record.defects[f"{asked.kind}: {defect}"] += 1
        return "wrong"
