"""`plan evaluate` says what an evaluation will take, and finds what it would stop at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from noise2music.core.settings import Settings
from noise2music.evaluation.embedders.base import weights_are_here
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows import plan_evaluate as planning
from noise2music.flows.cli import n2m
from noise2music.flows.evaluate import evaluate_clips
from noise2music.flows.plan_evaluate import plan_evaluate
from tests.evaluation.small_networks import Frames, load_small
from tests.evaluation.sounds import RATE, write_clips, write_prompts

CLIPS = 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(planning, "load_embedder", load_small)
    monkeypatch.setattr(planning, "weights_are_here", lambda name: name != "absent")
    write_clips(tmp_path / "real", CLIPS, salt="real")
    write_clips(tmp_path / "good", CLIPS - 1)
    write_prompts(tmp_path / "prompts.csv", CLIPS)
    return tmp_path


def settings(folder: Path, **changes: Any) -> EvaluateSettings:
    raw = {
        "clips": [f"good={folder / 'good'}"],
        "reference": str(folder / "real"),
        "out": str(folder / "out"),
        "prompts": str(folder / "prompts.csv"),
        "networks": ["bands", "pairs"],
        "permutations": 4,
        "shown": 0,
        "run": {"cache": str(folder / "cache")},
    }
    return EvaluateSettings.model_validate(raw | changes)


def networks(planned: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["network"]: row for row in planned["networks"]}


def test_clips_networks_and_draws(folder: Path) -> None:
    planned = plan_evaluate(settings(folder, networks=["bands", "pairs", "absent"]))
    assert planned["problems"] == []
    assert (planned["clips"], planned["missing_clips"], planned["null_draws"]) == (2 * CLIPS - 1, 1, 2 * 4 * 3)
    assert planned["hours_of_audio_heard"] == round(2 * (2 * CLIPS - 1) / 3600, 3)
    assert planned["networks_to_fetch"] == 1
    (good, real) = planned["systems"]
    assert (good["system"], good["clips"], good["missing"], good["first_missing"]) == ("good", CLIPS - 1, 1, "k05: no file")
    assert (real["system"], real["clips"]) == ("reference", CLIPS)
    assert networks(planned)["bands"]["embeddings_to_make"] == 2 * CLIPS - 1
    assert networks(planned)["bands"]["clips_per_second_and_worker"] > 0
    assert networks(planned)["absent"]["embeddings_to_make"] is None
    assert not (folder / "out").exists()
    assert not list((folder / "cache").rglob("*.safetensors"))


def test_what_is_cached_is_not_made_again(folder: Path) -> None:
    evaluate_clips(settings(folder, networks=["bands"]), [Frames()])
    rows = networks(plan_evaluate(settings(folder)))
    assert (rows["bands"]["embeddings_cached"], rows["bands"]["embeddings_to_make"]) == (2 * CLIPS - 1, 0)
    assert rows["bands"]["embedding_seconds"] == 0
    assert (rows["pairs"]["embeddings_cached"], rows["pairs"]["embeddings_to_make"]) == (0, 2 * CLIPS - 1)


def test_statistics_have_no_null_and_are_checked(folder: Path) -> None:
    evaluate_clips(settings(folder, networks=["bands"]), [Frames()])
    planned = plan_evaluate(settings(folder, networks=["bands"], reference=str(folder / "out/statistics")))
    assert (planned["problems"], planned["null_draws"]) == ([], 0)
    (problem,) = plan_evaluate(settings(folder, networks=["pairs"], reference=str(folder / "out/statistics")))["problems"]
    assert "there are no statistics of pairs" in problem
    planned = plan_evaluate(settings(folder, networks=["bands"], protocol="whole", beside=[str(folder / "out")]))
    (problem,) = planned["problems"]
    assert "cannot stand beside these figures: part is middle there and whole here" in problem


def test_all_problems_are_said_at_once_and_the_exit_is_1(folder: Path) -> None:
    (folder / "silent").mkdir()
    soundfile.write(folder / "silent/k00.wav", np.zeros(RATE // 2), RATE)
    planned = plan_evaluate(settings(folder, clips=[f"s={folder / 'silent'}"], networks=["bands", "band"], beside=[str(folder / "none")]))
    assert len(planned["problems"]) == 3
    for said, problem in zip(("no clip of .*: k00: too_short", "no network", "none"), planned["problems"], strict=True):
        assert said.split(".*")[-1] in problem
    file = write_toml(settings(folder, reference=str(folder / "gone"), protocol="papr"), folder / "evaluate.toml")
    found = CliRunner().invoke(n2m, ["plan", "evaluate", "-c", str(file)])
    assert found.exit_code == 1
    assert [line[:5] for line in found.stderr.splitlines()] == ["n2m: "] * 2
    as_json = CliRunner().invoke(n2m, ["plan", "evaluate", "-c", str(file), "--json"])
    assert (as_json.exit_code, len(json.loads(as_json.stdout)["problems"])) == (1, 2)


def test_the_command_shows_tables(folder: Path) -> None:
    found = CliRunner().invoke(n2m, ["plan", "evaluate", "-c", str(write_toml(settings(folder), folder / "evaluate.toml"))])
    assert found.exit_code == 0, found.output
    for said in ("null draws", "weights_here", "first_missing", "bands"):
        assert said in found.stdout


def test_a_folder_of_weights_is_here_or_not(tmp_path: Path) -> None:
    assert weights_are_here(f"vggish={tmp_path}")
    assert not weights_are_here(f"trill={tmp_path / 'gone'}")
    assert weights_are_here(f"clap={tmp_path}")
    assert not weights_are_here("clap=nobody/no-such-model")


def write_toml(what: Settings, path: Path) -> Path:
    values = what.model_dump(mode="json", exclude_none=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    tables = [
        f"[{name}]\n" + "\n".join(f"{key} = {json.dumps(item)}" for key, item in value.items())
        for name, value in values.items()
        if isinstance(value, dict)
    ]
    path.write_text("\n".join([*lines, *tables]) + "\n")
    return path
