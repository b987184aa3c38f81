"""Texts of strangers, as they may be shown to a person: nothing in them steers what shows them."""

import re
from typing import Final

_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys (a title for its window, a clipboard, a line written over) or reads in another order."""


def printable(text: str) -> str:
    """The text, with what would steer a terminal written out as JSON has it; line breaks and tabs stay."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
