"""What can be wrong with settings; apart from them, so that a command can tell of it without reading any."""


class SettingsError(Exception):
    """A setting is missing or can't be used; the sentence names it and says what to write."""
