"""Services that end by themselves begin again, and say how they are meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from microblog import keeping
from microblog.keeping import Beat, Service


class Work:
    """Runs until the test says how it is to end; ``begun`` is how often it has begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.task: asyncio.Task[None] | None = None
        self.beat: Beat
        self._end = asyncio.Event()
        self._error: Exception | None = None

    async def run(self, beat: Beat) -> None:
        self.begun += 1
        self.task = asyncio.current_task()
        self.beat = beat
        self._end.clear()
        await self._end.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        assert self.task is not None
        self.task.cancel()

    def finish(self) -> None:
        self._error = None
        self._end.set()

    def fail(self) -> None:
        self._error = ValueError("odd")
        self._end.set()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def service(work: Work, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(keeping, "FIRST_PAUSE", 0.01)
    service = Service("thing", work.run, patience=60)
    yield service
    await service.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_however_it_ends_it_begins_again(
    service: Service, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    assert service.health == "not started"
    service.start()
    for begun, (end, told) in enumerate(
        [(work.cancel, "cancelled"), (work.fail, "ValueError"), (work.finish, "ended")], start=1
    ):
        await until(lambda begun=begun: work.begun == begun)
        assert service.health == "ok"
        end()
        await until(lambda: service.health != "ok")
        assert service.health == f"not running: {told}"
    await until(lambda: work.begun == 4)
    assert service.health == "ok"
    lines = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [line.args[:2] for line in lines] == [
        ("thing", "cancelled"),
        ("thing", "ValueError"),
        ("thing", "ended"),
    ]


async def test_pauses_grow_while_it_keeps_ending(service: Service, work: Work, caplog) -> None:
    service.start()
    for begun in range(1, 5):
        await until(lambda begun=begun: work.begun == begun)
        work.fail()
    await until(lambda: work.begun == 5)
    pauses = [record.args[2] for record in caplog.records if record.levelno == logging.ERROR]
    assert pauses == [0.01, 0.02, 0.04, 0.08]


async def test_who_does_not_beat_is_not_well(
    service: Service, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.start()
    await until(lambda: work.begun == 1)
    now = keeping.time.monotonic()
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now + 61)
    assert service.health.startswith("no sign of life for 61")
    work.beat()
    assert service.health == "ok"


async def test_one_that_hangs_is_ended_and_begins_again(
    work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "FIRST_PAUSE", 0.01)
    service = Service("thing", work.run, patience=0.2)
    service.start()
    await until(lambda: work.begun == 2)
    assert "the thing gives no sign of life; ending it" in caplog.messages
    assert caplog.records[-1].args[:2] == ("thing", "no sign of life")
    await service.stop()


async def test_one_that_hangs_while_it_is_ended_is_ended_again() -> None:
    begun = []

    async def stubborn(_beat: Beat) -> None:
        begun.append(None)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)  # as a connection that cannot be closed

    service = Service("thing", stubborn, patience=0.2)
    service.start()
    await until(lambda: len(begun) == 2)
    stopping = asyncio.create_task(service.stop())
    while not stopping.done():
        service._task.cancel()
        await asyncio.sleep(0.01)


async def test_one_that_beats_is_let_be(service: Service, work: Work) -> None:
    """As many looks as a hanging one would get, and more; each finds a beat."""
    service.start()
    await until(lambda: work.begun == 1)
    for _ in range(3 * keeping.LOOKS):
        service._look()
        work.beat()
    assert not work.task.cancelling()
    for _ in range(keeping.LOOKS + 1):
        service._look()
    assert work.task.cancelling()


async def test_what_is_stopped_stays_stopped(
    service: Service, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it runs, and while it waits to begin again."""
    service.start()
    await until(lambda: work.begun == 1)
    await service.stop()
    assert work.task is not None
    assert work.task.cancelled()
    service.start()
    await until(lambda: work.begun == 2)
    work.fail()
    await until(lambda: service.health != "ok")
    await service.stop()
    await asyncio.sleep(0.05)
    assert work.begun == 2
    assert service.health == "stopped"
