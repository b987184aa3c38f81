"""How an amount of bytes is told to people, everywhere the same."""

from typing import Final

_KIBI: Final = 1024


def size_text(size_bytes: int) -> str:
    """Bytes as people read them: ``1.9 MiB``."""
    size = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < _KIBI or unit == "GiB":
            break
        size /= _KIBI
    return f"{size_bytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
