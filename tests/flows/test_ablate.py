"""The ablation flow over a small cascade: a grid, cells that are the same, a run that was killed, cost, oracles, the page."""

import json
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import noise2music.pipelines.generate
from noise2music.core.errors import UserError
from noise2music.evaluation.ablation.cells import distinct, plan_cells
from noise2music.evaluation.ablation.cost import measure_cost
from noise2music.evaluation.ablation.results import pareto
from noise2music.evaluation.ablation.settings import AblateSettings
from noise2music.flows.ablate import Ablated, ablate
from noise2music.flows.cli import n2m
from noise2music.flows.config import read_settings
from noise2music.models.cascade.stage import StageName
from noise2music.models.generation.cascade import load_cascade
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.network.unet import UNet
from tests.evaluation.small_networks import Frames, Pairs
from tests.evaluation.sounds import write_clips, write_prompts
from tests.flows.generation import content
from tests.models.generation.small_cascade import STEPS, write_small_cascade

CLIPS = 3
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GENERATOR: StageName = "waveform-generator"
CASCADER: StageName = "waveform-cascader"
pytestmark = pytest.mark.timeout(600)
GRID = {"name": "guidance and steps", "stages": {GENERATOR: {"guidance": [1, 2], "steps": [2, 3]}}}


def settings(folder: Path, out: str = "out", **changes: Any) -> AblateSettings:
    raw: dict[str, Any] = {
        "prompts": str(folder / "prompts.csv"),
        "checkpoints": str(folder / "cascade"),
        "reference": str(folder / "real"),
        "out": str(folder / out),
        "seconds": 1.2,
        "permutations": 0,
        "cache": "",
        "sweeps": [GRID],
        "run": {"workers": 2, "device": "cpu"},
    }
    return AblateSettings.model_validate(raw | changes)


