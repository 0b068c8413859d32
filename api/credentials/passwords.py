"""How passwords are hashed and compared: argon2id, in few threads, in the same time whoever is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.http.problems import PASSWORDS_BUSY, ApiError

TIME_COST: Final = 3
MEMORY_COST: Final = 64 * 1024  # KiB
# Each takes 64 MiB for its time: more at once would only be slower. Who registers never holds up who signs in.
SIGN_INS: Final = 2
SIGN_INS_WAITING: Final = 32
REGISTRATIONS: Final = 1
REGISTRATIONS_WAITING: Final = 8
PER_SECOND: Final = 4  # hashings of a lane, for what a refused client is told to wait

Result = TypeVar("Result")
HasLeft = Callable[[], Awaitable[bool]]


async def nobody_leaves() -> bool:
    """Say of a caller that is no client that it waits for what it asked for."""
    return False


class HashingLane:
    """Hashings of one kind: so many at once, so many that wait, and none for a client that has left."""

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._turns = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self._waiting = 0

    async def run(self, work: Callable[[], Result], has_left: HasLeft) -> Result:
        """Work in a thread when it is this one's turn; ApiError where as many wait as may, or the client has left."""
        if self._turns.locked() and self._waiting >= self._waiting_max:
            raise self._refusal()
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            if await has_left():
                raise self._refusal()
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._turns.release()

    def _refusal(self) -> ApiError:
        return ApiError(PASSWORDS_BUSY, headers={"Retry-After": str(1 + self._waiting // PER_SECOND)})


class Passwords:
    """Hashes and verifies, off the event loop."""

    def __init__(self, time_cost: int = TIME_COST, memory_cost: int = MEMORY_COST) -> None:
        """Take argon2id's parameters; a hash of others is renewed when it is next verified."""
        self._hash = PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_cost),))
        self._registrations = HashingLane(REGISTRATIONS, REGISTRATIONS_WAITING)
        self._sign_ins = HashingLane(SIGN_INS, SIGN_INS_WAITING)
        self._nobodys = self._hash.hash("the password of nobody")

    async def hash_first(self, password: str, has_left: HasLeft = nobody_leaves) -> str:
        """Give the hash of a new user's password; ApiError where too many register."""
        return await self._registrations.run(lambda: self.hash_now(password), has_left)

    async def hash(self, password: str, has_left: HasLeft = nobody_leaves) -> str:
        """Give a password's hash, with its salt and parameters; ApiError where too many sign in."""
        return await self._sign_ins.run(lambda: self.hash_now(password), has_left)

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._hash.hash(password)

    async def verify(
        self, password: str, stored: str | None, has_left: HasLeft = nobody_leaves
    ) -> tuple[bool, str | None]:
        """Compare with a hash, and renew one of old parameters; null takes as long and never matches."""
        matches, renewed = await self._sign_ins.run(
            lambda: self._hash.verify_and_update(password, stored or self._nobodys), has_left
        )
        return (matches, renewed) if stored is not None else (False, None)
