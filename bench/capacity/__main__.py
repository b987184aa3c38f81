"""``python -m bench.capacity``: measure what videos use, load the machine, and write ``docs/capacity.md``."""

import asyncio
import shlex
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from bench.capacity.findings import Findings, read_findings, write_findings
from bench.capacity.loading import load
from bench.capacity.measuring import measure, stack_on_a_bucket
from bench.capacity.page import page
from bench.clips import Clips
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.machine import this_machine, versions
from bench.processes import remove_folder, sweep
from bench.scale import FULL
from cli.console import messages, output
from embedded.errors import StackError
from media.ffmpeg import Ffmpeg
from media.programs import FfmpegMissing

_ROOT: Final = Path(__file__).resolve().parents[2]
_RESULTS: Final = _ROOT / "var" / "bench" / "capacity.json"
_CLIPS: Final = _ROOT / "var" / "bench" / "clips"

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    minutes: Annotated[float, typer.Option(help="How long the load run sends videos.")] = 4.0,
    results: Annotated[Path, typer.Option("--output", help="Where the JSON goes.")] = _RESULTS,
    clips: Annotated[Path, typer.Option(help="Where drawn clips are kept.")] = _CLIPS,
) -> None:
    """Measure what videos use, then load the machine."""
    asyncio.run(_run(minutes, results, clips))


@app.command()
def docs(
    results: Annotated[Path, typer.Option("--input", help="What `run` wrote.")] = _RESULTS,
    target: Annotated[Path, typer.Option("--output", help="The page.")] = _ROOT / "docs" / "capacity.md",
) -> None:
    """Write docs/capacity.md."""
    target.write_text(page(read_findings(results)), encoding="utf-8")
    output().print(str(target), soft_wrap=True)


async def _run(minutes: float, results: Path, clips: Path) -> None:
    ffmpeg = await Ffmpeg.locate()
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="rushes-capacity-"))
    ground = Ground(FULL, ffmpeg, Clips(clips, ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path), folder, _say)
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    try:
        async with stack_on_a_bucket(ground) as stack:
            _say("What videos use")
            idle, samples = await measure(ground, stack)
            _say("A load that fills this machine")
            loaded = await load(ground, stack, samples, 60 * minutes)
    finally:
        await asyncio.to_thread(sweep, ground.mark)
        await remove_folder(folder)
    command = shlex.join(["python", "-m", "bench.capacity", *sys.argv[1:]])
    found = Findings(began, command, this_machine(), await versions(ffmpeg), idle, samples, loaded)
    await asyncio.to_thread(write_findings, found, results)
    _say(f"Written to {results}.")


def _say(sentence: str) -> None:
    messages().print(Text(sentence), soft_wrap=True)


def main() -> int:
    """Run it; what goes wrong is a sentence."""
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except (NotMeasured, StackError, FfmpegMissing, OSError) as error:
        messages().print(Text(str(error), style="red"), soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
