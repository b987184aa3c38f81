"""A look at every packet of a file, line by line as ffprobe prints them. Pure, and in little memory."""

from array import array
from collections import deque
from math import inf
from typing import Final

from contracts.errors import LimitExceeded
from media.model import PacketSurvey

PACKET_ENTRIES: Final = "packet=stream_index,pts_time,dts_time,duration_time,size,flags"
"""What is asked of ffprobe; with ``-of csv=p=0`` it prints them in its own order, that of ``_COLUMNS``."""

_COLUMNS: Final = 6
_KEYFRAMES_APART_SECONDS: Final = 0.5
_RESTART_SECONDS: Final = 0.5
"""A clock that goes back by less is disorder, which some writers leave; such a source is encoded."""
_SECOND: Final = 1.0 - 1e-6
"""A little less, or a packet just one second earlier counts or not as its time happens to be rounded."""


_PACKETS_A_LOOK: Final = 10_000
"""Of one track and each second: no picture has so many, and no sound. TrueHD has 1,200."""

MOST_PACKETS: Final = 30_000_000
"""Of all tracks together: six hours with a track of TrueHD have 27 million, with sixteen tracks of AAC 18."""

_MOST_COUNTED_A_SECOND: Final = 4_000
"""That a second is busier makes no difference to what is decided from it, so no more of its packets are remembered."""


class Surveyor:
    """Takes ffprobe's lines and gives a ``PacketSurvey`` for each stream, in bounded memory whatever the times are.

    Args:
        believed_seconds: No track is taken to be longer: one packet far away would make room for any number of others.
        most_packets: Of all streams.

    Attributes:
        packets: How many it has seen, of all streams.
        size_bytes: How large they are together.
    """

    def __init__(self, believed_seconds: float = inf, most_packets: int = MOST_PACKETS) -> None:
        """Know of no packet yet."""
        self.packets = 0
        self.size_bytes = 0
        self._believed_seconds = believed_seconds
        self._most_packets = most_packets
        self._streams: dict[int, _StreamSurveyor] = {}

    def read_line(self, line: str) -> None:
        """Take one line, without its end. What is not a packet is passed over.

        Raises:
            LimitExceeded: There are more packets, in a second or in all, than anybody looks at.
        """
        fields = line.split(",")
        if len(fields) < _COLUMNS or not fields[0].isdecimal():
            return
        index = int(fields[0])
        if index not in self._streams:
            self._streams[index] = _StreamSurveyor(self._believed_seconds)
        size_bytes = int(_number(fields[4]) or 0)
        self.packets += 1
        if self.packets > self._most_packets:
            raise LimitExceeded(
                f"The file has more than {self._most_packets} packets. Export it shorter, or with fewer tracks, and "
                "upload the new file."
            )
        self.size_bytes += size_bytes
        self._streams[index].take(_number(fields[1]), _number(fields[2]), _number(fields[3]), size_bytes, fields[5])

    def survey(self, index: int) -> PacketSurvey | None:
        """What there is to say of a stream; None where it has no packet."""
        return self._streams[index].result() if index in self._streams else None


