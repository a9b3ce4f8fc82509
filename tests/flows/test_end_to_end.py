"""The whole chain: all the way, again without doing anything, and stopped in the middle."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.flows import end_to_end as chain_flow
from noise2music.flows import evaluate as evaluation_flow
from noise2music.flows.config import read_settings
from noise2music.flows.demo import render_music
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.run import run_end_to_end
from noise2music.models.training.log import read_journal
from tests.evaluation.small_networks import load_small
from tests.flows.small_chain import read_chain, write_chain

PROJECT = Path(__file__).resolve().parents[2]
FOREVER = {"clips": 1_000_000, "global_batch_size": 2, "seconds": 0.1, "warmup_clips": 0, "decay_clips": 1_000_000}


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below a root, with what changes when it is written again."""
    return {str(path.relative_to(root)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def n2m(*arguments: str) -> "subprocess.Popen[str]":
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "noise2music.flows.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_not_within_torchrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"run it without torchrun"):
        run_end_to_end(read_chain(write_chain(tmp_path)))


@pytest.mark.parametrize(
    ("table", "message"),
    [({"protocol": "papr"}, "there is no protocol 'papr'"), ({"networks": ["yamnt"]}, 'there is no network "yamnt"')],
)
def test_what_evaluation_would_stop_at_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, object], message: str
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(UserError, match=message):
        run_end_to_end(read_chain(write_chain(tmp_path, evaluate=table)))
    assert not (tmp_path / "chain").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_clips_are_evaluated_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(evaluation_flow, "load_embedder", load_small)
    monkeypatch.setattr(chain_flow, "check_network", print)
    (tmp_path / "short.toml").write_text('name = "short"\nsample_rate = 16000\npart = "whole"\nmin_seconds = 0.3\n')
    table = {"networks": ["bands", "pairs"], "protocol": str(tmp_path / "short.toml"), "permutations": 4, "run": {"cache": ""}}
    settings = read_chain(write_chain(tmp_path, evaluate=table))
    done = run_end_to_end(settings)
    assert done.evaluated
    assert {row.system for row in done.evaluated.results.rows if row.metric == "fad"} == {"generated"}
    html = Path(done.page).read_text()
    assert 'href="evaluation/index.html"' in html
    assert "Fréchet audio distance" in html
    before = tree(tmp_path / "chain/evaluation")
    assert run_end_to_end(settings).page == done.page
    assert Path(done.page).read_text() == html
    assert tree(tmp_path / "chain/evaluation") == before


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_example_goes_all_the_way_and_a_second_run_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    music = tmp_path / "music"
    ours = {
        "root": str(tmp_path / "chain"),
        "label.corpus.audio": str(music),
        "label.corpus.metadata": str(render_music(music, pieces=6, seed=0, seconds=6)),
        "train.text.cache": str(tmp_path / "embeddings"),
        "train.recipe.clips": 16,
        "generate.prompts": str(PROJECT / "examples/prompts.txt"),
        "generate.seconds": 1.0,
    }
    overrides = [f"{name}={json.dumps(value)}" for name, value in ours.items()]
    settings = read_settings(EndToEndSettings, PROJECT / "examples/everything.toml", overrides)
    done = run_end_to_end(settings)
    assert all(stage.finished for stage in done.trained)
    assert done.generated
    prompts = (PROJECT / "examples/prompts.txt").read_text().splitlines()
    assert len(done.generated.clips) == len(prompts)
    page = Path(done.page)
    html = page.read_text()
    links = re.findall(r'(?:src|href)="([^"#]+)"', html.replace('href="data:,"', ""))
    assert len(links) == 2 * len(prompts) + len(done.trained) + 2
    assert all((page.parent / link).is_file() for link in links), links
    assert all(prompt in html for prompt in prompts if prompt.isascii() and "'" not in prompt)
    before = tree(tmp_path / "chain")
    again = run_end_to_end(settings)
    assert again.labeled.nothing_done
    assert again.generated
    assert again.generated.nothing_done
    assert page.read_text() == html
    after = tree(tmp_path / "chain")
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert all(Path(path).name in ("index.html", "_LATEST.json") for path in changed), changed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_stopped_in_training_it_saves_and_goes_on(tmp_path: Path) -> None:
    chain = read_chain(write_chain(tmp_path))
    config = tmp_path / "chain.toml"
    process = n2m("end-to-end", "-c", str(config), *(f"--set=train.recipe.{key}={value}" for key, value in FOREVER.items()))
    folder = chain.train.folder("spectrogram-generator")
    while not read_journal(folder, "validation"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=120)
    assert (process.returncode, wrong) == (130, "")
    assert re.search(r"spectrogram-generator stopped after [\d,]+ clips, all saved\. The same command goes on", said)
    page = tmp_path / "chain/index.html"
    assert "None yet: training is not finished" in page.read_text()
    assert not chain.train.folder("vocoder").exists()
    said, wrong = n2m("end-to-end", "-c", str(config)).communicate(timeout=600)
    assert wrong == ""
    assert "spectrogram-generator: goes on after" in said
    assert len(list((tmp_path / "chain/generated/audio").glob("*.flac"))) == 2
    assert "None yet" not in page.read_text()
