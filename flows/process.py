"""What each of our processes does around its work: quiet libraries, and one way to end for each way a run can fail."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

_OUTPUT_CUT = 128 + signal.SIGPIPE


def _quiet_libraries() -> None:
    """Keep other packages' warnings off the terminal, and ours on it."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    # Who reads our lines may stop before the end (`| head`), and a job goes on.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("n2m")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False


def main(run: Callable[..., Any]) -> None:
    """Entry point: a UserError is one line on stderr and exit 1; Ctrl-C stops at once and leaves a root that the next run completes.

    Where nobody reads the output any more (`| head`), the exit is 141 as that of other tools.
    """
    _quiet_libraries()
    try:
        code = _exit_code(run)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(_OUTPUT_CUT)
    sys.exit(code)


def _exit_code(run: Callable[..., Any]) -> Any:
    from noise2music.core.errors import UserError

    output = sys.stdout
    try:
        run(standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        sys.stdout.flush()
        print(f"n2m: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, click.Abort):
        print("\nStopped. Finished parts are kept; the same command goes on from here.", file=sys.stderr, flush=True)
        os._exit(130)
    except SystemExit as leave:
        # click ends a command whose output was cut with 1, and puts another stream in its place.
        return leave.code if sys.stdout is output else _OUTPUT_CUT
    return 0
