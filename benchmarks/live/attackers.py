"""`python -m benchmarks.live.attackers PORT SECONDS EACH MIB COOKIE`: rude peers, and their count.

So many peers each send a frame that unpacks to so many MiB, a message that never ends, and (a
fifth as many) pings without end. Whoever is thrown out comes back after a while.
"""

import asyncio
import os
import sys
import time
import zlib
from collections import Counter
from contextlib import suppress

from benchmarks import client
from benchmarks.sockets import handshake
from microblog.serving.process import fast_loop

_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
_PART_BYTES = 16_384
_PINGS_AT_ONCE = 100
_BACK_SECONDS = 3.0
_FIN, _PACKED, _MASKED = 0x80, 0x40, 0x80
_MORE, _TEXT, _PING = 0, 1, 9


def _frame(first: int, payload: bytes) -> bytes:
    """A client's frame, masked with nought."""
    size = len(payload)
    if size < 126:
        length = bytes((_MASKED | size,))
    elif size < 65_536:
        length = bytes((_MASKED | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((_MASKED | 127,)) + size.to_bytes(8, "big")
    return bytes((first,)) + length + bytes(4) + payload


def bomb(mib: int) -> bytes:
    """A small frame that unpacks to so much, for who unpacks it."""
    packer = zlib.compressobj(1, wbits=-15)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(mib))
    packed += packer.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_FIN | _PACKED | _TEXT, packed.removesuffix(b"\0\0\xff\xff"))


class Attackers:
    """``counts`` says how often each kind came in, and how much each sent."""

    def __init__(self, port: int, cookie: str, ends_at: float) -> None:
        self.counts: Counter[str] = Counter()
        self._port = port
        self._cookie = cookie
        self._ends_at = ends_at

    async def attack(self, kind: str, first: bytes, again: bytes) -> None:
        """Send the first once and the other as long as it is taken; then come back."""
        while time.monotonic() < self._ends_at:
            try:
                async with asyncio.timeout(self._ends_at - time.monotonic()):
                    await self._once(kind, first, again)
            except (OSError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(min(_BACK_SECONDS, max(0, self._ends_at - time.monotonic())))

    async def _once(self, kind: str, first: bytes, again: bytes) -> None:
        reader, writer = await asyncio.open_connection(client.HOST, self._port)
        try:
            writer.write(handshake(self._cookie, "channels=home", _DEFLATE))
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 101"):
                self.counts[f"{kind} refused"] += 1
                return
            self.counts[f"{kind} opened"] += 1
            writer.write(first)
            while not reader.at_eof():
                await writer.drain()
                if again:
                    writer.write(again)
                    self.counts[f"{kind} KiB"] += len(again) // 1024
                    # Who never lets go of the loop would not notice that it is thrown out.
                    await asyncio.sleep(0)
                else:
                    await reader.read(65_536)
            self.counts[f"{kind} thrown out"] += 1
        except ConnectionError:
            self.counts[f"{kind} thrown out"] += 1
            raise
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def _main(port: int, seconds: float, each: int, mib: int, cookie: str) -> None:
    packed = bomb(mib)
    attackers = Attackers(port, cookie, time.monotonic() + seconds)
    part = os.urandom(_PART_BYTES // 2).hex().encode()
    pings = _frame(_FIN | _PING, bytes(125)) * _PINGS_AT_ONCE
    kinds = [("bombs", packed, b"")] * each
    kinds += [("endless", _frame(_TEXT, part), _frame(_MORE, part))] * each
    kinds += [("pings", pings, pings)] * max(1, each // 5)
    print("ready", flush=True)
    await asyncio.gather(*(attackers.attack(*kind) for kind in kinds))
    for name, number in sorted(attackers.counts.items()):
        print(f"{name} {number:,}", flush=True)


if __name__ == "__main__":
    numbers = [float(argument) for argument in sys.argv[1:5]]
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        work = _main(int(numbers[0]), numbers[1], int(numbers[2]), int(numbers[3]), sys.argv[5])
        runner.run(work)
