"""What a bucket says when it refuses, in words that say what to do."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own, for an address that does not answer
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from contracts.errors import StorageFailed

_CREDENTIALS: Final = "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
_RIGHTS: Final = (
    "these credentials may not do that. Allow them to get, put, list and delete objects there, and to list and abort "
    "multipart uploads and list their parts."
)
_NO_S3: Final = "what answers there is no S3, or has no such bucket. Is AWS_ENDPOINT_URL right?"
_ADVICE: Final = {
    **dict.fromkeys(("404", "405", "501"), _NO_S3),  # the bare status, where an S3 would have named what is wrong
    "NoSuchBucket": "there is no such bucket. Make it, or correct RUSHES_STORAGE.",
    "NoSuchKey": "there is no such file. Was it deleted by somebody else, or is that another bucket than before?",
    "NoSuchUpload": "the parts that were put are gone. Does another one write the same file, or a rule remove them?",
    "InvalidBucketName": "that can't be the name of a bucket. Correct RUSHES_STORAGE.",
    "InvalidAccessKeyId": f"it does not know the access key. {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret key does not belong to the access key. {_CREDENTIALS}",
    "ExpiredToken": "the credentials have expired. Get new ones.",
    "InvalidToken": "the session token is not valid. Check AWS_SESSION_TOKEN.",
    "AccessDenied": _RIGHTS,
    "Forbidden": _RIGHTS,
    "RequestTimeTooSkewed": "this machine's clock is off by more than the server allows. Set it right (NTP).",
    "PermanentRedirect": "the bucket is in another region. Set AWS_REGION to that of the bucket.",
    "AuthorizationHeaderMalformed": "the bucket is in another region. Set AWS_REGION to that of the bucket.",
    "IllegalLocationConstraintException": "the bucket is in another region. Set AWS_REGION to that of the bucket.",
    "EntityTooLarge": "the file is larger than it takes.",
    "QuotaExceeded": "its quota is used up. Free some space, or have the quota raised.",
    "XMinioStorageFull": "it is full. Free some space.",
    "InsufficientStorage": "it is full. Free some space.",
    "BadDigest": "the bytes that arrived are not those that were sent. The network may be at fault.",
    "ConditionalRequestConflict": "another writes the same file at this moment. It will be tried again.",
    "SlowDown": "it is asked too much at once. It will be asked again.",
    "ServiceUnavailable": "it is not available just now.",
    "InternalError": "it reports a fault of its own; it may be full. Look into its log.",
}
_STATUS_ADVICE: Final = {
    301: _ADVICE["PermanentRedirect"],
    403: _ADVICE["AccessDenied"],
    507: _ADVICE["InsufficientStorage"],
}
NOT_THERE: Final = frozenset({"NoSuchKey", "NotFound", "404"})
THERE_ALREADY: Final = frozenset({"PreconditionFailed", "412"})
NO_SOURCE: Final = "NoSuchKey"
"""Of a copy; its errors have a body, so that a bare 404 is of somebody else, as a proxy that has lost its server."""
NO_UPLOAD: Final = "NoSuchUpload"
"""Of parts that were finished or taken away."""
CONFLICT: Final = "ConditionalRequestConflict"
"""Another one puts the same object at this moment: who asks again learns whether it stands."""
NOT_OFFERED: Final = frozenset({"NotImplemented", "MethodNotAllowed", "MissingContentMD5", "405", "501"})


def code_of(error: ClientError) -> str:
    """The code in which the bucket says what is wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_refused_as(error: StorageFailed, code: str) -> bool:
    """Whether the bucket refused with this code."""
    return isinstance(error.__cause__, ClientError) and code_of(error.__cause__) == code


def has(answer: Mapping[str, object], field: str) -> None:
    """Raise ``KeyError`` where an answer lacks what every S3 says."""
    answer[field]


@contextlib.contextmanager
def told_as_storage_failed(doing: str, where: str) -> Iterator[None]:
    """Turn what a bucket or the way to it answers into ``StorageFailed``.

    A page of somebody else, as of a proxy that wants a name or is being mended, may come with a status of success. It
    is known by what it lacks (``KeyError``): whoever needs a field of an answer takes it within the block.

    Args:
        doing: What was tried, as in "store the upload".
        where: The place, as a setting names it.
    """
    try:
        yield
    except ClientError as error:
        raise StorageFailed(f"Could not {doing} in {where}: {_why(error)}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StorageFailed(f"Could not {doing} in {where}: there are no credentials. {_CREDENTIALS}") from error
    except (ConnectionError, HTTPClientError, aiohttp.ClientError, TimeoutError) as error:
        raise StorageFailed(
            f"Could not {doing} in {where}: the server does not answer, or stopped in the middle. Is it there, and is "
            "AWS_ENDPOINT_URL right?"
        ) from error
    except (ResponseParserError, KeyError) as error:
        raise StorageFailed(f"Could not {doing} in {where}: {_NO_S3}") from error
    except BotoCoreError as error:
        raise StorageFailed(f"Could not {doing} in {where}: {error}") from error


def _why(error: ClientError) -> str:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    known = _ADVICE.get(code) or _STATUS_ADVICE.get(status)
    message = str(error.response.get("Error", {}).get("Message", "")).strip().rstrip(".")
    return known or f"it answered {code or status}{f' ({message})' if message else ''}."
