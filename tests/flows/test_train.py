"""Training from the command line: plans, mistakes, and the page of a run."""

import json
import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m
from noise2music.flows.config import read_settings
from noise2music.flows.pages.html import picture_uri
from noise2music.flows.pages.training import loss_chart, write_training_page
from noise2music.flows.run import run_train, train_stages
from noise2music.flows.train import exit_code, stages_of, train_stage
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training import prepare
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from tests.models.data.made_up_shards import uri_of, write_shards
from tests.models.training.small_runs import run_settings, small_stage

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train.toml"


def test_the_plan_of_the_papers_cascade() -> None:
    """Parameters of table 2, in millions, within 5 %."""
    found = CliRunner().invoke(n2m, ["plan", "train", "--preset", "paper", "--json"], catch_exceptions=False)
    planned = {row["stage"]: row for row in json.loads(found.output)["stages"]}
    assert tuple(planned) == STAGES
    for stage, millions in zip(STAGES, (724, 487, 745, 25.7, 81), strict=True):
        assert planned[stage]["parameters"] / 1e6 == pytest.approx(millions, rel=0.05)
        assert planned[stage]["gpu_hours"] > 100


def test_a_plan_of_a_configuration_and_of_an_unknown_gpu() -> None:
    planned = CliRunner().invoke(n2m, ["plan", "train", "-c", str(EXAMPLE), "--set", "recipe.clips=1000000", "--json"])
    assert {row["clips"] for row in json.loads(planned.output)["stages"]} == {1_000_000}
    with pytest.raises(UserError, match=r"no figures for a GPU 'Voodoo'; there are for H100"):
        CliRunner().invoke(n2m, ["plan", "train", "--gpu", "Voodoo"], catch_exceptions=False)


def test_planning_labels_still_needs_a_source() -> None:
    assert "give either -c FILE or --audio FOLDER" in CliRunner().invoke(n2m, ["plan"]).output


def test_stages_are_named_as_they_are() -> None:
    assert stages_of(["all"]) == list(STAGES)
    assert stages_of(["vocoder", "super-resolution"]) == ["vocoder", "super-resolution"]
    with pytest.raises(UserError, match=r"there is no stage 'vocodr'"):
        stages_of(["vocodr"])
    assert "give -c FILE" in CliRunner().invoke(n2m, ["train", "vocoder"]).output


def test_the_example_is_valid_and_mistakes_are_named() -> None:
    assert read_settings(TrainSettings, EXAMPLE).preset == "tiny"
    with pytest.raises(UserError, match=r"unknown key recipe\.learning_rat; did you mean recipe\.learning_rate\?"):
        read_settings(TrainSettings, EXAMPLE, ["recipe.learning_rat=1"])
    with pytest.raises(UserError, match=r"stages\.vocodr"):
        read_settings(TrainSettings, EXAMPLE, ["stages.vocodr.clips=1"])


def test_the_page_shows_curves_and_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "stage_of", lambda _preset, name: small_stage(name))
    shards = uri_of(write_shards(tmp_path / "shards", clips=12, seconds=0.6))
    samples = {"clips": 2, "steps": 2, "every_clips": 12, "prompts": ["<b>loud</b>"]}
    trained = train_stage(run_settings(shards, tmp_path / "out", samples=samples), "waveform-generator")
    html = (trained.folder / "index.html").read_text()
    for path in re.findall(r'src="([^"]+)"', html):
        assert (trained.folder / path).is_file(), path
    assert html.count("<audio") == 2 + 3 * 2
    assert html.count('class="line') == 2 + 4
    assert "<td>&lt;b&gt;loud&lt;/b&gt;</td>" in html
    assert "after 12" in html
    assert "after 24" in html
    assert "CC0 1.0, unknown" in html
    assert picture_uri(loss_chart(trained.folder)).startswith("data:image/svg+xml;base64,")
    log = trained.folder / "log.jsonl"
    log.write_text(log.read_text().replace('"prompts": ', '"asked": ', 1))
    assert '<td class="mono">prompt-00</td>' in write_training_page(trained.folder).read_text()
    output = tmp_path / "half.safetensors"
    said = CliRunner().invoke(n2m, ["weights", str(trained.folder), "-o", str(output), "--precision", "fp16"], catch_exceptions=False)
    assert said.output == f"{output}: waveform-generator after 24 clips, average: exponential, 0.998 a step\n"
    assert 2 * output.stat().st_size < 1.2 * trained.weights.stat().st_size


def test_a_run_whose_log_was_removed_goes_on_with_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "stage_of", lambda _preset, name: small_stage(name))
    shards = uri_of(write_shards(tmp_path / "shards", clips=12, seconds=0.6))
    trained = train_stage(run_settings(shards, tmp_path / "out"), "waveform-generator")
    (trained.folder / "log.jsonl").unlink()
    more = train_stage(run_settings(shards, tmp_path / "out", recipe={"clips": 48, "global_batch_size": 4}), "waveform-generator")
    assert more.clips == 48
    assert [line["clips"] for line in read_journal(more.folder, "start")] == [trained.clips]


def test_no_run_no_page(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no training run"):
        write_training_page(tmp_path)


def test_asked_between_two_stages_the_chain_stands_at_the_first_that_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "stage_of", lambda _preset, name: small_stage(name))
    shards = uri_of(write_shards(tmp_path / "shards", clips=12, seconds=0.6))
    settings = run_settings(shards, tmp_path / "out")
    train_stage(settings, "vocoder")
    stages = stages_of(["super-resolution", "vocoder", "waveform-cascader", "waveform-generator"])

    def page_and_ctrl_c(folder: Path) -> None:
        write_training_page(folder)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("noise2music.flows.train.write_training_page", page_and_ctrl_c)
    done = run_train(settings, stages)
    assert [(item.stage, item.finished) for item in done] == [("super-resolution", True), ("vocoder", True), ("waveform-cascader", False)]
    assert exit_code(done) == 130
    assert exit_code(done[:2]) == 0
    assert not settings.folder("waveform-cascader").exists()


def test_a_recipe_that_cannot_be_is_said_before_the_first_stage_is_trained(tmp_path: Path) -> None:
    settings = run_settings("nowhere", tmp_path / "out", stages={"vocoder": {"seconds": 0.003}})
    with pytest.raises(UserError, match="the recipe of vocoder: seconds must be a whole number of hundredths"):
        train_stages(settings, ["super-resolution", "vocoder"])
    assert not (tmp_path / "out").exists()
