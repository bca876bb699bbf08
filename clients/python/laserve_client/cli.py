"""The command line: `ask`, `rerank` and `checkpoints`, as `laserve-client` and as `laserve`."""

import argparse
import os
import sys
from http import HTTPStatus
from pathlib import Path
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin

from laserve_client._ask import Question, ask
from laserve_client._checkpoints import Change, change_checkpoint, list_checkpoints
from laserve_client._errors import AuthenticationError, ClientError
from laserve_client._loads import DEFAULT_LOAD_TIMEOUT_S
from laserve_client._rerank_file import rerank_file
from laserve_client._selection import OPTIONS, SelectionOptions
from laserve_client._server import Server
from laserve_client._types import LoadStrategy

KEY_VARIABLE = "LASERVE_API_KEY"
ADMIN_KEY_VARIABLE = "LASERVE_ADMIN_KEY"
MISTAKE = 2
INTERRUPTED = 130
"""What a shell reports of a command that Ctrl-C ended."""


def main(argv: list[str] | None = None, prog: str = "laserve-client") -> int:
    """Run one command; returns the exit status: 0; 1 where `ask` abstained, a row of `rerank`
    failed or a checkpoint was rejected; 2 for errors, told on stderr."""
    arguments = _parser(prog).parse_args(argv)
    try:
        if arguments.command == "ask":
            return ask(_server(arguments), _question(arguments))
        if arguments.command == "checkpoints":
            return _checkpoints(arguments)
        return rerank_file(
            _server(arguments),
            arguments.input,
            arguments.output,
            concurrency=arguments.concurrency,
            top_n=arguments.top_n,
        )
    except (ClientError, OSError) as error:
        print(f"{prog} {arguments.command}: {error}", file=sys.stderr)
        if key := missing_key(error, administers=arguments.command == "checkpoints"):
            print(key, file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"{prog} {arguments.command}: interrupted", file=sys.stderr)
        return INTERRUPTED


def missing_key(error: Exception, *, administers: bool) -> str:
    """How to give the key that a server asked for, where that is what was wrong."""
    status = error.status if isinstance(error, AuthenticationError) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return f"give the key with --api-key or in {KEY_VARIABLE}"
    if status == HTTPStatus.FORBIDDEN and administers:
        return f"give the key with --admin-key or in {ADMIN_KEY_VARIABLE}"
    return ""


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Ask a LaServe server.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    ask_parser = commands.add_parser(
        "ask",
        help="ask one question",
        description="Prints the answer, and on stderr what the model thinks of it. One sample is "
        "drawn, unless an option of the selection is given. Exit status: 0; 1 where the server "
        "abstained; 2 for errors.",
    )
    ask_parser.add_argument("question", help="the question; - reads it from standard input")
    _add_asked_server(ask_parser)
    form = ask_parser.add_mutually_exclusive_group()
    form.add_argument("--stream", action="store_true", help="print the text as it comes")
    form.add_argument("--json", action="store_true", help="print everything, as JSON")
    sampling = ask_parser.add_argument_group("sampling (default: the server's)")
    sampling.add_argument("--max-tokens", type=int)
    sampling.add_argument("--temperature", type=float)
    sampling.add_argument("--seed", type=int)
    _add_selection(ask_parser)

    rerank_parser = commands.add_parser(
        "rerank",
        help="rerank the candidate answers of a file",
        description='Each row of IN is {"id": ..., "query": TEXT or "messages": [...], '
        '"documents": [TEXT, ...]}, each row of OUT {"id": ..., "results": [...]}, best first, in '
        'the order in which they are finished. Rows without an id carry their "line" instead. '
        "Rows that OUT holds already are left as they are, so that an interrupted run goes on "
        "where it stopped. Exit status: 0; 1 where a row failed; 2 for errors.",
    )
    rerank_parser.add_argument("input", type=Path, metavar="IN")
    rerank_parser.add_argument("output", type=Path, metavar="OUT")
    _add_asked_server(rerank_parser)
    rerank_parser.add_argument(
        "--concurrency", type=_positive, default=8, help="requests at a time (default: 8)"
    )
    rerank_parser.add_argument("--top-n", type=_positive, help="only so many results per row")
    _add_checkpoints(
        commands.add_parser(
            "checkpoints",
            help="tell or change which checkpoint is served",
            description="Loads checkpoints into a running server, which verifies and proves each "
            "before it answers.",
        )
    )
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    """A flag for each option of `SelectionOptions`: `--n-max`, `--adaptive`, `--no-adaptive`."""
    group = parser.add_argument_group("selection among several samples")
    for name, annotated in OPTIONS.items():
        kind, option = get_args(annotated)
        default = "" if option.default is None else f" (default: {option.default})".lower()
        group.add_argument(
            f"--{name.replace('_', '-')}", help=f"{option.help}{default}", **_reading(kind)
        )


