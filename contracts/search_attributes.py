"""What runs are found by in Temporal."""

from typing import Final

from temporalio.common import SearchAttributeKey

VIDEO_STATUS: Final = SearchAttributeKey.for_keyword("VideoStatus")
VIDEO_ERROR_CODE: Final = SearchAttributeKey.for_keyword("VideoErrorCode")
USER_ID: Final = SearchAttributeKey.for_keyword("UserId")
SEARCH_ATTRIBUTES: Final = (VIDEO_STATUS, VIDEO_ERROR_CODE, USER_ID)
