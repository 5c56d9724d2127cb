"""The one error of the formatter."""


class UnformattableSource(ValueError):  # noqa: N818  (it names what the text is, as the callers' messages do)
    """The text has no canonical form that keeps all its values and comments; the message says why, and where."""
