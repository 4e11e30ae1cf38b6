"""Events and queues without those who wait."""

import asyncio
from contextlib import suppress

from microblog.serving.pings import Pings
from microblog.serving.waiting import Flag, Mailbox

SOON = 5


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_letters_come_in_order_and_only_so_many_wait() -> None:
    box = Mailbox(2)

    async def fill() -> None:
        for number in range(5):
            await box.put(number)

    filling = asyncio.create_task(fill())
    await turns()
    assert not filling.done()
    async with asyncio.timeout(SOON):
        assert [await box.get() for _ in range(5)] == list(range(5))
        await filling


async def test_whoever_waits_in_vain_takes_no_letter() -> None:
    box = Mailbox(2)
    waiting = [asyncio.create_task(box.get()) for _ in range(2)]
    await turns()
    waiting[0].cancel()
    await box.put("letter")
    async with asyncio.timeout(SOON):
        assert await waiting[1] == "letter"
    with suppress(asyncio.CancelledError):
        await waiting[0]


async def test_an_emptied_box_has_room_again() -> None:
    box = Mailbox(1)
    await box.put("old")
    putting = asyncio.create_task(box.put("new"))
    await turns()
    box.empty()
    async with asyncio.timeout(SOON):
        await putting
        assert await box.get() == "new"


async def test_a_flag_wakes_everybody_until_it_is_cleared() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await turns()
    waiting[0].cancel()
    await flag.set()
    async with asyncio.timeout(SOON):
        await asyncio.gather(*waiting[1:])
        await flag.wait()
    await flag.clear()
    assert not flag.is_set()


class Peer:
    def __init__(self, patience: int) -> None:
        self.asked = 0
        self._patience = patience

    def ping(self) -> bool:
        self.asked += 1
        return self.asked <= self._patience


async def test_one_timer_asks_each_until_it_is_silent_or_gone() -> None:
    """T-62: a dead one is asked no more, the others are."""
    pings, dead, left, alive = Pings(), Peer(1), Peer(1000), Peer(1000)
    for peer in (dead, left, alive):
        pings.look_after(peer, 0.01)
    pings.forget(left)
    async with asyncio.timeout(SOON):
        while alive.asked < 4:
            await asyncio.sleep(0.005)
    assert (dead.asked, left.asked) == (2, 1)
    pings.forget(alive)
