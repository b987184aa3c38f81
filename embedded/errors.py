"""What keeps the embedded stack from running."""


class StackError(Exception):
    """The stack can't start, as sentences that say what to do."""
