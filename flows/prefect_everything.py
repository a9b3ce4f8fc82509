"""The whole chain on a Prefect server: one flow run with a run for each link in it, and the page as an artifact."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact

from flows.config import given_settings
from flows.everything import Everything, everything
from flows.everything_settings import EverythingSettings
from flows.prefect_run import logged_on_server, run_on_server
from labeling.errors import UserError
from labeling.storage import is_remote, local_path


@flow(name="everything", persist_result=False)
def everything_flow(settings: dict[str, Any] | str) -> str:
    """Do what is missing of the chain. `settings`: the configuration file's path, or its content as JSON. Gives the path of the page.

    Fails where training was asked to stop, so that nobody takes the run for finished; the next run goes on.
    """
    done = _everything(given_settings(EverythingSettings, settings))
    if done.generated is None:
        raise UserError("training was asked to stop; all is saved, and the next run goes on from there.")
    return done.page


def everything_with_prefect(settings: EverythingSettings) -> Everything:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("everything", f"everything {settings.root}", lambda: _everything(settings))


def _everything(settings: EverythingSettings) -> Everything:
    with logged_on_server():
        done = everything(settings)
        page = done.page
        link = page if is_remote(page) else local_path(page).absolute().as_uri()
        create_link_artifact(key="everything-page", link=link, link_text=page, description=f"Labels, curves and clips of {settings.root}")
        return done
