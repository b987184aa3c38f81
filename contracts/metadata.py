"""``metadata``: what a caller keeps with a video for itself, a small JSON object of texts.

Texts alone, as Stripe has it: they are the same in JSON, in a form and in a query, so a filter compares what was sent.
"""

import json
from collections.abc import Mapping
from typing import Final

from contracts.refusals import RefusalCode, Refused

MOST_KEYS: Final = 50
LONGEST_KEY: Final = 40
LONGEST_VALUE: Final = 500
MOST_BYTES: Final = 8 * 1024
"""Of the whole object as JSON: it comes back in every answer, event and webhook."""


def checked_metadata(sent: object) -> dict[str, str]:
    """The object as it is. Raises ``Refused`` for one that can't be kept."""
    if not isinstance(sent, Mapping):
        raise _refused("is a JSON object of texts")
    if len(sent) > MOST_KEYS:
        raise _refused(f"has at most {MOST_KEYS} keys")
    checked = {_checked_key(key): _checked_value(key, value) for key, value in sent.items()}
    if len(json.dumps(checked, ensure_ascii=False).encode()) > MOST_BYTES:
        raise _refused(f"has at most {MOST_BYTES} bytes in all")
    return checked


def metadata_from_json(text: str) -> dict[str, str]:
    """The object that a form's field or a header has as JSON; none for an empty text. Raises ``Refused``."""
    if not text.strip():
        return {}
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("is a JSON object of texts, and this can't be read as JSON") from error
    return checked_metadata(sent)


def merged_metadata(known: Mapping[str, str], patch: Mapping[str, str | None] | None) -> dict[str, str]:
    """What a JSON merge patch (RFC 7396) makes of it: None takes a key away, and in place of the patch all of them.

    Raises:
        Refused: What comes of it can't be kept.
    """
    if patch is None:
        return {}
    merged = {**known, **patch}
    return checked_metadata({key: value for key, value in merged.items() if value is not None})


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isprintable() or set(key) & set("[]"):
        raise _refused(f"has keys of 1 to {LONGEST_KEY} printable characters without square brackets")
    return key


def _checked_value(key: object, value: object) -> str:
    if not isinstance(value, str):
        raise _refused(f"has texts as values; that of {key!r} is none")
    if len(value) > LONGEST_VALUE:
        raise _refused(f"has values of at most {LONGEST_VALUE} characters; that of {key!r} is longer")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _refused(f"has texts as values; that of {key!r} has a character that is none")
    return value


def _refused(rule: str) -> Refused:
    return Refused(RefusalCode.INVALID_METADATA, f"The metadata of a video {rule}.")
