"""Each tiny stage learns eight clips by heart."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from noise2music.core.randomness import normals
from noise2music.models.cascade.sample import sample
from noise2music.models.cascade.stage import STAGES, Sampling, StageName
from noise2music.models.cascade.training_pairs import true_inputs, x0_of
from noise2music.models.cascade.weights import load_network, read_weights_header
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import open_shards
from noise2music.models.diffusion.steps import uniform
from noise2music.models.text.encoder import EmbeddingCache
from noise2music.models.text.load import load_encoder
from noise2music.models.training.batch import Texts, make_batch
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.trainer import train
from tests.models.data.made_up_shards import RATE, row, uri_of, write_shards

STEPS: dict[StageName, int] = {
    "waveform-generator": 1200,
    "waveform-cascader": 800,
    "spectrogram-generator": 1200,
    "vocoder": 4000,
    "super-resolution": 800,
}
SECONDS: dict[StageName, float] = {
    "waveform-generator": 0.64,
    "waveform-cascader": 0.64,
    "spectrogram-generator": 0.64,
    # A spectrogram does not tell phases: they can be known only where an end of the clip is in sight, and this network sees 0.1 s.
    "vocoder": 0.16,
    "super-resolution": 0.64,
}


def eight(folder: Path, seconds: float) -> str:
    """Shards of eight chords three semitones apart: one apart, those at 110 Hz are hardly told apart by 80 mel bands."""
    own = {n: {**row(3 * n, seconds), "split": "train", "tags": [], "title": None} for n in range(8)}
    for values in own.values():
        values["labels"] = values["labels"][:1]
    return uri_of(write_shards(folder, clips=8, seconds=seconds, change=own))


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", STAGES)
def test_eight_clips_are_learnt_by_heart(tmp_path: Path, name: StageName) -> None:
    shards, clips = eight(tmp_path / "eight", SECONDS[name]), 8 * STEPS[name]
    settings = TrainSettings.model_validate(
        {
            "out": str(tmp_path / "run"),
            "data": {"shards": shards},
            "text": {"dropped": 0.0},
            "recipe": {
                "clips": clips,
                "global_batch_size": 8,
                "seconds": SECONDS[name],
                "warmup_clips": 400,
                "decay_clips": clips,
                "learning_rate": 2e-3,
            },
            "validation": {"split": "train", "clips": 8},
            "samples": {"clips": 0},
            "run": {"precision": "fp32"},
        }
    )
    trained = train(settings, name)
    losses = [line["loss"] for line in read_journal(trained.folder, "validation")]
    print(name, [round(loss, 4) for loss in losses])
    assert losses[-1] <= 0.3 * losses[0]

    header = read_weights_header(trained.weights, name)
    stage = replace(header.stage, sampling=Sampling("ddim", uniform(50)))
    encoder = load_encoder(settings.text)
    texts = Texts(encoder, EmbeddingCache(encoder), stage.tokens, 0.0, 0) if stage.tokens else None
    with Loader(open_shards(shards, "train", RATE), 0, stage.crop_samples, 8) as loader:
        batch = make_batch(next(iter(loader)), texts)
    inputs = batch.with_text(true_inputs(stage, batch.audio))
    network = load_network(trained.weights, header)
    shape = (stage.channels, stage.positions(stage.crop_samples))
    drawn = sample(stage, network, inputs, lambda purpose: normals(5, range(8), purpose, shape, torch.device("cpu")))
    true = x0_of(stage, batch.audio)
    distances = torch.cdist(drawn.flatten(1), true.flatten(1))
    assert distances.argmin(1).tolist() == list(range(8))
