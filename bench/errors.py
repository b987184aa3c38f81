"""What keeps a case, or a system in it, from being measured."""


class NotMeasured(Exception):
    """Something can't be measured here; the text says why. The rest of the benchmark goes on."""
