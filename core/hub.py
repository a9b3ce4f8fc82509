"""Downloads a model's files from the hub into the hub's cache, and finds the safetensors among them."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from noise2music.core.errors import UserError, first_line
from noise2music.core.tensors import sharded_files

# Installed packages that are read as folders of files and never imported.


def package_folder(module: str, install: str) -> Path:
    """Where the files of a package lie. Raises UserError, which says how to `install` it, where it is missing."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"The built-in scorer `starter` needs the package {module}, which is not installed. Install it with: {install}")
    return Path(next(iter(spec.submodule_search_locations)))


SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")


def download(model: str, revision: str | None, small: Sequence[str], weights: Sequence[str], setting: str, builtin: str) -> Path:
    """Download a model of the hub and return its folder in the hub's cache. Raises UserError.

    small: patterns of the files that are always fetched. weights: names of weight files; the first that the hub has is fetched.
    setting: the key that names the model in the configuration ("scorer.model"). builtin: a value for it that needs no hub.
    """
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=list(small)))
        for name in weights:
            pattern = [name, "model-*.safetensors"] if name.endswith("index.json") else [name]
            folder = Path(snapshot_download(model, revision=revision, allow_patterns=pattern))
            if (folder / name).is_file():
                break
    except HFValidationError:
        raise UserError(f'there is no folder "{model}", and it cannot be the id of a model on the hub either') from None
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f'"{model}" is neither a folder nor to be had from the model hub ({first_line(error)}). On a machine that reaches the hub, '
            f"`hf download {model} --local-dir model` fetches it: copy that folder here and give its path as {setting}, "
            f'or set {setting} = "{builtin}", which needs no hub.'
        ) from None
    return folder


def safetensors_files(folder: Path) -> list[Path]:
    """The weight files as transformers names them: one file, the parts that an index lists, or none. Raises UserError."""
    single, index = (folder / name for name in SAFETENSORS)
    if single.is_file():
        return [single]
    return sharded_files(index) if index.is_file() else []
