"""The simulated coordinator shares the shards by Kafka's group protocol, as far as the shell uses it."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka.errors import KafkaError

from tests.simulation.loop import SimulatedLoop
from tests.simulation.trace import Trace

SESSION_S: Final = 6.0


class Member:
    """One reader's place in the group. waiting: for the next assignment, since it joined."""

    def __init__(self, name: str, instance: str | None) -> None:
        self.name = name
        self.instance = instance
        self.shards: frozenset[int] = frozenset()
        self.is_known = True
        self.heard_at = 0.0
        self.waiting: asyncio.Future[frozenset[int]] | None = None


class Group:
    """The coordinator. A member learns of a rebalance by its next heartbeat, and has the session to join again."""

    def __init__(self, loop: SimulatedLoop, trace: Trace, shards: int, is_away: Callable[[], bool]) -> None:
        self.offsets: dict[int, int] = {}
        self.members: list[Member] = []
        self._loop = loop
        self._trace = trace
        self._shards = shards
        self._is_away = is_away
        self._is_rebalancing = False
        self._round = 0
        self._names = 0
        loop.call_in_world(1.0, self._look_for_the_dead)

    def new_member(self, instance: str | None) -> Member:
        """Give a free place; a member with a known instance id takes the place and the shards of its predecessor."""
        self._names += 1
        return Member(f"member-{self._names}", instance)

    def join(self, member: Member) -> "asyncio.Future[frozenset[int]]":
        """Give a promise of shards."""
        member.heard_at = self._loop.now
        member.waiting = promise = self._loop.create_future()
        namesake = next((one for one in self.members if one.instance and one.instance == member.instance), None)
        if namesake is not None and namesake is not member:
            namesake.is_known = False
            if namesake.waiting is not None and not namesake.waiting.done():
                namesake.waiting.set_exception(KafkaError("FENCED_INSTANCE_ID"))
            self.members[self.members.index(namesake)] = member
            member.shards = namesake.shards
            if not self._is_rebalancing:
                self._tell(member)
                return promise
        elif member not in self.members:
            self.members.append(member)
        self._begin_rebalance()
        self._end_if_all_are_here()
        return promise

    def beat(self, member: Member) -> bool:
        """Hear that a member lives; whether it has to join again."""
        member.heard_at = self._loop.now
        return self._is_rebalancing and member.waiting is None

    def leave(self, member: Member) -> None:
        """Forget a member that goes; one with an instance id keeps its place for the session."""
        if member in self.members and member.instance is None:
            self._forget(member, "leaves")

    def shards_of(self, instance: str) -> frozenset[int] | None:
        """Give what an instance has, null where there is none."""
        return next((member.shards for member in self.members if member.instance == instance), None)

    def _begin_rebalance(self) -> None:
        if not self._is_rebalancing:
            self._is_rebalancing = True
            self._round += 1
            self._loop.call_in_world(SESSION_S, self._end_round, self._round)

    def _end_round(self, number: int) -> None:
        """Go on without those who did not join in time."""
        if self._is_rebalancing and self._round == number:
            for member in [one for one in self.members if one.waiting is None]:
                self._expel(member, "did not join in time")
            self._end_if_all_are_here()

    def _end_if_all_are_here(self) -> None:
        if not self._is_rebalancing or any(member.waiting is None for member in self.members):
            return
        self._is_rebalancing = False
        self._assign()
        for member in self.members:
            self._tell(member)

    def _assign(self) -> None:
        """Share the shards evenly; a member keeps as many of its own as it may."""
        if not self.members:
            return
        least, more = divmod(self._shards, len(self.members))
        left = set(range(self._shards))
        by_load = sorted(self.members, key=lambda one: -len(one.shards))
        shares = [least + (number < more) for number in range(len(by_load))]
        for member, share in zip(by_load, shares, strict=True):
            member.shards = frozenset(sorted(member.shards & left)[:share])
            left -= member.shards
        for member, share in zip(by_load, shares, strict=True):
            taken = frozenset(sorted(left)[: share - len(member.shards)])
            member.shards |= taken
            left -= taken

    def _tell(self, member: Member) -> None:
        assert member.waiting is not None, "who joined waits"
        waiting, member.waiting = member.waiting, None
        member.heard_at = self._loop.now
        self._trace.add("group", "assigned", member=member.name, shards=sorted(member.shards))
        if not waiting.done():
            waiting.set_result(member.shards)

    def _look_for_the_dead(self) -> None:
        now = self._loop.now
        for member in list(self.members):
            if self._is_away():
                member.heard_at = now
            elif member.waiting is None and now - member.heard_at > SESSION_S:
                self._expel(member, "was not heard of for the session")
        self._loop.call_in_world(0.5, self._look_for_the_dead)

    def _expel(self, member: Member, why: str) -> None:
        member.is_known = False
        self._forget(member, why)

    def _forget(self, member: Member, why: str) -> None:
        self._trace.add("group", f"a member {why}", member=member.name)
        self.members.remove(member)
        if self.members:
            self._begin_rebalance()
            self._end_if_all_are_here()
