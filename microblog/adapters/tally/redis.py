"""Counting in Redis, and in the database as long as Redis is away.

Each of the two counts for itself. So whoever has used up an allowance in one of them has it once
more in the other when Redis goes or comes: twice what is allowed, once. That is the price of going
on without it.
"""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.redis import Link, RedisDown
from microblog.adapters.tally.promise import Tally
from microblog.domain import limits
from microblog.domain.limits import FAR_AHEAD, HAIR, Claim

# Keys in one pair of braces lie together where there are several servers.
_PREFIX = "{microblog}:rate:"

# Both say what `microblog.domain.limits` says in SQL; the time of day is that of the one server.
# For each key: what it costs, and how far ahead its arrival may be, in seconds.
_CLOCK = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
"""
_SPEND = (
    _CLOCK
    + """
local hair, far = tonumber(ARGV[1]), tonumber(ARGV[2])
local later, told = {}, {}
for i, key in ipairs(KEYS) do
    local cost, seconds = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
    local arrival = tonumber(redis.call('GET', key) or now)
    if arrival < now or arrival > now + far * seconds then arrival = now end
    later[i] = arrival + cost
    if later[i] > now + seconds + hair then
        return {'refused', string.format('%.6f', later[i] - now - seconds), tostring(i)}
    end
end
told[1] = 'spent'
for i, key in ipairs(KEYS) do
    local ahead = later[i] - now
    redis.call('SET', key, string.format('%.6f', later[i]), 'PX', math.ceil(ahead * 1000))
    told[i + 1] = string.format('%.6f', ahead)
end
return told
"""
)
_GIVE_BACK = (
    _CLOCK
    + """
for i, key in ipairs(KEYS) do
    local arrival = tonumber(redis.call('GET', key) or now) - tonumber(ARGV[i])
    if arrival > now then
        local ahead = math.ceil((arrival - now) * 1000)
        redis.call('SET', key, string.format('%.6f', arrival), 'PX', ahead)
    else
        redis.call('DEL', key)
    end
end
return {}
"""
)


class RedisTally:
    """One key for each key; it lapses when its whole allowance is there again."""

    def __init__(self, link: Link, own: Tally) -> None:
        """Take the connection, and the database's own tally."""
        self._link = link
        self._own = own

    async def spend(self, claims: Sequence[Claim]) -> list[float]:
        """Use all of them, by one script."""
        bounds = [bound for c in claims for bound in (c.cost, c.allowance.seconds)]
        try:
            answer = await self._link.evaluate(_SPEND, _keys(claims), (HAIR, FAR_AHEAD, *bounds))
        except RedisDown:
            return await self._own.spend(claims)
        verdict, *seconds = answer
        if verdict == "refused":
            refused = claims[int(seconds[1]) - 1]
            raise limits.refusal(refused.allowance, refused.cost, float(seconds[0]))
        return [float(each) for each in seconds]

    async def give_back(self, session: AsyncSession, claims: Sequence[Claim]) -> None:
        """Undo it at once; what is away by now keeps what was used, until that lapses."""
        with suppress(RedisDown):
            await self._link.evaluate(_GIVE_BACK, _keys(claims), [c.cost for c in claims])
            return
        await self._own.give_back(session, claims)


def _keys(claims: Sequence[Claim]) -> list[str]:
    return [_PREFIX + claim.name for claim in claims]
