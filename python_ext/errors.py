"""The one exception that people, not programmers, are meant to read."""


class SegmentationError(Exception):
    """An expected failure, told in one message that says what is wrong and what to do.

    Parameters
    ----------
    message : str
        Text for the reader.
    exit_code : int, default 1
        Exit code of the command line: 1 for a failed job, 2 for a wrong call.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
