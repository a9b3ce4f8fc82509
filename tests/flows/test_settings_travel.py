"""Settings mean the same however they travel: as JSON, into another process, as the parameter of a deployment on a Prefect server."""

import copy
import importlib
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from noise2music.core.settings import Settings
from noise2music.flows.everything_settings import EverythingSettings
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings
from tests.flows.prefect_server import Server
from tests.flows.settings_done import KINDS, PROJECT, done, known_settings, name_of

ROOMS = ("core", "labeling", "synth", "models", "evaluation", "pipelines", "flows")
NAMES = st.sampled_from(["a", "b", "vocoder", "train", "{{ a }}", "é\n", "null"])


def settings_classes() -> list[type[Settings]]:
    """Every class of settings of the project: the modules that define one are found and imported."""
    for package in ROOMS:
        for path in sorted((PROJECT / package).rglob("*.py")):
            if "Settings)" in path.read_text(encoding="utf-8"):
                importlib.import_module("noise2music." + ".".join(path.relative_to(PROJECT).with_suffix("").parts))

    def below(kind: type[Settings]) -> Iterator[type[Settings]]:
        for inner in kind.__subclasses__():
            yield inner
            yield from below(inner)

    return sorted({kind for kind in below(Settings) if not kind.__module__.startswith("tests")}, key=name_of)


def values_of(annotation: Any, limits: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values that a field of this type may be given, limits kept where they are simple."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values_of(inner[0], (*limits, *(item for part in inner[1:] for item in _limits(part))))
    if origin in (Union, UnionType):
        return st.one_of(*(values_of(part, limits) for part in inner))
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return st.lists(values_of(inner[0]), max_size=2)
        return st.tuples(*(values_of(part) for part in inner)).map(list)
    if origin is frozenset:
        return st.lists(values_of(inner[0]), max_size=3, unique=True)
    if origin is dict:
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), min_size=1, max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return raw_of(annotation)
    return _plain(annotation, limits)


