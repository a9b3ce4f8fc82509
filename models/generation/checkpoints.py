"""Where the published weights of stages are: a folder, an object store, the hub, or the package itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.core.ids import file_hash, stable_id
from noise2music.core.local_cache import cache_folder, download
from noise2music.core.storage import Entry, Store, is_remote, local_path, open_existing
from noise2music.models.cascade.cascade_config import NAME as CONFIG
from noise2music.models.cascade.cascade_config import CascadeConfig, parse_config, read_config
from noise2music.models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, STAGES, Signal, Stage, StageName
from noise2music.models.cascade.weights import WeightsHeader

# Whether stages that were trained apart make one cascade.


def check_fit(headers: Sequence[WeightsHeader], checkpoints: str) -> None:
    """Of stages in their order: each starts from what the one before makes, and all read the same text.

    Raises UserError that names the two that do not fit.
    """
    for header in headers:
        _check_itself(header.stage, checkpoints)
    for before, after in pairwise(headers):
        _check_source(before, after, checkpoints)
    readers = [header for header in headers if header.text is not None]
    for header in readers[1:]:
        first = readers[0]
        if first.text is not None and header.text is not None and first.text.identity != header.text.identity:
            raise UserError(
                f"the stages in {checkpoints} do not fit: the {first.stage.name} ({first.preset}) reads text of {first.text.name} "
                f"({first.text.identity[:12]}), the {header.stage.name} ({header.preset}) of {header.text.name} "
                f"({header.text.identity[:12]}). Use stages that were trained with the same text encoder."
            )


def _check_source(before: WeightsHeader, after: WeightsHeader, checkpoints: str) -> None:
    source = after.stage.source
    if source is None or source.signal != before.stage.signal:
        start = "text alone" if source is None else _describe(source.signal)
        raise UserError(
            f"the stages in {checkpoints} do not fit: the {before.stage.name} ({before.preset}) makes "
            f"{_describe(before.stage.signal)}, and the {after.stage.name} ({after.preset}) starts from {start}. "
            "Use stages that were trained for each other."
        )
    if before.log_mel != after.log_mel:
        raise UserError(
            f"the stages in {checkpoints} do not fit: the {before.stage.name} and the {after.stage.name} were trained on spectrograms of "
            "other constants. Use stages that were trained for each other."
        )


def _check_itself(stage: Stage, checkpoints: str) -> None:
    """A header that describes a network which cannot take the stage's signals."""
    unet, source = stage.unet, stage.source
    mels = 80
    concat = 1 if source is not None and source.enters == "concat_cond" else 0
    local = mels if source is not None and source.enters == "local_cond" else 0
    channels = mels if stage.signal.domain == "log_mel" else 1
    frame = FRAME_SAMPLES * stage.signal.rate // CORPUS_RATE
    wrong = (unet.channels_out, unet.channels_in, unet.local_cond_channels) != (channels, channels + concat, local)
    if wrong or (local and unet.stride != frame):
        raise UserError(
            f"the weights of the {stage.name} in {checkpoints} are of a network that does not fit its signals ({unet.channels_in} channels "
            f"in, {unet.channels_out} out, {unet.local_cond_channels} of local_cond, stride {unet.stride}). Train that stage again."
        )


def _describe(signal: Signal) -> str:
    return f"the spectrogram of {signal.rate} Hz audio" if signal.domain == "log_mel" else f"{signal.rate} Hz audio"


SHIPPED = "tiny"
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
STARTER = Path(__file__).parents[1] / "starter"


@dataclass(frozen=True)
class Checkpoints:
    """Weights files on this machine. identity: SHA-256 of each. config: of an exported cascade, None for a training run's folder."""

    files: dict[StageName, Path]
    identity: dict[StageName, str]
    config: CascadeConfig | None

    @property
    def text_model(self) -> str | None:
        """What loads the text encoder, where an exported cascade says so."""
        return self.config.text_encoder.model if self.config and self.config.text_encoder else None


def open_checkpoints(checkpoints: str, stages: Sequence[StageName] | None = None, revision: str | None = None) -> Checkpoints:
    """The weights of some stages, None for all that are there: of a folder, a URI, a hub id OWNER/NAME, or "tiny", which ships.

    Raises UserError that names every stage that is missing and where it was looked for, and where a file is not the one that the config
    of an exported cascade lists. revision: branch, tag or commit of a hub id.
    """
    files, config = _located(checkpoints, stages, revision)
    identity = {stage: file_identity(path) for stage, path in files.items()}
    for stage, sha256 in identity.items() if config else ():
        if config is not None and (stage not in config.stages or config.stages[stage].sha256 != sha256):
            raise UserError(
                f"the weights of the {stage} in {checkpoints} are not those that its {CONFIG} lists (sha256 differs). Fetch the whole "
                "folder again, or export the cascade again."
            )
    return Checkpoints(files, identity, config)


