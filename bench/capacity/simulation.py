"""A day at the workers' queue, event by event: who waits, how long, and how many."""

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.capacity.assumptions import Day
from bench.capacity.model import DAY_SECONDS, mean_rate
from bench.samples import percentile

_LOOK: Final = 1
_FINISH: Final = 2
_SHORT_SECONDS: Final = 60.0
_LONG_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Work:
    """What one video asks of the workers, in seconds of a core.

    Attributes:
        name: Of its kind.
        length: Of the video in seconds; it decides who comes first.
        look: Before anything is encoded.
        parts: Encoded side by side, each.
        finish: After all of them.
    """

    name: str
    length: float
    look: float
    parts: tuple[float, ...]
    finish: float

    @property
    def priority(self) -> int:
        """Of its parts, as the activities have it: looks are 1, ends are 2."""
        return 3 if self.length <= _SHORT_SECONDS else 4 if self.length <= _LONG_SECONDS else 5

    @property
    def whole(self) -> float:
        """All of it."""
        return self.look + sum(self.parts) + self.finish


@dataclass
class _Video:
    number: int
    work: Work
    came: float
    left: int = 0


@dataclass(frozen=True)
class Course:
    """How it went.

    Attributes:
        waits: Seconds from arrival to ready, by the kind's name.
        ready: When each became ready, in the order in which they did.
        most_waiting: Videos that were there and not ready, at most.
        busy: Share of the cores that worked, until the last was ready.
    """

    waits: dict[str, list[float]]
    ready: list[float]
    most_waiting: int
    busy: float

    def p95(self, name: str) -> float:
        """Of a kind's waits."""
        return percentile(self.waits[name], 0.95)


@dataclass
class _Queue:
    servers: int
    speed: float
    events: list[tuple[float, int, str, _Video]] = field(default_factory=list)
    ready: list[tuple[int, int, float, str, _Video]] = field(default_factory=list)
    free: int = 0
    count: int = 0
    worked: float = 0.0

    def ask(self, priority: int, seconds: float, then: str, video: _Video) -> None:
        self.count += 1
        heapq.heappush(self.ready, (priority, self.count, seconds, then, video))

    def serve(self, now: float) -> None:
        while self.free and self.ready:
            _, _, seconds, then, video = heapq.heappop(self.ready)
            self.free -= 1
            self.worked += seconds
            self.count += 1
            heapq.heappush(self.events, (now + seconds / self.speed, self.count, then, video))


def simulate(arrivals: Sequence[tuple[float, Work]], servers: int, speed: float = 1.0) -> Course:
    """Serve the arrivals with so many cores, each ``speed`` times the one by which the work was measured.

    Every step holds one core and none is interrupted; by priority first, then in the order in which they came.
    """
    queue = _Queue(servers, speed, free=servers)
    for number, (moment, work) in enumerate(arrivals):
        queue.events.append((moment, -len(arrivals) + number, "come", _Video(number, work, moment)))
    heapq.heapify(queue.events)
    waits: dict[str, list[float]] = {}
    ready: list[float] = []
    present = most = 0
    now = 0.0
    while queue.events:
        now, _, what, video = heapq.heappop(queue.events)
        if what == "come":
            present += 1
            most = max(most, present)
            queue.ask(_LOOK, video.work.look, "looked", video)
        else:
            queue.free += 1
            if _next(queue, what, video):
                present -= 1
                ready.append(now)
                waits.setdefault(video.work.name, []).append(now - video.came)
        queue.serve(now)
    began = arrivals[0][0] if arrivals else 0.0
    span = (now - began) * servers * speed
    return Course(waits, ready, most, queue.worked / span if span else 0.0)


def _next(queue: _Queue, what: str, video: _Video) -> bool:
    """Ask for what follows; whether nothing does."""
    work = video.work
    if what == "looked":
        video.left = len(work.parts)
        for seconds in work.parts:
            queue.ask(work.priority, seconds, "made", video)
    elif what == "made":
        video.left -= 1
    if what != "finished" and video.left == 0:
        queue.ask(_FINISH, work.finish, "finished", video)
    return what == "finished"


def rate_at(day: Day, seconds: float) -> float:
    """Videos a second at that second of the day: a cosine around the mean.

    Raises:
        ValueError: The peak is not between one and two times the mean.
    """
    if not 1 <= day.peak <= 2:  # noqa: PLR2004  beyond it a cosine would be negative at night
        raise ValueError("the peak of a cosine is one to two times its mean")
    turn = 2 * math.pi * (seconds / 3600 - day.peak_hour) / 24
    return mean_rate(day) * (1 + (day.peak - 1) * math.cos(turn))


def arrivals_of_a_day(
    day: Day, works: Sequence[tuple[Work, float]], seed: int, one_in: int = 1
) -> Iterator[tuple[float, Work]]:
    """One in so many of a day's arrivals, at random by its rate; each work has its share of all."""
    drawn = random.Random(seed)  # noqa: S311  the same every time is what is wanted
    kinds, shares = [work for work, _ in works], [share for _, share in works]
    most = mean_rate(day) * day.peak / one_in
    moment = 0.0
    while True:
        moment += drawn.expovariate(most)
        if moment >= DAY_SECONDS:
            return
        if drawn.random() * most * one_in <= rate_at(day, moment):
            yield moment, drawn.choices(kinds, shares)[0]
