"""The whole chain on a Prefect server: one flow run with a run for each link in it, and the page as an artifact."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config import given_settings
from flows.everything import Everything, everything
from flows.everything_settings import EverythingSettings
from flows.prefect_page import link_page
from flows.prefect_run import logged_on_server, run_on_server, stopped


@flow(name="everything", persist_result=False)
def everything_flow(settings: dict[str, Any] | str) -> str | State[Any]:
    """Do what is missing of the chain. `settings`: the configuration file's path, or its content as JSON. Gives the path of the page.

    Ends as Cancelled where training was asked to stop, so that nobody takes the run for finished; the next run goes on.
    """
    done = _everything(given_settings(EverythingSettings, settings))
    return stopped(done.trained) or done.page


def everything_with_prefect(settings: EverythingSettings) -> Everything:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("everything", f"everything {settings.root}", lambda: _everything(settings), lambda done: stopped(done.trained))


def _everything(settings: EverythingSettings) -> Everything:
    with logged_on_server():
        done = everything(settings)
        link_page("everything-page", done.page, f"Labels, curves and clips of {settings.root}")
        return done
