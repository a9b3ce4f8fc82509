"""The whole chain as a deployment: above flows.run, which starts the flows of its links."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from noise2music.flows.config import given_settings
from noise2music.flows.everything_settings import EverythingSettings
from noise2music.flows.prefect_flows import everything_on_server
from noise2music.flows.prefect_run import stopped
from noise2music.flows.run import STEPS


@flow(name="everything", persist_result=False)
def everything_flow(settings: dict[str, Any] | str) -> str | State[Any]:
    """Do what is missing of the chain. `settings`: the configuration file's path, or its content as JSON. Gives the path of the page.

    Ends as Cancelled where training was asked to stop, so that nobody takes the run for finished; the next run goes on.
    """
    done = everything_on_server(given_settings(EverythingSettings, settings), STEPS)
    return stopped(done.trained) or done.page
