"""A trained cascade as one folder that `load_cascade` reads and that can be uploaded to a model hub as it is."""

import logging
import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from noise2music.core.errors import UserError
from noise2music.core.storage import is_remote, local_path, open_existing
from noise2music.models.cascade.cascade_config import NAME as CONFIG
from noise2music.models.cascade.cascade_config import CascadeConfig, StageConfig, TextConfig, ValidationFigures, read_config
from noise2music.models.cascade.stage import StageName
from noise2music.models.cascade.weights import WeightsHeader, read_weights_header, software
from noise2music.models.export.model_card import model_card
from noise2music.models.generation.checkpoints import HUB_ID, SHIPPED, Checkpoints, check_fit, file_identity, open_checkpoints
from noise2music.models.generation.settings import ROUTES
from noise2music.models.training.log import NAME as LOG
from noise2music.models.training.log import parse_journal

CARD = "README.md"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
log = logging.getLogger("n2m")


@dataclass(frozen=True)
class ExportedCascade:
    """What lies in the folder now. written: how many of its files this call wrote. card_kept: a card that somebody changed stayed."""

    folder: Path
    config: CascadeConfig
    bytes: int
    written: int
    card_kept: bool


def export_cascade(
    checkpoints: str,
    out: str | Path,
    hub_id: str | None = None,
    licence: str | None = None,
    text_model: str | None = None,
    revision: str | None = None,
) -> ExportedCascade:
    """Write all trained stages of a cascade as one folder that `load_cascade` reads, ready to be uploaded to a model hub.

    The folder holds STAGE.safetensors, the bytes of training, config.json and a model card. The same call again writes only what is
    missing or changed; a card that somebody went on writing stays.

    Args:
        checkpoints: a folder, URI or hub id, or "tiny", as `load_cascade` takes them.
        out: a new or empty folder, or that of an earlier export.
        hub_id: OWNER/NAME under which the folder is to lie on the hub; the card names it.
        licence: of the weights, as the hub spells it, such as "cc-by-4.0"; None is that of an earlier export, or "other".
        text_model: hub id of the text encoder, where training read it from a folder.
        revision: branch, tag or commit, where checkpoints is a hub id.

    Returns:
        What lies in the folder now: its `config`, `bytes`, and how many files were `written`.

    Raises:
        UserError: stages that do not fit each other, or a folder that holds anything but an export.
    """
    if hub_id is not None and not HUB_ID.fullmatch(hub_id):
        raise UserError(f"{hub_id!r} cannot be the id of a model on the hub. Give OWNER/NAME.")
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise UserError(f"{licence!r} is no licence as the hub spells it. Give for example apache-2.0, cc-by-nc-4.0 or other.")
    source = open_checkpoints(checkpoints, None, revision)
    headers = {stage: read_weights_header(path, stage) for stage, path in source.files.items()}
    _check_parts(headers, checkpoints)
    config = CascadeConfig(
        software=software(),
        hub_id=hub_id,
        licence=licence or (source.config.licence if source.config else "apache-2.0" if checkpoints == SHIPPED else "other"),
        sample_rate=max(header.stage.signal.rate for header in headers.values()),
        routes={route: names for route, names in ROUTES.items() if all(name in headers for name in names)},
        text_encoder=_text_encoder(headers, text_model or source.text_model),
        stages={stage: _stage(checkpoints, source, stage, header) for stage, header in headers.items()},
    )
    return _write(source, config, Path(out))


def _check_parts(headers: Mapping[StageName, WeightsHeader], checkpoints: str) -> None:
    """Stages that follow each other on a route fit, and all read the same text."""
    for names in ROUTES.values():
        run: list[WeightsHeader] = []
        for name in names:
            if name in headers:
                run.append(headers[name])
                check_fit(run, checkpoints)
            else:
                run = []
    encoders = {header.text.identity: header.stage.name for header in headers.values() if header.text is not None}
    if len(encoders) > 1:
        raise UserError(
            f"the stages in {checkpoints} read text of different encoders ({', '.join(encoders.values())}). Export them into folders of "
            "their own."
        )


def _text_encoder(headers: Mapping[StageName, WeightsHeader], model: str | None) -> TextConfig | None:
    text = next((header.text for header in headers.values() if header.text is not None), None)
    return TextConfig(**text.model_dump(), model=model or text.name) if text else None


