"""The whole chain as a deployment: above flows.run, which starts the flows of its links.

File, function and flow keep their old names (n2m end-to-end was n2m everything): prefect.yaml files and servers of users hold them.
"""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from noise2music.flows.config import given_settings
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.prefect_flows import end_to_end_on_server
from noise2music.flows.prefect_run import stopped
from noise2music.flows.run import STEPS


@flow(name="everything", persist_result=False)
def everything_flow(settings: dict[str, Any] | str) -> str | State[Any]:
    """Do what is missing of the chain. `settings`: the configuration file's path, or its content as JSON. Gives the path of the page.

    Ends as Cancelled where training was asked to stop, so that nobody takes the run for finished; the next run goes on.
    """
    done = end_to_end_on_server(given_settings(EndToEndSettings, settings), STEPS)
    return stopped(done.trained) or done.page
