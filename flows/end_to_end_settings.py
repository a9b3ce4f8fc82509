"""One configuration for the whole chain: its tables, with what must agree between them filled in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import model_validator

from noise2music.core.settings import Settings
from noise2music.core.storage import is_remote, local_path
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.evaluation.sources import split_label
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.generation.checkpoints import SHIPPED
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings


class EndToEndSettings(Settings):
    """The chain below one `root`: root/labels, root/cascade, root/generated, root/evaluation and the page root/index.html.

    Left out, `label.root`, `train.out`, `train.data.shards`, `generate.checkpoints` and `generate.out` are these places. Given, they may be
    others, but training reads what labeling wrote, and generation what training wrote, or the weights that ship ("tiny"). `stages`: what
    is trained, in this order; None: what generation uses. `evaluate`: None evaluates nothing; a table without keys compares the clips with
    the labelled music. Its `clips` may name other systems, but the chain's own are among them.
    """

    root: str
    stages: tuple[StageName, ...] | None = None
    label: LabelSettings
    train: TrainSettings
    generate: GenerateSettings
    evaluate: EvaluateSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or not isinstance(raw.get("root"), str):
            return raw
        root = raw["root"].rstrip("/")
        tables = {name: raw.get(name, {}) for name in ("label", "train", "generate")}
        if not all(isinstance(table, Mapping) for table in tables.values()):
            return raw
        label = {"root": f"{root}/labels", **tables["label"]}
        train = {"out": f"{root}/cascade", "data": {}, **tables["train"]}
        if isinstance(train["data"], Mapping):
            train["data"] = {"shards": label["root"], **train["data"]}
        generate = {"checkpoints": train["out"], "out": f"{root}/generated", **tables["generate"]}
        filled = {**raw, "label": label, "train": train, "generate": generate}
        if isinstance(raw.get("evaluate"), Mapping):
            own = {"clips": [generate["out"]], "reference": label["root"], "out": f"{root}/evaluation"}
            filled["evaluate"] = {**own, **raw["evaluate"]}
        return filled

    @model_validator(mode="after")
    def _hang_together(self) -> "EndToEndSettings":
        if is_remote(self.train.out):
            raise ValueError(f"train.out = {self.train.out!r}: training keeps its states on this machine, so train.out must be a folder")
        for key, value, source, wanted in (
            ("train.data.shards", self.train.data.shards, "label.root", self.label.root),
            ("generate.checkpoints", self.generate.checkpoints, "train.out", self.train.out),
        ):
            if value != SHIPPED and not _same_place(value, wanted):
                raise ValueError(f"{key} = {value!r}, but {source} = {wanted!r}: leave {key} out, and it is what the step before wrote")
        missing = [stage for stage in self.generate.generation.chain if stage not in self.trained_stages]
        if missing and not self.uses_shipped_weights:
            raise ValueError(f"generation uses {', '.join(missing)}: name it in stages too, or leave stages out")
        if self.evaluate is not None:
            if self.generate.generation.chain[-1] == "spectrogram-generator":
                raise ValueError("there is no sound to evaluate: generation stops after spectrogram-generator; leave evaluate out")
            places = [split_label(text)[1] for text in self.evaluate.clips]
            if not any(_same_place(place, self.generate.out) for place in places):
                raise ValueError(f"evaluate.clips names {', '.join(places)}, but generate.out = {self.generate.out!r}: name that too")
        return self

    @property
    def trained_stages(self) -> tuple[StageName, ...]:
        """What is trained, in its order."""
        if self.stages is not None:
            return tuple(dict.fromkeys(self.stages))
        used = self.generate.generation.chain
        return tuple(stage for stage in STAGES if stage in used)

    @property
    def uses_shipped_weights(self) -> bool:
        """Whether clips are made from the weights that ship instead of those that were trained."""
        return self.generate.checkpoints == SHIPPED


def _same_place(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/") if is_remote(one) or is_remote(other) else _path(one) == _path(other)


def _path(place: str) -> Path:
    return Path(local_path(place)).absolute()
