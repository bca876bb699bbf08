"""Every error that the client raises.

    ClientError
    ├── InvalidArgumentError  (ValueError)  the call cannot be sent as it is
    ├── ConnectionFailedError               no connection, or it broke before the answer was whole
    ├── TimedOutError                       the server took longer than `timeout`
    ├── InvalidResponseError                an answer that is not what the API says
    ├── CheckpointRejectedError             a checkpoint that the server does not take up
    └── APIError                            the server answered with an error
        ├── BadRequestError                 400 and every 4xx that is not named here
        ├── AuthenticationError             401, 403
        ├── NotFoundError                   404
        ├── RateLimitedError                429
        └── ServerError                     5xx
            └── UnavailableError            503

No exception of httpx or pydantic leaves the client: each is translated once, where it enters, with
`raise ... from`.
"""

from laserve_client._types import CheckpointJob


class ClientError(Exception):
    """Root of the tree."""


class InvalidArgumentError(ClientError, ValueError):
    """The call cannot be sent as it is; nothing was sent."""


class _TransportError(ClientError):
    """Attribute `repeatable`: nothing of an answer was received, so that sending the request again
    may help and repeats nothing that was seen."""

    def __init__(self, message: str, repeatable: bool = False) -> None:
        super().__init__(message, repeatable)
        self.repeatable = repeatable

    def __str__(self) -> str:
        return str(self.args[0])


class ConnectionFailedError(_TransportError):
    """There was no connection, or it broke before the answer was whole."""


class TimedOutError(_TransportError):
    """The server took longer than `timeout` to connect, to send the next bytes, or to take up a
    checkpoint."""


class InvalidResponseError(ClientError):
    """The answer is no JSON, lacks a field, or ended early."""


class CheckpointRejectedError(ClientError):
    """The server did not take the checkpoint up, and serves on what it served before.

    Attributes: `reason`, what is wrong with it; `job`, the load.
    """

    def __init__(self, job: CheckpointJob) -> None:
        super().__init__(job)
        self.job = job
        self.reason = job.reason or "no reason was given"

    def __str__(self) -> str:
        what = self.job.path or "the checkpoint"
        if self.job.origin == "rollback":
            what = f"the rollback to {what}"
        return f"{what} was rejected: {self.reason}"


class APIError(ClientError):
    """The server answered with an error.

    Attributes: `message`; `status`, the HTTP status; `type` and `param` of the error object, the
    latter naming the field of the request that was at fault; `retry_after_s`, how many seconds the
    server asks to wait. All but the first two may be None.
    """

    def __init__(
        self,
        message: str,
        status: int,
        error_type: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status, error_type, param, retry_after_s)
        self.message = message
        self.status = status
        self.type = error_type
        self.param = param
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.message} (HTTP {self.status})"


class BadRequestError(APIError):
    """The request is wrong; the message names the field and how to mend it."""


class AuthenticationError(APIError):
    """The API key is missing, wrong, or not allowed to do this."""


class NotFoundError(APIError):
    """No such model or path."""


class RateLimitedError(APIError):
    """Too many requests."""


class ServerError(APIError):
    """The server failed."""


class UnavailableError(ServerError):
    """The server cannot answer now."""
