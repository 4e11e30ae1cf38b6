"""What waits for one socket: bounded, in order, and honest about what it dropped."""

import asyncio
import json

import pytest

from microblog.domain import events
from microblog.live import outbox
from microblog.live.outbox import Outbox
from tests.live.hearing import Town

NOW = 0.01


async def drained(box: Outbox) -> list[str]:
    frames = []
    while (frame := await box.get(NOW)) is not None:
        frames.append(frame)
    return frames


async def test_first_in_first_out() -> None:
    box = Outbox(3)
    for number in range(3):
        box.put(f"frame {number}", number)
    assert await drained(box) == ["frame 0", "frame 1", "frame 2"]


async def test_overflow_is_a_gap_and_goes_on_once_taken() -> None:
    box = Outbox(3)
    for number in range(1, 5):
        box.put(f"frame {number}", number)
    assert [json.loads(frame) for frame in await drained(box)] == [{"type": "gap", "seq": 4}]
    box.put("frame 5", 5)
    assert await drained(box) == ["frame 5"]
    assert box.close_code is None


async def test_what_follows_a_gap_waits_behind_it() -> None:
    box = Outbox(3)
    for number in range(1, 7):
        box.put(f"frame {number}", number)
    assert json.loads(await box.get(NOW) or "")["seq"] == 4
    assert await drained(box) == ["frame 5", "frame 6"]


async def test_full_again_before_the_gap_was_taken_is_too_slow() -> None:
    box = Outbox(3)
    for number in range(1, 8):
        box.put(f"frame {number}", number)
    assert box.close_code == outbox.TOO_SLOW == 1013
    assert await box.get(NOW) is None


async def test_closing_wakes_and_drops() -> None:
    box = Outbox(3)
    getting = asyncio.create_task(box.get(60))
    await asyncio.sleep(0)
    box.close(1001)
    box.close(4401)
    box.put("late", 9)
    assert await asyncio.wait_for(getting, 1) is None
    assert box.close_code == 1001


async def test_a_frame_in_the_very_moment_of_silence_s_end_is_not_overtaken() -> None:
    """A heartbeat must not go out before a frame that is already there."""
    box = Outbox(3)
    loop = asyncio.get_running_loop()
    for _ in range(20):
        loop.call_later(NOW, box.put, "frame", 1)
        frame = await box.get(NOW)
        if frame is None:
            assert not box._frames
            frame = await box.get(1)
        assert frame == "frame"


async def test_a_slow_reader_does_not_hold_up_the_others(town: Town) -> None:
    quick = await (await town.listen("mary", "explore")).live()
    slow = await town.hub.admit(await town.log_in("david"), "en", town.channels(["explore"]))
    assert [frame async for frame in town.hub.catch_up(slow, None)] == []
    size = town.hub.settings.queue_size
    for number in range(size + 1):
        await town.post("john", str(number))
    await town.settle()
    await quick.hear(size + 1)
    assert slow.outbox.close_code is None
    assert json.loads(await slow.outbox.get(1) or "") == {"type": "gap", "seq": quick.seqs[-1]}
    for number in range(2 * size + 1):
        await town.post("john", str(number))
    await town.settle()
    await quick.hear(3 * size + 2)
    assert slow.outbox.close_code == 1013
    town.hub.leave(slow)


