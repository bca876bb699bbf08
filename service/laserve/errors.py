"""Every error that LaServe raises on purpose.

    LaServeError                              caught at the edges (CLI, HTTP error handlers)
    ├── ConfigurationError  (ValueError)      what the server or a command was started with
    │   ├── ManifestError                     a `laserve.json` that cannot be used
    │   └── DataError                         a data file that cannot be used
    ├── CheckpointRejected  (ValueError)      a checkpoint that is not taken up while serving
    └── RequestError        (ValueError)      what one request asked for; answered with a 4xx

Each message names what was wrong and how to mend it. Errors of other libraries are translated
once, where they enter, with `raise ... from error`.
"""


class LaServeError(Exception):
    """Root of the tree."""


class ConfigurationError(LaServeError, ValueError):
    """The server or a command was started with something that cannot work."""


class ManifestError(ConfigurationError):
    """A checkpoint's `laserve.json` is unreadable, invalid, or of another schema version."""


class DataError(ConfigurationError):
    """A data file holds a row that cannot be used, or none at all."""


class CheckpointRejected(LaServeError, ValueError):  # noqa: N818 - an outcome, not a fault here
    """A checkpoint was not taken up; the message names its defect. The one before serves on."""


class RequestError(LaServeError, ValueError):
    """One request asked for something that cannot be done. Attribute `param`: the request's
    field that was at fault, or None where it was the request as a whole."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
