"""Generation on a Prefect server: one flow run a job, resumable, with its figures and the listening page as artifacts."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.commonest import commonest
from flows.config import given_settings
from flows.events import CLIPS_READY, announce
from flows.generate import Generated, dead_reasons, generate
from flows.prefect_page import figures_table, link_page
from flows.prefect_run import call_as_task, logged_on_server, run_on_server
from models.generation.guards import count_warnings
from models.job.settings import GenerateSettings


@flow(name="generate", persist_result=False)
def generate_flow(settings: dict[str, Any] | str, replay: bool = False) -> str:
    """Make what is missing of a prompt file's clips. `settings`: the configuration file's path, or its content as JSON. Gives the path of
    the page.
    """
    return _generate(given_settings(GenerateSettings, settings), replay).page


def generate_with_prefect(settings: GenerateSettings, replay: bool = False, announce_it: bool = True) -> Generated:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("generate", f"generate {settings.out}", lambda: _generate(settings, replay, announce_it))


def _generate(settings: GenerateSettings, replay: bool, announce_it: bool = True) -> Generated:
    with logged_on_server():
        done = generate(settings, replay, call_as_task)
        _show(done)
        if announce_it:
            announce(CLIPS_READY, done.store.uri, {"n2m.manifest": done.manifest, "n2m.page": done.page})
        return done


def _show(done: Generated) -> None:
    """The artifacts generate-figures and generate-page."""
    scores = [clip.score for clip in done.clips if clip.score is not None]
    warned = [clip for clip in done.clips if clip.warnings]
    figures = [
        ("clips", f"{len(done.clips):,}"),
        ("new", f"{done.made:,}"),
        ("dead", f"{len(done.dead):,} ({dead_reasons(done.dead)})" if done.dead else "0"),
        ("seconds of audio", f"{sum(clip.duration for clip in done.clips):,.0f}"),
        ("mean score", f"{sum(scores) / len(scores):.3f}" if scores else "–"),
        ("with a warning", f"{len(warned):,} ({commonest(count_warnings(warned))})" if warned else "0"),
    ]
    create_markdown_artifact(key="generate-figures", markdown=figures_table(figures) + "\n", description=f"Clips in {done.store.uri}")
    link_page("generate-page", done.page, "Listen to the clips")
