"""What every network that hears can do, how one is had by its name, and whether its weights are on this machine."""

from pathlib import Path
from typing import Literal, Protocol

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError

NAMES = ("yamnet", "musicnn", "resemblyzer", "starter", "clap=FOLDER_OR_ID", "vggish[=HANDLE_OR_FOLDER]", "trill[=HANDLE_OR_FOLDER]")

_PACKAGED = ("yamnet", "musicnn", "resemblyzer")
_HUBS = ("vggish", "trill")


class Embedder(Protocol):
    """One network, loaded and ready. `embed` is pure: on a CPU the same audio gives the same bytes, whatever came before.

    name: for people and tables ("yamnet"); two networks of one evaluation have two names. sample_rate: Hz of the audio that it takes.
    dimension: of a row. unit: whether rows are pieces of a clip ("frame") or a clip has one ("clip"). min_seconds: shorter audio has no
    row.
    """

    name: str
    sample_rate: int
    dimension: int
    unit: Literal["frame", "clip"]
    min_seconds: float

    @property
    def identity(self) -> str:
        """SHA-256 over the weights and every constant that changes an embedding: 64 hexadecimal digits."""
        ...

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono float32 in [-1, 1] at `sample_rate` -> (rows, dimension) float32; no rows below `min_seconds`."""
        ...


def check_network(name: str) -> None:
    """Raise UserError where no network is called so; nothing is loaded."""
    kind, _, place = name.partition("=")
    if name not in _PACKAGED and kind not in (*_HUBS, "starter") and not (kind == "clap" and place):
        raise UserError(f'there is no network "{name}". Choose from: {", ".join(NAMES)}.')


def weights_are_here(name: str) -> bool:
    """In the cache, in an installed package, or in the folder that the name says; nothing is loaded. Raises UserError: no such network."""
    check_network(name)
    kind, _, place = name.partition("=")
    if kind in ("vggish", "trill"):
        from noise2music.evaluation.embedders.saved_model import KNOWN, local_folder

        return local_folder(place or KNOWN[kind].handle) is not None
    if kind == "clap":
        from huggingface_hub import try_to_load_from_cache

        return Path(place).exists() or isinstance(try_to_load_from_cache(place, "config.json"), str)
    if kind in ("musicnn", "starter"):
        from noise2music.labeling.scorers.musicnn_weights import cached_weights, installed_checkpoints

        return cached_weights().is_file() or installed_checkpoints() is not None
    from noise2music.evaluation.embedders import resemblyzer, yamnet

    return (yamnet.WEIGHTS if kind == "yamnet" else resemblyzer.WEIGHTS).is_here


def load_embedder(name: str, device: str = "cpu") -> Embedder:
    """A network that hears, by its name.

    Args:
        name: "yamnet", "musicnn" or "resemblyzer", whose weights come with packages; "starter" or "clap=MODEL" for a scorer of the
            project (a hub id, a folder of a CLAP model or a LAION .pt file); "vggish" or "trill", alone for the paper's handles on
            TF-Hub, or with "=" and another handle or the folder of a SavedModel.
        device: "cpu", "cuda" or "auto", for scorers; the others run on the CPU.

    Returns:
        The network, loaded. Those of TF-Hub start their process when they are first needed.

    Raises:
        UserError: there is no such network, or it cannot be had; the message says what helps.
    """
    kind, _, place = name.partition("=")
    if kind == "starter" or (kind == "clap" and place):
        from noise2music.evaluation.embedders.scorer import load_scorer_embedder

        return load_scorer_embedder(place or kind, device)
    if kind in ("vggish", "trill"):
        from noise2music.evaluation.embedders.saved_model import load_saved_model

        return load_saved_model(kind, place)
    if name == "yamnet":
        from noise2music.evaluation.embedders.yamnet import load_yamnet

        return load_yamnet()
    if name == "musicnn":
        from noise2music.evaluation.embedders.musicnn_layer import load_musicnn_layer

        return load_musicnn_layer()
    if name == "resemblyzer":
        from noise2music.evaluation.embedders.resemblyzer import load_resemblyzer

        return load_resemblyzer()
    raise UserError(f'there is no network "{name}". Choose from: {", ".join(NAMES)}.')
