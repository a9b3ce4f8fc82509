"""What systems are compared with: clips of its own, or statistics that somebody made of such."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from noise2music.core.data_files import content_hash
from noise2music.core.errors import UserError
from noise2music.core.storage import is_remote, local_path
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.hearing import Heard
from noise2music.evaluation.measure import Yardstick
from noise2music.evaluation.protocol import Protocol, differences
from noise2music.evaluation.statistics.frechet import gaussian_of
from noise2music.evaluation.statistics.stored import SUFFIX, StatisticsHeader, read_fadtk, read_statistics, write_statistics

FOLDER = "statistics"
_FADTK = ".npz"


@dataclass(frozen=True)
class Reference:
    """name: for people. digest: hash of what was heard of it. clips: how many, 0 where nobody says. yardsticks: by network.
    said: what should be known of it.
    """

    name: str
    digest: str
    clips: int
    yardsticks: Mapping[str, Yardstick]
    said: tuple[str, ...] = ()

    def as_record(self) -> dict[str, str | int]:
        """For results."""
        return {"name": self.name, "digest": self.digest, "clips": self.clips}


def is_statistics(uri: str) -> bool:
    """Whether a reference is a file of statistics or a folder of such."""
    if is_remote(uri):
        return False
    path = local_path(uri)
    return path.suffix in (SUFFIX, _FADTK) or (path.is_dir() and any(path.glob(f"*{SUFFIX}")))


def reference_of_clips(heard: Heard, networks: Sequence[str], name: str) -> Reference:
    """From clips that were heard. Raises UserError where a network has not one of them."""
    yardsticks = {}
    for network in networks:
        clips = heard.rows[network]
        if clips is None:
            first = next(iter((*heard.deaf[network].items(), *heard.dead.items())), None)
            why = f": {first[0]}: {first[1].message}" if first else ""
            raise UserError(f"{network} hears no clip of the reference {heard.chosen.source.uri}{why}.")
        yardsticks[network] = Yardstick(gaussian_of(clips.rows), clips)
    return Reference(name, content_hash(sorted(heard.contents.values())), len(heard.contents), yardsticks)


def reference_of_statistics(uri: str, embedders: Sequence[Embedder], protocol: Protocol) -> Reference:
    """From files: one a network. Raises UserError: none for a network, of other weights, of another protocol, of another reference."""
    path = local_path(uri)
    yardsticks: dict[str, Yardstick] = {}
    headers: list[StatisticsHeader] = []
    said: list[str] = []
    for embedder in embedders:
        if path.suffix == _FADTK:
            gaussian, model = read_fadtk(path, embedder.name)
            said.append(f"{path} does not say of which weights and protocol its statistics of {model} are: check that they are those here")
            yardsticks[embedder.name] = Yardstick(gaussian, None)
        else:
            file = path if path.is_file() or path.suffix == SUFFIX else path / statistics_name(embedder.name)
            if not file.is_file():
                raise UserError(f"there are no statistics of {embedder.name} in {uri}: {file.name} is missing. Leave the network out.")
            gaussian, header = read_statistics(file)
            _check(file, header, embedder, protocol)
            headers.append(header)
            yardsticks[embedder.name] = Yardstick(gaussian, None, header.rows)
        if gaussian.dimension != embedder.dimension:
            raise UserError(
                f"{uri} holds statistics of {gaussian.dimension} dimensions, and {embedder.name} gives {embedder.dimension}: they are of "
                "another network."
            )
    if len({(header.reference, header.digest) for header in headers}) > 1:
        raise UserError(f"the statistics in {uri} are of different references: {', '.join(sorted({item.reference for item in headers}))}.")
    if headers:
        return Reference(headers[0].reference, headers[0].digest, headers[0].clips, yardsticks, tuple(said))
    return Reference(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 0, yardsticks, tuple(said))


def write_reference(folder: Path, reference: Reference, embedders: Sequence[Embedder], protocol: Protocol) -> None:
    """Statistics of a reference of clips, so that the next evaluation needs no audio of it. Raises UserError."""
    for embedder in embedders:
        yardstick = reference.yardsticks[embedder.name]
        if yardstick.clips is not None:
            header = StatisticsHeader(
                network=embedder.name,
                identity=embedder.identity,
                protocol=protocol.as_record(),
                clips=yardstick.clips.clips,
                rows=len(yardstick.clips.rows),
                reference=reference.name,
                digest=reference.digest,
            )
            write_statistics(folder / statistics_name(embedder.name), yardstick.gaussian, header)


def statistics_name(network: str) -> str:
    """The file of a network's statistics."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", network) + SUFFIX


def _check(file: Path, header: StatisticsHeader, embedder: Embedder, protocol: Protocol) -> None:
    if header.network != embedder.name or header.identity != embedder.identity:
        theirs = f"{header.network} ({header.identity[:12]})"
        raise UserError(
            f"{file} holds statistics of another network: of {theirs}, and the figures are by {embedder.name} ({embedder.identity[:12]}). "
            "Make them again from the reference's audio."
        )
    wrong = differences(protocol, header.protocol)
    if wrong:
        raise UserError(f"{file} is of another protocol: {'; '.join(wrong)}. Choose its protocol, or make it again from the audio.")
