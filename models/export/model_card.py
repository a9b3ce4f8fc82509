"""The model card of an exported cascade: README.md with the front matter that the Hugging Face hub reads.

All of it comes from the cascade's config, so the same config has the same card. What stands in it of the user's (licences, vocabularies)
is shown as text, never as markup.
"""

from collections.abc import Iterator, Sequence

from huggingface_hub import EvalResult, ModelCardData

from noise2music.labeling.datasets.dataset_card import as_text, markdown_table
from noise2music.models.cascade.cascade_config import CascadeConfig, StageConfig
from noise2music.models.cascade.stage import Signal, StageName
from noise2music.models.cascade.weights import DataFacts
from noise2music.models.generation.settings import ROUTES, Route
from noise2music.models.text.load import MINILM as BUILTIN_TEXT

PLACEHOLDER = "OWNER/NAME"
_MOST_NAMES = 50


def model_card(config: CascadeConfig) -> str:
    """The text of README.md: front matter, use, stages, training data, figures, limits, files."""
    sections = [_front_matter(config), _title(config), _use(config), _stages(config), _data(config), _figures(config), _limits()]
    return "\n\n".join([*sections, _files(config)]) + "\n"


def _front_matter(config: CascadeConfig) -> str:
    data = ModelCardData(
        license=config.licence,
        library_name=config.library_name,
        pipeline_tag="text-to-audio",
        tags=["music", "text-to-music", "diffusion"],
        model_name=_name(config),
        eval_results=list(_results(config)) or None,
        training_data=[{"sha256": data.digest, "clips": data.clips} for data in _data_sets(config)],
    )
    return f"---\n{data.to_yaml(line_break=chr(10))}\n---"


def _results(config: CascadeConfig) -> Iterator[EvalResult]:
    for name, stage in config.stages.items():
        if stage.validation is not None:
            yield EvalResult(
                task_type="text-to-audio",
                dataset_type=f"noise2music-{stage.data.digest[:12]}",
                dataset_name="validation clips of the training data",
                metric_type="loss",
                metric_name=f"validation loss of the {name}",
                metric_value=round(stage.validation.loss, 6),
            )


def _title(config: CascadeConfig) -> str:
    return (
        f"# {as_text(_name(config))}\n\n"
        f"{len(config.stages)} diffusion networks that make music from text, at {config.sample_rate:,} Hz, trained with noise2music after "
        "Noise2Music ([Huang et al., 2023](https://arxiv.org/abs/2302.03917))."
    )


def _use(config: CascadeConfig) -> str:
    chain = _longest(config)
    if not chain:
        return (
            "## Use\n\nThere is no generator among these networks, so they start from audio and not from text: see `generation.start` in "
            "the documentation of `n2m generate`."
        )
    route, stages = chain
    whole = stages == ROUTES[route]
    stopped = "" if whole else f', settings=n2m.GenerationSettings(route="{route}", stop_after="{stages[-1]}")'
    chosen = f', route="{route}"' if whole else stopped
    named = config.hub_id or PLACEHOLDER
    lines = [
        "import noise2music as n2m  # pip install noise2music",
        "",
        f'cascade = n2m.load_cascade("{named}"{chosen})',
        'clip = cascade.generate("calm piano", seconds=5, seed=0)',
    ]
    last = "" if whole else f" --stop-after {stages[-1]}"
    shell = f"n2m generate prompts.txt --checkpoints {named} --out clips --route {route}{last}"
    routes = "\n".join(f"- `{name}`: {' -> '.join(stages)}" for name, stages in config.routes.items())
    said = f"Routes from text to {config.sample_rate:,} Hz audio that are whole:\n\n{routes}\n\n" if routes else ""
    if stages != ("spectrogram-generator",):
        lines.append('clip.save("calm.wav")')
    python = "\n".join(lines)
    return f"## Use\n\n{said}```python\n{python}\n```\n\nOr for a file of prompts:\n\n```bash\n{shell}\n```\n\n{_text(config)}"


def _longest(config: CascadeConfig) -> tuple[Route, tuple[StageName, ...]] | None:
    """The route that gets furthest from text, and its stages that are there without a gap; None where no generator is there."""
    best: tuple[Route, tuple[StageName, ...]] | None = None
    for route, names in ROUTES.items():
        present = next((names[:number] for number in range(len(names), 0, -1) if all(name in config.stages for name in names[:number])), ())
        if present and (best is None or len(present) > len(best[1])):
            best = route, present
    return best


