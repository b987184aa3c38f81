"""What a command writes to a terminal, as a picture of that terminal."""

import io
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.fixtures.stack import Home

COLUMNS: Final = 110
_PAGE: Final = """<!doctype html><meta charset=utf-8><style>
pre {{ margin: 0; padding: 14px 18px; background: #1d2126; color: #d9dde1; width: max-content;
  font: 13px/1.35 "DejaVu Sans Mono", "Liberation Mono", monospace }}
</style><pre>{code}</pre>"""


async def written(home: Home, *arguments: str) -> str:
    """What a ``rushes`` command writes in colour to a terminal of so many columns."""
    environment = {name: value for name, value in home.environment.items() if name != "NO_COLOR"}
    coloured = Home(home.folder, {**environment, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)})
    ended = await coloured.rushes(*arguments)
    assert ended.code == 0, ended
    return f"$ rushes {' '.join(arguments)}\n{ended.out}"


def as_page(*screens: str) -> str:
    """These, one below the other; what a terminal would break is broken."""
    console = Console(file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="truecolor")
    for screen in screens:
        console.print(Text.from_ansi(screen))
    return console.export_html(theme=MONOKAI, inline_styles=True, code_format=_PAGE)
