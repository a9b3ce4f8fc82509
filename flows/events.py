"""Events by which one flow starts the next: labels are ready, a stage of the cascade is ready."""

from collections.abc import Mapping

from prefect.events import emit_event

from labeling.ids import stable_id

LABELS_READY = "n2m.labels-ready"
STAGE_READY = "n2m.stage-ready"


def announce(event: str, place: str, facts: Mapping[str, str]) -> None:
    """Tell the Prefect server that something at `place` is ready; deployments with a trigger on `event` start."""
    resource = {"prefect.resource.id": f"n2m.{stable_id(place)}", "prefect.resource.name": place, "n2m.place": place}
    emit_event(event=event, resource={**resource, **facts})
