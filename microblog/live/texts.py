"""The text of a frame, which goes to many."""


class Text(str):
    """Keeps what a server has made of it, so that this is done once, however many get it.

    Of a plain string nothing is kept: it says the same.
    """

    __slots__ = ("encoded",)

    encoded: bytes
