"""A process that trains one stage for another process: `python -m noise2music.flows.stage_process`, told what to do by its standard input.

The first line is an Order as JSON. The input stays open as long as the other process lives; its end asks the training to stop.
"""

import os
import signal
import sys
import threading

from noise2music.flows.stage_order import STOPPED, Order


def main() -> None:
    """Train, and leave with 0 when the stage is finished, STOPPED when it was asked to stop, 1 after one line about a mistake."""
    from noise2music.models.training.run_lock import graceful_shutdown

    with graceful_shutdown():  # From here on a request is kept, also while all that training needs is imported.
        from noise2music.flows.process import main as leave_well

        leave_well(_work)


def _work(standalone_mode: bool) -> None:
    from noise2music.flows.run import run_train

    assert not standalone_mode
    order = Order.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    (trained,) = run_train(order.settings, [order.stage], order.announce)
    if not trained.finished:
        sys.exit(STOPPED)


def _stop_with_parent() -> None:
    """Wait for the end of the input. By its number: a thread that waits inside sys.stdin would hold its lock when the interpreter ends."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
