"""Starting what is measured, and ending it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_BEGIN_SECONDS = 60
_END_SECONDS = 20


@asynccontextmanager
async def serving(which: str, environment: Mapping[str, str]) -> AsyncIterator[int]:
    """A running server, ``hello`` or ``site``, with one worker; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.served", which),
        cwd=_ROOT,
        env={**_neutral(), **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _BEGIN_SECONDS)
        if not line:
            raise RuntimeError(f"the server ({which}) did not start")
        yield int(line)
    finally:
        await _end(process)


@asynccontextmanager
async def doomed(
    environment: Mapping[str, str],
) -> AsyncIterator[tuple[int, Callable[[], Awaitable[int]]]]:
    """A running site that ends without a word when it is told to: its port, and how to tell it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.served", "site"),
        cwd=_ROOT,
        env={**_neutral(), **environment},
        stdout=asyncio.subprocess.PIPE,
    )

    async def kill() -> int:
        process.kill()
        return await process.wait()

    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _BEGIN_SECONDS)
        if not line:
            raise RuntimeError("the server did not start")
        yield int(line), kill
    finally:
        if process.returncode is None:
            await kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _neutral() -> dict[str, str]:
    # The operator's own settings must not colour the figures.
    return {k: v for k, v in os.environ.items() if not k.startswith(("MICROBLOG_", "DATABASE_"))}
