"""Names that services with databases of their own hold over Redis or Valkey (HEADWAY["HOLDS"]). Knows no model.

An entry is its owner and the number of the taking. It goes when its owner gives it back; it runs out only where nobody
has renewed it for three leases.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from headway.conf import conf
from headway.fuse import Fuse

TTL_LEASES = 3  # a worker may be silent for one, its successor may need one to come, and one is to spare
ANSWER = 1.0  # s; a chunk's transaction waits for it
NEXT_STAYS_MS = 2_500  # those that wait ask more often
NUMBERS_STAY_MS = 7 * 24 * 3_600_000  # of names that nobody holds; after that the clock is above them

# One slot of a cluster has all keys, since a script takes several at once.
HELD, NUMBER, NEXT = "headway:{holds}:held:", "headway:{holds}:number:", "headway:{holds}:next:"

# Who is refused is the next, unless another is that already: so a service that has a line of its own lets others in.
TAKE = """
local names = #KEYS / 3
local blocked, reserved
for i = 1, names do
  local held, after = redis.call('GET', KEYS[i]), redis.call('GET', KEYS[2 * names + i])
  local mine = held and held:sub(1, #ARGV[1] + 1) == ARGV[1] .. '|'
  if held and not mine then blocked = blocked or i end
  if not mine and after and after ~= ARGV[1] then reserved = reserved or i end
end
if blocked or reserved then
  for i = 1, reserved and 0 or names do redis.call('SET', KEYS[2 * names + i], ARGV[1], 'PX', ARGV[4]) end
  return {0, blocked or reserved}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {1}
for i = 1, names do
  local held = redis.call('GET', KEYS[i])
  local number = held and tonumber(held:sub(#ARGV[1] + 2))
  if not number then
    number = math.max((tonumber(redis.call('GET', KEYS[names + i])) or 0) + 1, now)
    redis.call('SET', KEYS[names + i], string.format('%.0f', number), 'PX', ARGV[3])
  end
  if redis.call('GET', KEYS[2 * names + i]) == ARGV[1] then redis.call('DEL', KEYS[2 * names + i]) end
  redis.call('SET', KEYS[i], ARGV[1] .. '|' .. string.format('%.0f', number), 'PX', ARGV[2])
  answer[i + 1] = number
end
return answer
"""
RENEW = """
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
return 1
"""
RELEASE = """
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if held and held:sub(1, #ARGV[1] + 1) == ARGV[1] .. '|' then redis.call('DEL', KEYS[i]) end
end
return 1
"""


class HeldElsewhere(Exception):
    """Another service holds this name, or is to have it next."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class Unreachable(Exception):
    """The server doesn't answer, so nobody knows what is held."""


class RedisHolds:
    """The holds on one server. Each method is one script, which all others see done or not begun."""

    def __init__(self, url: str) -> None:
        from redis import Redis  # here, as it is an extra
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Broken
        from redis.exceptions import RedisError
        from redis.retry import Retry

        # Once more where the server was restarted: each script may be run twice.
        retry = Retry(NoBackoff(), 1, supported_errors=(Broken,))
        client: Any = Redis.from_url(url, socket_timeout=ANSWER, socket_connect_timeout=ANSWER, retry=retry)
        self.error = RedisError
        self.scripts = {text: client.register_script(text) for text in (TAKE, RENEW, RELEASE)}

    def take(self, owner: str, names: Sequence[str]) -> dict[str, int]:
        """All of these names for this owner, each with its number, higher than that of every taking before; those that
        it has already keep theirs. Raises HeldElsewhere and Unreachable; then none was taken.
        """
        keys = [kind + name for kind in (HELD, NUMBER, NEXT) for name in names]
        done, *told = self.run(TAKE, keys, owner, ttl_ms(), NUMBERS_STAY_MS, NEXT_STAYS_MS)
        if not done:
            raise HeldElsewhere(names[told[0] - 1])
        return dict(zip(names, told, strict=True))

    def renew(self, owner: str, numbers: Mapping[str, int]) -> bool:
        """Whether the owner still has all of these names, from this very taking: then for another three leases. Raises
        Unreachable."""
        told = [f"{owner}|{number}" for number in numbers.values()]
        return bool(self.run(RENEW, [HELD + name for name in numbers], ttl_ms(), *told))

    def release(self, owner: str, names: Sequence[str]) -> None:
        """Give back what of these names is still this owner's. Raises Unreachable."""
        self.run(RELEASE, [HELD + name for name in names], owner)

    def run(self, script: str, keys: Sequence[str], *given: str | int) -> Any:
        try:
            return self.scripts[script](keys=keys, args=given)
        except self.error as error:
            raise Unreachable from error


def ttl_ms() -> int:
    return round(conf().lease_seconds * TTL_LEASES * 1000)


def release(owner: str, names: Sequence[str]) -> None:
    """Give these names back, after the commit that frees them. Never raises: what isn't given back runs out."""
    fuse.attempt(lambda: there.release(owner, names) if (there := server()) else None)


fuse = Fuse("release-of-holds")


def server() -> RedisHolds | None:
    """The project's; None: holds are kept in its database alone. Raises ImportError without redis-py."""
    return server_at(address) if (address := conf().holds) else None


server_at = cache(RedisHolds)