def _text(config: CascadeConfig) -> str:
    encoder = config.text_encoder
    if encoder is None:
        return "None of the networks reads text."
    where = "which comes with the package" if encoder.model == BUILTIN_TEXT else "which is fetched at first use"
    return f"Text is read by the encoder {as_text(encoder.model)} ({encoder.dim} wide, sha256 {encoder.identity}), {where}."


def _stages(config: CascadeConfig) -> str:
    rows = [
        (
            name,
            _called(stage.makes),
            " and ".join([*(["text"] if stage.reads_text else []), *([_called(stage.source)] if stage.source else [])]),
            f"{stage.parameters / 1e6:,.2f} M, {stage.precision}",
            stage.preset,
            f"{stage.clips:,}",
            f"{stage.seconds:g} s",
            f"{stage.data.level.rms_dbfs:.1f} dB",
        )
        for name, stage in config.stages.items()
    ]
    heading = ("stage", "makes", "from", "parameters", "preset", "clips seen", "crop", "loudness of the training audio (rms)")
    return "## Stages\n\n" + markdown_table(heading, rows)


def _called(signal: Signal) -> str:
    return f"log-mel of {signal.rate:,} Hz audio" if signal.domain == "log_mel" else f"{signal.rate:,} Hz audio"


def _data(config: CascadeConfig) -> str:
    rows = []
    for data in _data_sets(config):
        stages = [name for name, stage in config.stages.items() if _same(stage.data, data)]
        rows.append((", ".join(stages), data.digest, f"{data.clips:,}", _listed(data.licences), _listed(data.vocabularies)))
    heading = ("stages", "content of the data (sha256)", "clips", "licences of the recordings", "sources of the captions")
    return (
        "## Training data\n\nThe hash is over the shards of the labeling run, as its manifest has it. The licences are "
        "those that the metadata of the recordings names.\n\n" + markdown_table(heading, rows)
    )


def _data_sets(config: CascadeConfig) -> list[DataFacts]:
    """Each set of training data once, in the order of the stages."""
    found: list[DataFacts] = []
    for stage in config.stages.values():
        if not any(_same(stage.data, data) for data in found):
            found.append(stage.data)
    return found


def _same(one: DataFacts, other: DataFacts) -> bool:
    """Apart from the level, which each stage measures on crops of its own."""
    return one == other.model_copy(update={"level": one.level})


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} others" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) + more) or "none named"


def _figures(config: CascadeConfig) -> str:
    if all(stage.validation is None for stage in config.stages.values()):
        return "## Figures\n\nNone: no training log lay beside the weights."
    said = (
        "The loss of the network's prediction on a fixed grid of validation clips and noise levels, with the averaged weights that are "
        "published here. It compares runs of one stage, and does not say how the music sounds."
    )
    heading = ("stage", "loss, first", "loss, last", "measured after", "by noise level, from nearly clean to nearly noise")
    return f"## Figures\n\n{said}\n\n" + markdown_table(heading, [_figure(name, stage) for name, stage in config.stages.items()])


def _figure(name: str, stage: StageConfig) -> tuple[str, ...]:
    found = stage.validation
    if found is None:
        return name, "not recorded", "not recorded", "", ""
    levels = ", ".join(f"{loss:.4g}" for loss in found.by_level)
    return name, f"{found.first_loss:.4g}", f"{found.loss:.4g}", f"{found.clips:,} clips", levels


def _limits() -> str:
    return (
        "## Limits\n\nThe texts of the training data were chosen or written by models, and nobody checked them one by one. A network can "
        "repeat what it was trained on: `n2m generate --set against=ROOT`, with the root of the labeling run, compares each clip with the "
        "training clips. Clips longer than a stage's crop are made of overlapping windows."
    )


def _files(config: CascadeConfig) -> str:
    rows = [(stage.file, f"{stage.bytes:,}", stage.sha256, stage.average, stage.software) for stage in config.stages.values()]
    return "## Files\n\n" + markdown_table(("file", "bytes", "sha256", "average over training", "trained with"), rows)


def _name(config: CascadeConfig) -> str:
    return config.hub_id.split("/")[-1] if config.hub_id else "A text-to-music cascade"