def _reading(kind: Any) -> dict[str, Any]:
    """How argparse reads a value of the type `kind`, `kind | None` among them."""
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind)}
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    (value,) = {*get_args(kind)} - {NoneType} or {kind}
    return {"type": value, "metavar": value.__name__.upper()}


def _add_checkpoints(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="what is served, and what became of every load",
        description="Prints what is served, and every load, the newest first. Exit status: 0; 2 "
        "for errors.",
    )
    _add_server(listing).add_argument(
        "--timeout", type=float, default=600.0, help="seconds for the answer (default: 600)"
    )
    load = actions.add_parser(
        "load",
        help="take up a checkpoint",
        description="Lets the server take up a checkpoint, and waits until it answers. Exit "
        "status: 0; 1 where the server rejected it, with the reason on stderr; 2 for errors.",
    )
    load.add_argument(
        "path", type=Path, metavar="PATH", help="its folder, which the server must see as well"
    )
    load.add_argument(
        "--strategy",
        choices=get_args(LoadStrategy),
        default="auto",
        help="a second engine, or other weights in the one that serves (default: auto, a second "
        "one where the memory holds it)",
    )
    rollback = actions.add_parser(
        "rollback",
        help="go back to what was active before",
        description="Lets the server go back to the checkpoint that was active before. Exit "
        "status: 0; 1 where that failed, with the reason on stderr; 2 for errors.",
    )
    for changing in (load, rollback):
        server = _add_server(changing)
        server.add_argument("--admin-key", help=f"default: ${ADMIN_KEY_VARIABLE}")
        server.add_argument(
            "--timeout",
            type=float,
            default=DEFAULT_LOAD_TIMEOUT_S,
            help="seconds to wait for the end (default: %(default)g)",
        )
        changing.add_argument(
            "--force",
            action="store_true",
            help="in place: end with an error the requests that hold the load up for longer than "
            "the server's --load-patience, where it gives up otherwise",
        )
        changing.add_argument("--no-wait", action="store_true", help="return at once")
    for action in (listing, load, rollback):
        action.add_argument("--json", action="store_true", help="print everything, as JSON")


def _add_server(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("server")
    group.add_argument(
        "--base-url", default="http://127.0.0.1:8000", help="default: http://127.0.0.1:8000"
    )
    group.add_argument("--api-key", help=f"default: ${KEY_VARIABLE}")
    return group


def _add_asked_server(parser: argparse.ArgumentParser) -> None:
    group = _add_server(parser)
    group.add_argument("--model", help="default: the first that the server names")
    group.add_argument(
        "--timeout", type=float, default=600.0, help="seconds for an answer (default: 600)"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _server(arguments: argparse.Namespace) -> Server:
    # What is on the command line every user of the machine sees; the environment not.
    given = vars(arguments)
    return Server(
        base_url=arguments.base_url,
        model=given.get("model"),
        api_key=arguments.api_key or os.environ.get(KEY_VARIABLE),
        timeout_s=arguments.timeout,
        admin_key=given.get("admin_key") or os.environ.get(ADMIN_KEY_VARIABLE),
    )


def _checkpoints(arguments: argparse.Namespace) -> int:
    server = _server(arguments)
    if arguments.action == "list":
        return list_checkpoints(server, as_json=arguments.json)
    is_load = arguments.action == "load"
    change = Change(
        path=str(arguments.path.absolute()) if is_load else None,
        strategy=arguments.strategy if is_load else "auto",
        force=arguments.force,
        wait=not arguments.no_wait,
    )
    return change_checkpoint(server, change, as_json=arguments.json)


def _question(arguments: argparse.Namespace) -> Question:
    return Question(
        text=sys.stdin.read().strip() if arguments.question == "-" else arguments.question,
        sampling=_given(arguments, "max_tokens", "temperature", "seed"),
        selection=cast(SelectionOptions, _given(arguments, *OPTIONS)),
        stream=arguments.stream,
        as_json=arguments.json,
    )


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