class _StreamSurveyor:
    def __init__(self, believed_seconds: float) -> None:
        self._believed_seconds = believed_seconds
        self._most_keyframes = 1 + believed_seconds / _KEYFRAMES_APART_SECONDS
        self._packets = 0
        self._size_bytes = 0
        self._first = float("inf")
        self._last = float("-inf")
        self._last_duration: float | None = None
        self._starts_with_keyframe = False
        self._keyframe: float | None = None
        self._keyframes = array("d")
        self._reorder = 0.0
        self._restarts = 0
        self._keyframe_gap = 0.0
        self._in_order = True
        self._hidden = 0
        self._hole = 0.0
        self._decoded: float | None = None
        self._decoded_until: float | None = None
        self._recent: deque[float] = deque(maxlen=_MOST_COUNTED_A_SECOND)
        self._recent_half: deque[float] = deque(maxlen=_MOST_COUNTED_A_SECOND)
        self._most_a_second = 0

    def take(self, pts: float | None, dts: float | None, duration: float | None, size_bytes: int, flags: str) -> None:
        self._packets += 1
        self._size_bytes += size_bytes
        if self._packets % _PACKETS_A_LOOK == 0:
            self._refuse_flood()
        if self._packets == 1:
            self._starts_with_keyframe = "K" in flags
        self._in_order &= self._follows(pts, dts)
        at = pts if pts is not None else dts
        if at is None:
            return
        if dts is not None:
            self._restarts += self._decoded is not None and dts < self._decoded - _RESTART_SECONDS
            self._decoded = dts
        if "D" in flags:
            self._hidden += 1
            return
        if dts is not None:
            self._keep_pace(dts, duration or 0.0)
        self._first = min(self._first, at)
        if at >= self._last:
            self._last, self._last_duration = at, duration
        if "K" in flags:
            self._keyframe_gap = max(self._keyframe_gap, at - self._keyframe if self._keyframe is not None else 0.0)
            self._keyframe = at
            self._reorder = max(self._reorder, at - dts if dts is not None else 0.0)
            is_apart = not self._keyframes or at >= self._keyframes[-1] + _KEYFRAMES_APART_SECONDS
            if is_apart and len(self._keyframes) < self._most_keyframes:
                self._keyframes.append(at)

    def _refuse_flood(self) -> None:
        span = max(0.0, self._last - self._first) if self._first <= self._last else 0.0
        seconds = min(span, self._believed_seconds)
        if self._packets > _PACKETS_A_LOOK * (1 + seconds):
            raise LimitExceeded(
                f"The file has more than {self._packets - 1} packets in {seconds:.3g} s of one track. Export it with "
                "fewer frames a second and upload the new file."
            )

    def _follows(self, pts: float | None, dts: float | None) -> bool:
        """Whether its times go on from those before. Matroska has no decoding times; ffmpeg guesses most of them."""
        if pts is None or dts is None:
            return pts is not None and self._decoded is None
        return pts >= dts and (self._decoded is None or dts > self._decoded)

    def _keep_pace(self, dts: float, duration: float) -> None:
        if self._decoded_until is not None:
            self._hole = max(self._hole, dts - self._decoded_until)
        self._decoded_until = dts + duration
        if self._recent and dts < self._recent[-1] - _RESTART_SECONDS:  # or those from later on would never be old
            self._recent.clear()
            self._recent_half.clear()
        self._recent.append(dts)
        self._recent_half.append(dts)
        while self._recent[0] <= dts - _SECOND:
            self._recent.popleft()
        while self._recent_half[0] <= dts - _SECOND / 2:
            self._recent_half.popleft()
        # One less, as the first and the last of them may lie just within.
        self._most_a_second = max(self._most_a_second, len(self._recent), 2 * (len(self._recent_half) - 1))

    def _last_stands(self) -> float:
        """How long the last packet lasts: where it does not say so, as WebM need not, as the others do on average."""
        if self._last_duration is not None:
            return self._last_duration
        others = self._packets - self._hidden - 1
        return (self._last - self._first) / others if others > 0 else 0.0

    def result(self) -> PacketSurvey:
        shown = self._packets > self._hidden and self._first <= self._last
        end = self._last + self._last_stands()
        until_the_end = end - self._keyframe if shown and self._keyframe is not None else 0.0
        return PacketSurvey(
            packets=self._packets,
            size_bytes=self._size_bytes,
            first_seconds=round(self._first, 6) if shown else 0.0,
            last_seconds=round(self._last, 6) if shown else 0.0,
            end_seconds=round(end, 6) if shown else 0.0,
            starts_with_keyframe=self._starts_with_keyframe,
            keyframe_gap_seconds=round(max(self._keyframe_gap, until_the_end), 6),
            in_order=self._in_order,
            hidden=self._hidden,
            hole_seconds=round(self._hole, 6),
            most_a_second=self._most_a_second,
            keyframes=tuple(self._keyframes),
            reorder_seconds=round(self._reorder, 6),
            restarts=self._restarts,
        )


def _number(text: str) -> float | None:
    """What ffprobe does not know, it writes as N/A."""
    try:
        return float(text)
    except ValueError:
        return None
