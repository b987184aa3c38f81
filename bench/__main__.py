"""``python -m bench``: measure Rushes beside what it replaces, and write down what was found."""

import asyncio
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from bench.cases.every import CASES
from bench.cases.model import Case
from bench.clips import Clips
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.machine import this_machine, versions
from bench.processes import remove_folder, sweep
from bench.report.document import write_document
from bench.report.table import print_report
from bench.result import Report, read_report, write_report
from bench.scale import FULL, QUICK, Scale
from cli.console import messages, output
from embedded.errors import StackError
from embedded.signals import interruptible
from media.ffmpeg import Ffmpeg
from media.programs import FfmpegMissing

_ROOT: Final = Path(__file__).resolve().parent.parent
_RESULTS: Final = _ROOT / "var" / "bench" / "results.json"
_CLIPS: Final = _ROOT / "var" / "bench" / "clips"

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    quick: Annotated[bool, typer.Option("--quick", help="Small clips, few rounds: under five minutes.")] = False,
    only: Annotated[str, typer.Option(help="Letters of the cases to run, such as a,b. Default: all.")] = "",
    results: Annotated[Path, typer.Option("--output", help="Where the JSON goes.")] = _RESULTS,
    clips: Annotated[Path, typer.Option(help="Where drawn clips are kept.")] = _CLIPS,
    folder: Annotated[Path | None, typer.Option(help="Disk to measure on. Default: that of temporary files.")] = None,
) -> None:
    """Measure."""
    raise typer.Exit(asyncio.run(_run(QUICK if quick else FULL, _chosen(only), results, clips, folder)))


@app.command()
def docs(
    results: Annotated[Path, typer.Option("--input", help="What `run` wrote.")] = _RESULTS,
    target: Annotated[Path, typer.Option("--output", help="The folder of documents.")] = _ROOT / "docs",
) -> None:
    """Write docs/benchmarks.md and its plots."""
    for path in write_document(read_report(results), target):
        output().print(str(path), soft_wrap=True)


def _chosen(letters: str) -> list[Case]:
    wanted = [letter.strip().lower() for letter in letters.split(",") if letter.strip()]
    unknown = set(wanted) - {case.letter for case in CASES}
    if unknown:
        raise typer.BadParameter(f"there is no case {', '.join(sorted(unknown))}", param_hint="--only")
    return [case for case in CASES if not wanted or case.letter in wanted]


async def _run(scale: Scale, cases: Sequence[Case], results: Path, clips: Path, disk: Path | None) -> int:
    ffmpeg = await Ffmpeg.locate()
    folder = Path(tempfile.mkdtemp(prefix="rushes-bench-", dir=disk))
    ground = Ground(scale, ffmpeg, Clips(clips, ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path), folder, _say)
    report = Report(
        began=datetime.now().astimezone().isoformat(timespec="seconds"),
        quick=scale.is_quick,
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        machine=this_machine(),
        versions=await versions(ffmpeg),
    )
    with interruptible(lambda: _hurry(ground), _say) as interruption:
        try:
            report = await _measured(report, cases, ground, results)
        except asyncio.CancelledError:
            if interruption.received is None:
                raise
            return interruption.exit_code
        finally:
            await _cleaned(ground, _say)
    print_report(output(), report)
    _say(f"Written to {results}.")
    return 0


async def _measured(report: Report, cases: Sequence[Case], ground: Ground, results: Path) -> Report:
    """Run the cases; what is found is written after each."""
    for case in cases:
        _say(f"({case.letter}) {case.title}")
        report = replace(report, cases=(*report.cases, await case.result(ground)))
        await asyncio.to_thread(write_report, report, results)
    return report


async def _cleaned(ground: Ground, say: Callable[[str], None]) -> None:
    left = await asyncio.to_thread(sweep, ground.mark)
    if left:
        say(f"{left} processes were left over and have been ended.")
    await remove_folder(ground.folder)


def _hurry(ground: Ground) -> None:
    """For a person who does not wait: what is stopping one by one is ended at once."""
    sweep(ground.mark)


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
