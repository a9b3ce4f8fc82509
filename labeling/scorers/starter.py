"""`starter`: the built-in scorer, which needs no model hub (model card: docs/starter.md).

Audio goes through the two musicnn taggers, text through MiniLM.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save

from noise2music.core.arrays import Float32s
from noise2music.labeling.scorers import musicnn as musicnn_mel
from noise2music.labeling.scorers.base import TextEmbeddings
from noise2music.labeling.scorers.minilm import DIMENSIONS, MiniLM, load_minilm
from noise2music.labeling.scorers.musicnn import Tagger, load_taggers, tag_probabilities
from noise2music.labeling.scorers.musicnn_weights import load_tagger_weights

# Names of the two taggers' outputs in order (MagnaTagATune and Million Song Dataset, from the package's configuration).
MTT_TAGS = (
    "guitar, classical, slow, techno, strings, drums, electronic, rock, fast, piano, ambient, beat, violin, vocal, synth, "
    "female, indian, opera, male, singing, vocals, no vocals, harpsichord, loud, quiet, flute, woman, male vocal, no vocal, "
    "pop, soft, sitar, solo, man, classic, choir, voice, new age, dance, male voice, female vocal, beats, harp, cello, no "
    "voice, weird, country, metal, female voice, choral"
)
MSD_TAGS = (
    "rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, metal, "
    "chillout, male vocalists, classic rock, soul, indie rock, Mellow, electronica, 80s, folk, 90s, chill, instrumental, "
    "punk, oldies, blues, hard rock, ambient, acoustic, experimental, female vocalist, guitar, Hip-Hop, 70s, party, country, "
    "easy listening, sexy, catchy, funk, electro, heavy metal, Progressive rock, 60s, rnb, indie pop, sad, House, happy"
)
TAGS = (*MTT_TAGS.split(", "), *MSD_TAGS.split(", "))


# The space of `starter` has 100 dimensions, one for each tag of the two taggers. Audio: unit((p - m) / sqrt(s)), with p the tag
# probabilities of a clip, and m and s their mean and standard deviation over reference music. Text: unit(((e - c) W) sqrt(s)), with
# e the sentence vector, c the centre of the captions W was fitted on, and W the map from sentence vectors to standardised tag
# mentions. In the inner product the factors of s cancel, up to the two lengths. Each side has one of them so that no tag dominates:
# rare tags are damped in text and raised in audio.


DATA = Path(__file__).parent / "data"
TEXT_MAP = DATA / "starter_text_map.safetensors"
REFERENCE = DATA / "starter_reference.safetensors"
LEAST_SPREAD = 1e-4


@dataclass(frozen=True)
class TextMap:
    """`centre` (384,) and `weights` (384, 100)."""

    centre: Float32s
    weights: Float32s


@dataclass(frozen=True)
class Reference:
    """`mean` and `spread` (100,) of the tag probabilities over reference music."""

    mean: Float32s
    spread: Float32s


def reference_statistics(probabilities: Float32s) -> Reference:
    """(recordings, 100) -> mean and standard deviation of each tag. Raises ValueError for fewer than two recordings."""
    if len(probabilities) < 2:
        raise ValueError("reference statistics need at least two recordings")
    values = probabilities.astype(np.float64)
    return Reference(values.mean(0).astype(np.float32), values.std(0).clip(LEAST_SPREAD).astype(np.float32))


def audio_vectors(probabilities: Float32s, reference: Reference) -> Float32s:
    """(..., 100) tag probabilities -> unit vectors."""
    centred = probabilities.astype(np.float64) - reference.mean
    return _unit(centred / np.sqrt(reference.spread.astype(np.float64)))


def text_vectors(meaning: Float32s, text_map: TextMap, reference: Reference) -> Float32s:
    """(N, 384) sentence vectors -> (N, 100) unit vectors. In float64, so that a row does not depend on how many there are."""
    mentioned = (meaning.astype(np.float64) - text_map.centre) @ text_map.weights.astype(np.float64)
    return _unit(mentioned * np.sqrt(reference.spread.astype(np.float64)))


def _unit(values: npt.NDArray[np.float64]) -> Float32s:
    length = np.sqrt(np.sum(values * values, axis=-1, keepdims=True))
    return np.asarray(values / np.maximum(length, 1e-12), np.float32)


def write_arrays(path: Path, arrays: dict[str, Float32s], provenance: dict[str, str]) -> None:
    """A safetensors file whose header says, as text, what the arrays were made from."""
    path.write_bytes(save({name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}, provenance))


def read_text_map(path: Path = TEXT_MAP) -> TextMap:
    """The text map of a safetensors file; without one, of the one that ships."""
    arrays = _read_arrays(path)
    return TextMap(arrays["centre"], arrays["weights"])


def read_reference(path: Path = REFERENCE) -> Reference:
    """The reference statistics of a safetensors file; without one, of the one that ships."""
    arrays = _read_arrays(path)
    return Reference(arrays["mean"], arrays["spread"])


def provenance(path: Path) -> dict[str, str]:
    """The header of a data file: what it was made from."""
    with safe_open(path, framework="numpy") as file:
        return dict(file.metadata() or {})


def _read_arrays(path: Path) -> dict[str, Float32s]:
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping


VERSION = 1
"""Raise it when an embedding changes although no weight does: another front end, another way to pool."""


class Starter:
    """Implements labeling.scorers.base.Scorer. A window is 3 s of log-mel frames, an output the 100 tag probabilities."""

    name = "starter"
    sample_rate = musicnn_mel.SAMPLE_RATE
    dim = len(TAGS)
    text_dim = DIMENSIONS

    def __init__(
        self, taggers: Sequence[Tagger], minilm: MiniLM, text_map: TextMap, reference: Reference, identity: str, device: str
    ) -> None:
        self.identity = identity
        self.device = device
        self._taggers = taggers
        self._minilm = minilm
        self._text_map = text_map
        self._reference = reference

    def preprocess(self, audio: Float32s) -> torch.Tensor:
        """(samples,) mono at 16 kHz -> (windows, 187, 96): 3 s without overlap, the rest dropped, a short clip repeated (musicnn_mel)."""
        return musicnn_mel.windows(audio)

    def encode_audio(self, batch: torch.Tensor) -> torch.Tensor:
        """(N, 187, 96) -> (N, 100) tag probabilities."""
        return tag_probabilities(self._taggers, batch)

    def pool(self, outputs: Float32s) -> Float32s:
        """(windows, 100) tag probabilities of one clip -> (100,) unit vector."""
        return audio_vectors(outputs.mean(0, dtype=np.float64).astype(np.float32), self._reference)

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        """N captions -> (N, 100) unit vectors beside audio and (N, 384) MiniLM unit vectors."""
        meaning = self._minilm(captions)
        return TextEmbeddings(joint_embeddings=text_vectors(meaning, self._text_map, self._reference), text_embeddings=meaning)


def load_starter(device: str = "cpu") -> Starter:
    """The scorer on "cpu" or "cuda". Raises UserError, with the command that installs it, where a package is missing."""
    taggers, minilm = load_taggers(device), load_minilm(device)
    text_map, reference = read_text_map(), read_reference()
    digest = hashlib.sha256(f"starter {VERSION} {minilm.identity}".encode())
    for weights in load_tagger_weights().values():
        for name, values in weights.items():
            digest.update(name.encode() + values.tobytes())
    for values in (text_map.centre, text_map.weights, reference.mean, reference.spread):
        digest.update(values.tobytes())
    return Starter(taggers, minilm, text_map, reference, digest.hexdigest(), device)