def _located(
    checkpoints: str, stages: Sequence[StageName] | None, revision: str | None
) -> tuple[dict[StageName, Path], CascadeConfig | None]:
    """Files, and the config beside them."""
    remote, shipped = is_remote(checkpoints), checkpoints == SHIPPED
    folder = STARTER if shipped or remote else local_path(checkpoints)
    if revision is not None and (shipped or remote or folder.is_dir()):
        raise UserError(f"{checkpoints} is no hub id, and a revision ({revision}) is of one. Leave the revision out.")
    if remote:
        return _fetched(checkpoints, stages)
    if shipped:
        return _here(folder, stages, "the weights that ship (models/starter)"), None
    if not folder.is_dir():
        folder = _from_hub(checkpoints, stages, revision)
    return _here(folder, stages, checkpoints), read_config(folder)


def _from_hub(checkpoints: str, stages: Sequence[StageName] | None, revision: str | None) -> Path:
    """The folder of a hub id in the hub's cache, with config and weights of these stages; nothing else is fetched."""
    if not HUB_ID.fullmatch(checkpoints):
        raise UserError(
            f"there is no folder {checkpoints} with weights. Give a folder or URI, a hub id OWNER/NAME, or "
            f'"{SHIPPED}" for the weights that ship.'
        )
    from noise2music.core.hub import download

    names = [CONFIG, *(name for stage in stages or STAGES for name in _names(stage))]
    return download(checkpoints, revision, names, (), "checkpoints", SHIPPED)


def weights_files(checkpoints: str, stages: Sequence[StageName], revision: str | None = None) -> dict[StageName, Path]:
    """A file on this machine for each stage. Raises UserError as `open_checkpoints` does."""
    return open_checkpoints(checkpoints, stages, revision).files


def file_identity(path: Path) -> str:
    """SHA-256 of a weights file."""
    with path.open("rb") as file:
        return file_hash(file)


def _names(stage: StageName) -> tuple[str, str]:
    """The two names of a stage's file: as training leaves it, and as `n2m weights` writes it."""
    return f"{stage}/weights.safetensors", f"{stage}.safetensors"


def _here(folder: Path, stages: Sequence[StageName] | None, called: str) -> dict[StageName, Path]:
    found = {stage: next((path for name in _names(stage) if (path := folder / name).is_file()), None) for stage in stages or STAGES}
    _all_there(called, found, stages)
    return {stage: path for stage, path in found.items() if path is not None}


def _fetched(uri: str, stages: Sequence[StageName] | None) -> tuple[dict[StageName, Path], CascadeConfig | None]:
    store = open_existing(uri)
    found = {stage: next((entry for name in _names(stage) if (entry := store.head(name)) is not None), None) for stage in stages or STAGES}
    _all_there(uri, found, stages)
    config = parse_config(store.get(CONFIG), store.describe(CONFIG)) if store.head(CONFIG) else None
    return {stage: _fetch(store, entry) for stage, entry in found.items() if entry is not None}, config


def _all_there(
    called: str, found: dict[StageName, Path | None] | dict[StageName, Entry | None], stages: Sequence[StageName] | None
) -> None:
    if stages is None and any(place is not None for place in found.values()):
        return
    if missing := [stage for stage, place in found.items() if place is None]:
        looked = " or ".join(_names(missing[0]))
        raise UserError(
            f"{called} holds no weights of the {', the '.join(missing)}: {looked} is not there. Train what is missing (`n2m train STAGE`), "
            "or choose a route, start and stop_after that do without."
        )


def _fetch(store: Store, entry: Entry) -> Path:
    """Downloaded once for each version of the object, whole or not at all."""
    folder = cache_folder() / "weights"
    path = folder / f"{stable_id(store.uri, entry.path, entry.stamp, entry.bytes)}.safetensors"
    if path.is_file() and path.stat().st_size == entry.bytes:
        return path

    def check(aside: Path) -> None:
        if aside.stat().st_size != entry.bytes:
            raise UserError(f"{store.describe(entry.path)} changed while it was read. Run the same command again.")

    try:
        download(store, entry.path, path, check)
    except FileNotFoundError:
        raise UserError(f"{store.describe(entry.path)} is gone. Run the same command again.") from None
    except OSError as error:
        raise UserError(f"cannot keep weights in {folder}: {error.strerror}. Free space, or set N2M_CACHE.") from None
    return path
