"""`rerank`: a file of candidate answers, many rows at a time, to be gone on with at any time."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from laserve_client._async import AsyncLaServe
from laserve_client._errors import (
    AuthenticationError,
    ClientError,
    ConnectionFailedError,
    InvalidArgumentError,
    NotFoundError,
)
from laserve_client._progress import Progress, progress_of
from laserve_client._rows import Row, read_input, read_output
from laserve_client._server import Server

ROWS_FAILED = 1

_OF_EVERY_ROW = (AuthenticationError, ConnectionFailedError, NotFoundError, OSError)
"""Errors that the next row would meet as well: they end the run."""


def rerank_file(
    server: Server, source: Path, target: Path, *, concurrency: int, top_n: int | None
) -> int:
    """Rerank the rows of `source` that are not in `target` yet. Returns the exit status.

    Each row is appended as soon as it is finished, so that the rows stand in that order, and what
    ends the command loses none of them. Raises ClientError, OSError.
    """
    if target.exists() and target.samefile(source):
        raise InvalidArgumentError("the output cannot be the input")
    rows = read_input(source)
    done, size = read_output(target)
    left = [row for row in rows if row.key not in done]
    with _appending(target, size) as output, progress_of(len(left)) as progress:
        run = _Run(left, output, progress, f"{source}, line", top_n)
        try:
            if left:
                asyncio.run(run.rerank(server, concurrency))
        finally:
            progress.note(
                f"{run.written} rows reranked, {run.failed} failed, "
                f"{len(left) - run.written - run.failed} left, {len(done)} done before"
            )
    return ROWS_FAILED if run.failed else 0


@contextmanager
def _appending(path: Path, size: int) -> Iterator[BinaryIO]:
    """`path`, cut to `size` bytes, to be written on."""
    with path.open("ab") as file:
        file.truncate(size)
        yield file


class _Run:
    def __init__(
        self,
        rows: Iterable[Row],
        output: BinaryIO,
        progress: Progress,
        where: str,
        top_n: int | None,
    ) -> None:
        self.written = 0
        self.failed = 0
        self._rows = iter(rows)
        self._output = output
        self._progress = progress
        self._where = where
        self._top_n = top_n
        self._stopped_by: Exception | None = None

    async def rerank(self, server: Server, concurrency: int) -> None:
        """`concurrency` rows at a time. Raises what concerns every row."""
        async with AsyncLaServe(
            server.base_url, server.model, server.api_key, timeout=server.timeout_s
        ) as client:
            await client.model_name()  # asked once, before every worker would ask for it
            async with asyncio.TaskGroup() as workers:
                for _ in range(concurrency):
                    workers.create_task(self._work(client))
        if self._stopped_by is not None:
            raise self._stopped_by

    async def _work(self, client: AsyncLaServe) -> None:
        """Takes the next row until there is none; all workers take from the same rows."""
        for row in self._rows:
            try:
                self._write(row.written(await client.rerank(row.query, row.documents, self._top_n)))
            except _OF_EVERY_ROW as error:
                self._stopped_by = error
            except ClientError as error:
                self.failed += 1
                self._progress.note(f"{self._where} {row.line}: {error}")
            if self._stopped_by is not None:
                return
            self._progress.advance()

    def _write(self, line: bytes) -> None:
        self._output.write(line)
        self._output.flush()
        self.written += 1
