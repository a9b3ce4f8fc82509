"""Events by which one flow starts the next: labels are ready, a stage of the cascade is ready, clips are ready."""

from collections.abc import Mapping
from pathlib import Path

from prefect.events import emit_event

from labeling.ids import stable_id
from labeling.storage import is_remote, local_path

LABELS_READY = "n2m.labels-ready"
STAGE_READY = "n2m.stage-ready"
CLIPS_READY = "n2m.clips-ready"
PLACE, GIVEN, STAGE = "n2m.place", "n2m.given", "n2m.stage"


def announce(event: str, place: str, facts: Mapping[str, str]) -> None:
    """Tell the Prefect server that something at `place` is ready; deployments with a trigger on `event` start.

    The event says where: n2m.place is the whole path, n2m.given the path as the configuration has it.
    """
    name = whole_place(place)
    resource = {"prefect.resource.id": f"n2m.{stable_id(name)}", "prefect.resource.name": name, PLACE: name, GIVEN: place}
    emit_event(event=event, resource={**resource, **facts})


def whole_place(place: str) -> str:
    """A folder as its absolute path, so that an event and the trigger that waits for it mean the same; a URI as it is."""
    return place.rstrip("/") if is_remote(place) else str(Path(local_path(place)).absolute())