async def test_who_keeps_up_is_told_before_who_lags(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [await (await town.listen("mary", "explore")).live() for _ in range(6)]
    actor = await town.log_in("david")
    slow = [await town.hub.admit(actor, "en", town.channels(["explore"])) for _ in range(6)]
    for reader in slow:
        assert [frame async for frame in town.hub.catch_up(reader, None)] == []
    await town.post("john", "0")
    for ear in quick:
        await ear.hear(1)
    told: list[Outbox] = []
    put = Outbox.put

    def noted(box: Outbox, frame: str, seq: int) -> None:
        told.append(box)
        put(box, frame, seq)

    monkeypatch.setattr(Outbox, "put", noted)
    await town.post("john", "1")
    for ear in quick:
        await ear.hear(2)
    await town.settle()
    assert set(told[: len(quick)]) == {ear.reader.outbox for ear in quick}
    assert set(told[len(quick) :]) == {reader.outbox for reader in slow}
    for reader in slow:
        town.hub.leave(reader)


async def test_a_burst_makes_no_gap_for_who_keeps_up(town: Town) -> None:
    """As when an account with many posts is deleted: all at once is nobody's slowness."""
    ears = [await (await town.listen(name, "explore")).live() for name in town.people]
    number = 10 * town.hub.settings.queue_size
    async with town.database.begin() as session:
        for post_id in range(number):
            events.record(session, events.POST_DELETED, actor_id=1, subject_id=post_id)
    for ear in ears:
        await ear.hear(number)
        assert [frame["type"] for frame in ear.frames] == ["post.deleted"] * number


async def test_a_burst_does_not_wait_long_for_who_reads_nothing(town: Town) -> None:
    quick = await (await town.listen("mary", "explore")).live()
    dead = await town.hub.admit(await town.log_in("david"), "en", town.channels(["explore"]))
    assert [frame async for frame in town.hub.catch_up(dead, None)] == []
    number = 10 * town.hub.settings.queue_size
    async with town.database.begin() as session:
        for post_id in range(number):
            events.record(session, events.POST_DELETED, actor_id=1, subject_id=post_id)
    await quick.hear(number, 10)
    assert {frame["type"] for frame in quick.frames} == {"post.deleted"}
    assert dead.outbox.close_code == 1013
    town.hub.leave(dead)


class Wire:
    """A peer that takes so many frames at once."""

    is_heard = True

    def __init__(self, room: int) -> None:
        self.room = room
        self.said: list[str] = []

    def say(self, frame: str) -> bool:
        if not self.room:
            return False
        self.room -= 1
        self.said.append(frame)
        return True


async def test_what_would_only_pass_through_goes_straight_on() -> None:
    line = Wire(room=2)
    box = Outbox(3, line)
    getting = asyncio.create_task(box.get(60))
    await asyncio.sleep(0)
    for number in range(4):
        box.put(f"frame {number}", number)
    assert line.said == ["frame 0", "frame 1"]
    # What the peer does not take now is taken out in order, and nothing overtakes it.
    line.room = 9
    box.put("frame 4", 4)
    assert [await getting, *await drained(box)] == ["frame 2", "frame 3", "frame 4"]
    assert line.said == ["frame 0", "frame 1"]


async def test_nothing_overtakes_what_is_being_sent() -> None:
    """Who has taken a frame out may still be at it."""
    line = Wire(room=9)
    box = Outbox(3, line)
    box.put("frame 0", 0)
    assert await box.get(NOW) == "frame 0"
    box.put("frame 1", 1)
    assert line.said == []
    assert await drained(box) == ["frame 1"]


async def test_a_peer_that_answers_nothing_is_behind_before_anything_waits() -> None:
    line = Wire(room=9)
    box = Outbox(3, line)
    assert not box.is_behind
    line.is_heard = False
    assert box.is_behind
    line.is_heard = True
    box.put("frame", 1)
    assert box.is_behind
    assert await drained(box) == ["frame"]
    assert not box.is_behind


async def test_a_peer_that_takes_nothing_costs_no_try_for_each_frame() -> None:
    line = Wire(room=0)
    box = Outbox(2, line)
    tries = []
    line.say = lambda frame: bool(tries.append(frame))  # type: ignore[method-assign]
    getting = asyncio.create_task(box.get(60))
    await asyncio.sleep(0)
    box.put("frame 0", 0)
    assert await getting == "frame 0"
    for number in range(1, 9):
        box.put(f"frame {number}", number)
    assert tries == ["frame 0"]
    assert box.close_code == 1013


async def test_what_went_straight_on_is_no_silence() -> None:
    box = Outbox(3, Wire(room=9))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1, 4):
        loop.call_later(0.05 * number, box.put, "frame", number)
    assert await box.get(0.1) is None
    assert loop.time() - began >= 0.24
