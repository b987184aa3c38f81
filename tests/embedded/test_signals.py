"""What signals do to a command that has something to clean up."""

import asyncio
import os
import signal

import pytest

from embedded.signals import Interruption, interruptible, to_the_end


class Told:
    """What the command was told."""

    def __init__(self) -> None:
        self.hurried = asyncio.Event()
        self.said: list[str] = []


async def serve(told: Told, started: asyncio.Event, cleaning: asyncio.Event) -> Interruption:
    """Serve until a signal, then clean up until a second one."""
    with interruptible(told.hurried.set, told.said.append) as interruption:
        try:
            started.set()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cleaning.set()
            await told.hurried.wait()
    return interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_first_signal_cancels_and_the_second_hurries(number: signal.Signals) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        told, started, cleaning = Told(), asyncio.Event(), asyncio.Event()
        serving = asyncio.ensure_future(serve(told, started, cleaning))
        async with asyncio.timeout(10):
            await started.wait()
            os.kill(os.getpid(), number)
            await cleaning.wait()
            assert not told.hurried.is_set()
            os.kill(os.getpid(), signal.SIGTERM)
            interruption = await serving
        assert (interruption.received, interruption.exit_code) == (number, 128 + number)
        assert told.said == ["Stopping. Once more (Ctrl-C) stops at once."]
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_cleaning_up_is_never_left_half_way() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done = []

    async def clean() -> None:
        begun.set()
        await go_on.wait()
        done.append(True)

    cleaning = asyncio.ensure_future(to_the_end(clean()))
    await begun.wait()
    cleaning.cancel()
    await asyncio.sleep(0)
    assert not cleaning.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await cleaning
    assert done == [True]


async def test_a_failure_while_cleaning_up_is_raised() -> None:
    async def clean() -> None:
        raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        await to_the_end(clean())
