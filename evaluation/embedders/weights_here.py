"""Whether a network's weights are on this machine, so that nothing has to be fetched before it hears."""

from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from noise2music.evaluation.embedders.base import check_network


def weights_are_here(name: str) -> bool:
    """In the cache, in an installed package, or in the folder that the name says; nothing is loaded. Raises UserError: no such network."""
    check_network(name)
    kind, _, place = name.partition("=")
    if kind in ("vggish", "trill"):
        from noise2music.evaluation.embedders.saved_model import KNOWN, local_folder

        return local_folder(place or KNOWN[kind].handle) is not None
    if kind == "clap":
        return Path(place).exists() or isinstance(try_to_load_from_cache(place, "config.json"), str)
    if kind in ("musicnn", "starter"):
        from noise2music.labeling.scorers.musicnn_weights import cached_weights, installed_checkpoints

        return cached_weights().is_file() or installed_checkpoints() is not None
    from noise2music.evaluation.embedders import resemblyzer, yamnet

    return (yamnet.WEIGHTS if kind == "yamnet" else resemblyzer.WEIGHTS).is_here