def _plain(kind: Any, limits: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    low, high = _limit(limits, "ge", "gt"), _limit(limits, "le", "lt")
    if kind is int:
        least = 0 if low is None else int(low)
        return st.integers(least, 10**12 if high is None else int(high))
    if kind is float:
        return st.floats(0.0 if low is None else float(low), math.inf if high is None else float(high), allow_nan=False)
    if kind is bool:
        return st.booleans()
    if kind is str:
        return NAMES
    if kind is type(None):
        return st.none()
    raise TypeError(f"no values for {kind}")


def _limits(part: Any) -> tuple[Any, ...]:
    return tuple(part.metadata) if isinstance(part, FieldInfo) else (part,)


def _limit(limits: tuple[Any, ...], *names: str) -> Any:
    return next((getattr(item, name) for item in limits for name in names if hasattr(item, name)), None)


def raw_of(kind: type[Settings]) -> st.SearchStrategy[dict[str, Any]]:
    """Some fields of a class as a configuration may hold them: those it needs, and any of the others."""
    if kind is EverythingSettings:
        places = {"root", "out", "data", "checkpoints"}
        tables = {
            name: raw_of(inner).map(lambda raw: {key: value for key, value in raw.items() if key not in places})
            for name, inner in (("label", LabelSettings), ("train", TrainSettings), ("generate", GenerateSettings))
        }
        shipped = tables["generate"].map(lambda raw: {**raw, "checkpoints": "tiny"})
        return st.fixed_dictionaries({"root": st.just("runs/chain"), **tables, "generate": shipped})
    needed: dict[str, st.SearchStrategy[Any]] = {}
    others: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.model_fields.items():
        (needed if field.is_required() else others)[name] = values_of(field.annotation, tuple(field.metadata))
    return st.fixed_dictionaries(needed, optional=others)


WAYS: dict[str, Callable[[Any], Any]] = {
    "as JSON values": lambda told: type(told).model_validate(told.as_json()),
    "as JSON values through text": lambda told: type(told).model_validate(json.loads(json.dumps(told.as_json(), allow_nan=False))),
    "as JSON text": lambda told: type(told).model_validate_json(told.model_dump_json()),
    "as a dump": lambda told: type(told).model_validate(told.model_dump(mode="json")),
    "as Python values": lambda told: type(told).model_validate(told.model_dump()),
    "what was given": lambda told: type(told).model_validate(told.model_dump(exclude_unset=True)),
    "what is not None": lambda told: type(told).model_validate(told.model_dump(mode="json", exclude_defaults=True)),
    "pickled": lambda told: pickle.loads(pickle.dumps(told)),
    "copied": copy.deepcopy,
}


@pytest.mark.parametrize("kind", settings_classes(), ids=name_of)
@given(data=st.data())
@effort(max_examples=10, suppress_health_check=list(HealthCheck))
def test_what_is_done_does_not_depend_on_the_way(kind: type[Settings], data: st.DataObject) -> None:
    try:
        told = kind.model_validate(data.draw(raw_of(kind)))
    except ValidationError:
        assume(False)
    wanted = done(told)
    for way, travel in WAYS.items():
        arrived = travel(told)
        assert done(arrived) == wanted, way
        assert arrived == told, way
        assert arrived.as_json() == told.as_json(), way


@pytest.mark.parametrize("name", known_settings())
def test_presets_and_examples_mean_the_same_as_json(name: str) -> None:
    told = known_settings()[name]
    for way, travel in WAYS.items():
        assert done(travel(told)) == done(told), way


def test_presets_and_examples_mean_the_same_in_another_process() -> None:
    told = known_settings()
    lines = "".join(json.dumps({"kind": name_of(type(item)), "settings": item.model_dump_json()}) + "\n" for item in told.values())
    arrived = subprocess.run([sys.executable, "-m", "tests.flows.settings_done"], input=lines, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in arrived.stdout.splitlines()] == [done(item) for item in told.values()]


def test_nothing_reads_which_fields_were_set() -> None:
    """A dump, a copy and a server set all of them."""
    for package in ROOMS:
        for path in (PROJECT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "fields_set" not in text, path
            assert "exclude_unset" not in text, path


def test_the_paper_and_the_examples_train_as_they_say() -> None:
    """The numbers that once became others: 3,276,800,000 clips, 2048 a step."""
    told = TrainSettings.model_validate_json(known_settings()["train.toml"].model_dump_json())
    recipe = told.recipe_of("vocoder")
    assert (recipe.clips, recipe.clips_a_step, recipe.learning_rate, recipe.beta_2) == (28_000, 8, 8e-4, 0.99)
    paper = TrainSettings.model_validate(known_settings()["paper as it is"].as_json())
    assert paper.recipe_of("waveform-cascader").clips == 942_080_000
    assert paper.recipe_of("super-resolution").clips_a_step == 4096


def test_one_stage_takes_back_what_was_told_of_all() -> None:
    told = known_settings()["tiny changed"]
    assert isinstance(told, TrainSettings)
    assert (told.recipe_of("vocoder").seconds, told.recipe_of("spectrogram-generator").seconds) == (None, 0.5)
    assert (told.recipe_of("super-resolution").clips_at_once, told.recipe_of("vocoder").clips_at_once) == (None, 2)


ON_SERVER = """
import json, sys
from prefect import get_client
from prefect.types.entrypoint import EntrypointType
from noise2music.flows.prefect_everything import everything_flow
from noise2music.flows.prefect_flows import generate_flow
from noise2music.flows.prefect_flows import label_flow
from noise2music.flows.prefect_flows import train_flow
flows = {"LabelSettings": label_flow, "TrainSettings": train_flow, "GenerateSettings": generate_flow, "EverythingSettings": everything_flow}
arrived = {}
with get_client(sync_client=True) as client:
    for number, (name, (kind, settings)) in enumerate(json.load(sys.stdin).items()):
        parameters = {"settings": settings} | ({"stage": "vocoder"} if kind == "TrainSettings" else {})
        made = flows[kind].to_deployment(f"travel-{number}", parameters=parameters, entrypoint_type=EntrypointType.MODULE_PATH)
        kept = client.read_deployment(made.apply())
        run = client.create_flow_run_from_deployment(kept.id)
        arrived[name] = [kept.parameters["settings"], client.read_flow_run(run.id).parameters["settings"]]
print(json.dumps(arrived))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_presets_and_examples_mean_the_same_as_a_prefect_parameter(server: Server) -> None:
    told = {name: item for name, item in known_settings().items() if isinstance(item, KINDS)}
    parameters = json.dumps({name: [type(item).__name__, item.as_json()] for name, item in told.items()})
    found = subprocess.run(
        [sys.executable, "-c", ON_SERVER], input=parameters, capture_output=True, text=True, check=False, env=server.environment
    )
    assert found.returncode == 0, found.stderr
    arrived = json.loads(found.stdout.splitlines()[-1])
    assert arrived.keys() == told.keys()
    for name, item in told.items():
        for settings in arrived[name]:
            assert done(type(item).model_validate(settings)) == done(item), name
