"""What is wrong in a request that does not fit the API, in words, and in short however much it is."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

_MOST_ERRORS: Final = 20
"""So many are told of a request that is wrong in more places."""

_LONGEST_NAME: Final = 200
"""Letters of the name of what is wrong, which the sender may have made up."""

_A_MOMENT: Final = (
    "not a moment such as `2026-11-30T14:20:00Z`, `2026-11-30T14:20` or `2026-11-30`; without a zone it is UTC"
)

_NO_BODY: Final = "there is none; send the JSON object of /docs, with the header `Content-Type: application/json`"

_IN_OUR_WORDS: Final[Mapping[str, str]] = {
    "datetime_from_date_parsing": _A_MOMENT,
    "datetime_parsing": _A_MOMENT,
    "datetime_type": _A_MOMENT,
    "extra_forbidden": "there is no field of this name; the documentation at /docs has all",
    "missing": "it is missing",
    "model_attributes_type": "not a JSON object; send one, with the header `Content-Type: application/json`",
    "uuid_parsing": "not an id: 32 hexadecimal digits in groups, as the api tells them",
}
"""By pydantic's type of an error; what is not here is told in its words."""

_OWN_WORDS: Final = "Value error, "
"""What pydantic puts before a sentence of a validator of ours."""


def told_of(error: RequestValidationError) -> tuple[list[dict[str, str]], str]:
    """The parameters that are wrong, each with why; and all of that as one sentence."""
    errors = error.errors()
    invalid = [_invalid_parameter(item) for item in errors[:_MOST_ERRORS]]
    more = [f"and {len(errors) - len(invalid)} more"] if len(errors) > len(invalid) else []
    return invalid, "; ".join([*(f"{item['parameter']}: {item['detail']}" for item in invalid), *more])


def _invalid_parameter(item: Mapping[str, Any]) -> dict[str, str]:
    location: Sequence[object] = item["loc"]
    detail = _IN_OUR_WORDS.get(item["type"]) or str(item["msg"]).removeprefix(_OWN_WORDS)
    if item["type"] == "missing" and tuple(location) == ("body",):
        detail = _NO_BODY
    if item["type"] == "json_invalid":
        location, at = location[:1], location[1]
        detail = f"not JSON: {item['ctx']['error']}, at character {at}"
    name = ".".join(str(part) for part in location)
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return {"parameter": shown, "detail": detail}