def _stage(checkpoints: str, source: Checkpoints, name: StageName, header: WeightsHeader) -> StageConfig:
    path, stage = source.files[name], header.stage
    parameters, precision = _contents(path)
    return StageConfig(
        file=f"{name}.safetensors",
        sha256=source.identity[name],
        bytes=path.stat().st_size,
        parameters=parameters,
        precision=precision,
        preset=header.preset,
        makes=stage.signal,
        source=stage.source.signal if stage.source else None,
        reads_text=header.text is not None,
        seconds=stage.seconds,
        clips=header.clips,
        seed=header.seed,
        average=header.average,
        data=header.data,
        validation=source.config.stages[name].validation if source.config else _validation(checkpoints, name, header.clips),
        software=header.software,
    )


def _contents(path: Path) -> tuple[int, str]:
    """How many numbers a weights file holds, and their type: "F32"."""
    with safe_open(path, "pt") as file:
        slices = [file.get_slice(name) for name in file.keys()]  # noqa: SIM118 (it is no dict)
        return sum(math.prod(one.get_shape()) for one in slices), ", ".join(sorted({one.get_dtype() for one in slices}))


def _validation(checkpoints: str, stage: StageName, clips: int) -> ValidationFigures | None:
    """What the log beside a stage's weights says of the moment of publication; None where there is no log."""
    lines = [line for line in parse_journal(_log_text(checkpoints, stage), "validation") if math.isfinite(line["loss"])]
    until = [line for line in lines if line["clips"] <= clips]
    if not until:
        return None
    last = until[-1]
    levels = tuple(last[f"level_{number}"] for number in range(1, len(last) + 1) if f"level_{number}" in last)
    return ValidationFigures(clips=last["clips"], loss=last["loss"], first_loss=until[0]["loss"], by_level=levels)


def _log_text(checkpoints: str, stage: StageName) -> str:
    name = f"{stage}/{LOG}"
    if is_remote(checkpoints):
        store = open_existing(checkpoints)
        return store.get(name).decode("utf-8") if store.head(name) else ""
    path = local_path(checkpoints) / name
    return path.read_text(encoding="utf-8") if checkpoints != SHIPPED and path.is_file() else ""


def _write(source: Checkpoints, config: CascadeConfig, out: Path) -> ExportedCascade:
    """The config goes first: a folder with it is one that an interrupted export may go on with, and it says which weights are right."""
    before = _check_out(out, config)
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = _put(out / CONFIG, config.to_bytes())
        for name, stage in config.stages.items():
            written += _copy(source.files[name], out / stage.file, stage.sha256)
        card, path = model_card(config).encode(), out / CARD
        kept = path.is_file() and path.read_bytes() not in (card, *([model_card(before).encode()] if before else []))
        written += 0 if kept else _put(path, card)
    except OSError as error:
        raise UserError(f"cannot write {error.filename or out}: {error.strerror}. Mend that, then run the same command again.") from error
    if kept:
        log.warning("%s was changed since it was written, and stays as it is.", path)
    size = sum((out / stage.file).stat().st_size for stage in config.stages.values())
    return ExportedCascade(out, config, size, written, kept)


def _check_out(out: Path, config: CascadeConfig) -> CascadeConfig | None:
    """The config of the export that the folder holds, None for a new folder. Raises UserError where it holds something else."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file. Give a folder.")
    there = sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) if out.is_dir() else []
    before = read_config(out)
    if there and before is None:
        raise UserError(f"{out} holds {there[0]} already, and no exported cascade. Give an empty folder.")
    strange = sorted({name for name in there if name.endswith(".safetensors")} - {stage.file for stage in config.stages.values()})
    if strange:
        raise UserError(f"{out} holds {strange[0]}, which is not of this cascade. Give an empty folder, or remove that file.")
    return before


def _put(path: Path, data: bytes) -> int:
    """Write a file whole or not at all. Gives 1, or 0 where it was there."""
    if path.is_file() and path.read_bytes() == data:
        return 0
    aside = path.with_name(f".{path.name}.partial")
    aside.write_bytes(data)
    os.replace(aside, path)
    return 1


def _copy(source: Path, target: Path, sha256: str) -> int:
    """Copy a weights file whole or not at all. Gives 1, or 0 where it was there. Raises UserError where it changed meanwhile."""
    if target.is_file() and file_identity(target) == sha256:
        return 0
    aside = target.with_name(f".{target.name}.partial")
    try:
        shutil.copyfile(source, aside)
        if file_identity(aside) != sha256:
            raise UserError(f"{source} changed while it was read. Run the same command again.")
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return 1
