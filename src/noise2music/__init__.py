"""Label music with text at scale, train a cascade of diffusion models on it, generate music from text.

Ten lines, from a folder of audio files to labels and a clip:

    import noise2music as n2m

    labels = n2m.label(audio="music", root="runs/music")
    for clip in labels[:3]:
        print(clip["track_key"], [label["caption"] for label in clip["labels"]])
    dataset = n2m.ShardDataset("runs/music")
    print(len(dataset), dataset[0]["audio"].shape, dataset[0]["sample_rate"])
    cascade = n2m.load_cascade("tiny")
    clip = cascade.generate("calm piano", seconds=1, seed=0)
    clip.save("calm.wav")

Every name below is imported when it is first used: `import noise2music` itself loads nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noise2music.core.errors import RowError, UserError
    from noise2music.flows.face import label, train
    from noise2music.flows.labels import Labels, open_labels
    from noise2music.labeling.retrieval.balance import count_candidates, sample_labels
    from noise2music.labeling.scorers.loaded import LoadedScorer, load_scorer
    from noise2music.models.cascade.presets import stage_of as stage
    from noise2music.models.data.shard_dataset import ShardDataset
    from noise2music.models.diffusion import sampler as samplers
    from noise2music.models.export.cascade_folder import export_cascade
    from noise2music.models.generation.clip import GeneratedClip
    from noise2music.models.generation.settings import GenerationSettings
    from noise2music.models.job.loaded_cascade import LoadedCascade, load_cascade
    from noise2music.models.network.unet import UNet
    from noise2music.models.training.settings import TrainSettings
    from noise2music.pipelines.settings import LabelSettings

__version__ = "0.2.0"

__all__ = [
    "GeneratedClip",
    "GenerationSettings",
    "LabelSettings",
    "Labels",
    "LoadedCascade",
    "LoadedScorer",
    "RowError",
    "ShardDataset",
    "TrainSettings",
    "UNet",
    "UserError",
    "__version__",
    "count_candidates",
    "export_cascade",
    "label",
    "load_cascade",
    "load_scorer",
    "open_labels",
    "sample_labels",
    "samplers",
    "stage",
    "train",
]

_PLACES = {
    "GeneratedClip": "models.generation.clip:GeneratedClip",
    "GenerationSettings": "models.generation.settings:GenerationSettings",
    "LabelSettings": "pipelines.settings:LabelSettings",
    "Labels": "flows.labels:Labels",
    "LoadedCascade": "models.job.loaded_cascade:LoadedCascade",
    "LoadedScorer": "labeling.scorers.loaded:LoadedScorer",
    "RowError": "core.errors:RowError",
    "ShardDataset": "models.data.shard_dataset:ShardDataset",
    "TrainSettings": "models.training.settings:TrainSettings",
    "UNet": "models.network.unet:UNet",
    "UserError": "core.errors:UserError",
    "count_candidates": "labeling.retrieval.balance:count_candidates",
    "export_cascade": "models.export.cascade_folder:export_cascade",
    "label": "flows.face:label",
    "load_cascade": "models.job.loaded_cascade:load_cascade",
    "load_scorer": "labeling.scorers.loaded:load_scorer",
    "open_labels": "flows.labels:open_labels",
    "sample_labels": "labeling.retrieval.balance:sample_labels",
    "samplers": "models.diffusion.sampler:",
    "stage": "models.cascade.presets:stage_of",
    "train": "flows.face:train",
}
"""Where each name lives, module:attribute below the package; without an attribute it is the module itself."""

# Type checkers read the imports above, and would let any name pass with this function.
if not TYPE_CHECKING:

    def __getattr__(name):
        from importlib import import_module

        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        path, _, attribute = _PLACES[name].partition(":")
        module = import_module(f"{__name__}.{path}")
        globals()[name] = getattr(module, attribute) if attribute else module
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