def run(what: AblateSettings) -> Ablated:
    return ablate(what, [Frames(), Pairs()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ablation")
    write_small_cascade(place / "cascade")
    write_prompts(place / "prompts.csv", CLIPS)
    write_clips(place / "real", CLIPS, salt="real")
    return place


@pytest.fixture(scope="module")
def done(folder: Path) -> Ablated:
    return run(settings(folder))


def test_a_grid_of_two_by_two(folder: Path, done: Ablated) -> None:
    names = [cell.name for cell in done.cells]
    assert names == [
        "waveform route",
        "waveform-generator guidance 1, steps 2",
        "waveform-generator guidance 1, steps 3",
        "waveform-generator guidance 2, steps 2",
        "waveform-generator guidance 2, steps 3",
    ]
    # The small cascade has guidance 2 and 3 steps by itself.
    assert done.cells[0].store == done.cells[4].store
    assert len({cell.store for cell in done.cells}) == 4
    assert sorted(path.name for path in (folder / "out/cells").iterdir()) == sorted({cell.store.split("/")[1] for cell in done.cells})
    table = pq.read_table(folder / "out/ablation.parquet").to_pylist()
    assert table == json.loads((folder / "out/ablation.json").read_text())["rows"]
    fad = {row["cell"]: row for row in table if (row["network"], row["metric"]) == ("bands", "fad")}
    assert list(fad) == names
    assert fad[names[0]]["value"] == fad[names[4]]["value"]
    assert len({row["value"] for row in fad.values()}) == 4
    assert {row["clips"] for row in fad.values()} == {CLIPS}
    assert (fad[names[1]]["stage"], fad[names[1]]["steps"], fad[names[2]]["steps"]) == (GENERATOR, 2, STEPS)
    assert sum(row["metric"] == "text" for row in table) == 5


def test_the_page(folder: Path, done: Ablated) -> None:
    page = Path(done.page).read_text()
    for said in (
        "5 cells against real",
        "FAD by bands against similarity",
        "Pareto front",
        "guidance and steps",
        "Paper: ms a step",
        GENERATOR,
    ):
        assert said in page
    for cell in done.cells:
        assert f'href="{cell.store}/index.html"' in page
        assert (folder / "out" / cell.store / "index.html").is_file()
    assert (folder / "out/evaluation/index.html").is_file()


def test_steps_times_the_time_of_one_are_the_seconds(done: Ablated) -> None:
    for cost in done.costs.values():
        assert [stage.stage for stage in cost.stages] == [GENERATOR, CASCADER]
        for stage in cost.stages:
            assert 0 < stage.in_steps <= stage.seconds
            assert stage.beyond == pytest.approx(stage.seconds - stage.steps * stage.ms_step / 1000)
        assert cost.seconds == pytest.approx(sum(stage.steps * stage.ms_step / 1000 + stage.beyond for stage in cost.stages))
    guided, free = (done.costs[done.cells[place].store].stages[0].calls for place in (4, 2))
    assert guided == 2 * free
    assert free % STEPS == 0


def test_a_step_of_known_length(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that takes 20 ms longer: steps times ms are what it slept, and the stage's seconds within 10 %."""
    forward, slept = UNet.forward, 0.02

    def slow(*arguments: Any) -> Any:
        time.sleep(slept)
        return forward(*arguments)

    monkeypatch.setattr(UNet, "forward", slow)
    cascade = load_cascade(str(folder / "cascade"), GenerationSettings(stop_after=GENERATOR), "cpu")
    (stage,) = measure_cost(cascade, Request("k", "a low tone", 0.6)).stages
    assert (stage.steps, stage.calls) == (STEPS, 2 * STEPS)
    assert stage.in_steps > slept * stage.calls
    assert stage.in_steps == pytest.approx(stage.seconds, rel=0.1)


def test_a_run_that_was_killed_in_a_cell_goes_on_there(folder: Path, done: Ablated, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = noise2music.pipelines.generate.make_clips, []

    def make_until_killed(*arguments: Any) -> Any:
        if len(made) == CLIPS + 1:
            raise KeyboardInterrupt
        made.append(arguments)
        return make(*arguments)

    sweeps = [{"name": "steps", "stages": {GENERATOR: {"steps": [2]}}}]
    what = settings(folder, "killed", sweeps=sweeps, run={"workers": 1, "device": "cpu"})
    with monkeypatch.context() as patched:
        patched.setattr(noise2music.pipelines.generate, "make_clips", make_until_killed)
        with pytest.raises(KeyboardInterrupt):
            run(what)
    there = {path: path.stat().st_mtime_ns for path in (folder / "killed").rglob("audio/*.flac")}
    assert len(there) == CLIPS + 1
    again = run(what)
    assert {path: path.stat().st_mtime_ns for path in there} == there
    for cell in distinct(again.cells):
        assert content(str(folder / "killed" / cell.store)) == content(str(folder / "out" / cell.store))
    figures = {(row.store, row.network, row.metric): row.value for row in done.rows}
    assert len(again.cells) == 2
    for row in again.rows:
        assert row.value == figures[row.store, row.network, row.metric]
    costs = {path: path.stat().st_mtime_ns for path in (folder / "killed/costs").iterdir()}
    monkeypatch.setattr(noise2music.pipelines.generate, "_load", lambda _settings: pytest.fail("a model was loaded"))
    assert run(what).rows == again.rows
    assert {path: path.stat().st_mtime_ns for path in (folder / "killed/costs").iterdir()} == costs


def test_oracles_start_from_the_reference(folder: Path) -> None:
    done = run(settings(folder, "oracles", sweeps=[], oracles=["spectrogram"]))
    assert [(cell.sweep, cell.name) for cell in done.cells] == [
        ("baseline", "spectrogram route"),
        ("oracles", "vocoder alone on the reference"),
        ("oracles", "spectrogram route"),
    ]
    fad = {row.cell: row.value for row in done.rows if (row.network, row.metric) == ("bands", "fad")}
    # A vocoder of random weights still keeps what its consistency with the real spectrogram gives it.
    assert fad["vocoder alone on the reference"] < fad["spectrogram route"]
    assert "Stages alone, bands" in Path(done.page).read_text()
    (folder / "others.csv").write_text("key,prompt\nx,piano\n")
    with pytest.raises(UserError, match=r"no clip of .* is named by the key of a prompt"):
        run(settings(folder, "none", sweeps=[], oracles=["waveform"], prompts=str(folder / "others.csv")))


def test_cells_that_make_the_same_clips_share_them(folder: Path) -> None:
    sweeps = [
        {"name": "schedule", "stages": {CASCADER: {"schedule": ["even", [[1.0, 3]], "uniform"], "steps": [3]}}},
        {"name": "sampler", "stages": {CASCADER: {"sampler": ["ddim", "euler"], "gamma": [0, 1]}}},
    ]
    with pytest.raises(UserError, match=r"sweep 'schedule': .*has its own steps"):
        plan_cells(settings(folder, sweeps=sweeps, schedules={"even": [[1.0, 3]]}))
    sweeps[0]["stages"] = {CASCADER: {"schedule": ["even", [[1.0, 3]]]}}
    cells = plan_cells(settings(folder, sweeps=sweeps, schedules={"even": [[1.0, 3]]}))
    assert [cell.name for cell in cells[1:3]] == ["waveform-cascader schedule even", "waveform-cascader schedule 1 in 3"]
    assert len({cell.store for cell in cells[:3]}) == 1
    assert len({cell.store for cell in cells[3:]}) == 1, "euler is ddim, and neither has gamma"
    assert len(distinct(cells)) == 2


def test_pareto_front_in_closed_form() -> None:
    assert pareto([(3, 1), (1, 3), (2, 2), (2, 3), (4, 1), (1, 4)]) == [1, 2, 0]
    assert pareto([]) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sweeps": []}, "nothing to compare"),
        ({"sweeps": [GRID, GRID]}, "two sweeps are called"),
        ({"sweeps": [{"name": "a", "stages": {"vocoder": {"steps": [2]}}}]}, "the waveform route has no vocoder"),
        ({"sweeps": [{"name": "a", "stages": {"super-resolution": {"steps": [2]}}}]}, "set super_resolution = true"),
        ({"sweeps": [{"name": "a", "stages": {GENERATOR: {}}}]}, "a grid has values for one of"),
        ({"generation": {"stop_after": CASCADER}}, "leave them out"),
    ],
)
def test_what_is_no_grid(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(folder, **changes)


def test_the_examples(folder: Path) -> None:
    paper = read_settings(AblateSettings, EXAMPLES / "ablate_paper.toml")
    planned = plan_cells(paper.model_copy(update={"checkpoints": str(folder / "cascade")}))
    assert len(planned) == 2 + sum(len(values) for sweep in paper.sweeps for grid in sweep.stages.values() for _, values in grid if values)
    # Every sweep goes through the baseline of its route, and nothing else is there twice.
    assert len(distinct(planned)) == len(planned) - len(paper.sweeps)
    small = plan_cells(read_settings(AblateSettings, EXAMPLES / "ablate.toml"))
    assert (len(small), len(distinct(small))) == (16, 13)


def test_the_command_wants_a_file() -> None:
    assert "give -c FILE" in CliRunner().invoke(n2m, ["ablate"]).output
