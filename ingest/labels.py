"""What people call a file and a video, made harmless: labels, never paths."""

import unicodedata
from typing import Final

from contracts.refusals import RefusalCode, Refused

MAX_FILENAME_LENGTH: Final = 255
MAX_TITLE_LENGTH: Final = 200
# Characters that reorder what follows, so that a name looks like another ("exe.4pm" for "mp4.exe").
_BIDIRECTIONAL_CONTROLS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def safe_filename(sent: str) -> str | None:
    """The file's name without folders, control characters and excess, or None when nothing is left.

    Both separators count, whatever the client's system. A name that is too long keeps its extension.
    """
    name = sent.replace("\\", "/").rpartition("/")[2]
    name = unicodedata.normalize("NFC", name)
    name = "".join(character for character in name if _is_printable(character)).strip()
    if name.strip(".") == "":
        return None
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) >= MAX_FILENAME_LENGTH:
        return name[:MAX_FILENAME_LENGTH]
    return stem[: MAX_FILENAME_LENGTH - len(extension) - 1] + dot + extension


def extension_of(filename: str) -> str:
    """The extension with its dot, in lower case, or "" where there is none; ``.mp4`` alone is a name without one."""
    stem, dot, extension = filename.rpartition(".")
    return f"{dot}{extension.lower()}" if stem else ""


def title_from(filename: str) -> str:
    """The title of a video that was uploaded without one."""
    stem = filename.rpartition(".")[0] or filename
    return stem[:MAX_TITLE_LENGTH].strip() or filename[:MAX_TITLE_LENGTH]


def checked_title(title: str) -> str | None:
    """The title without blanks around it; None for an empty one. Raises ``Refused``."""
    title = title.strip()
    if len(title) > MAX_TITLE_LENGTH:
        raise Refused(RefusalCode.INVALID_TITLE, f"The title has more than {MAX_TITLE_LENGTH} characters.")
    if not title.isprintable():
        raise Refused(RefusalCode.INVALID_TITLE, "The title has control characters.")
    return title or None


def _is_printable(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in _BIDIRECTIONAL_CONTROLS
