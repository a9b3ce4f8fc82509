"""CLAP (arXiv 2211.06687) as a scorer: a transformers ClapModel from a hub id or a folder.

Audio: windows of 10 s at 48 kHz (`clap_windows`), the HTSAT tower with its projection, L2; a clip is the mean of its windows, L2.
Text: RoBERTa with its projection over the first 77 tokens, L2. Both networks run in float32.

LAION's own code crops long audio at random and rounds it to 16 bits; this code does neither. For a fusion model (`enable_fusion`, for
example laion/clap-htsat-fused) each window is short audio, so only the first channel is used.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

from noise2music.core import hub
from noise2music.core.arrays import Float32s
from noise2music.core.audio.mel import LogMel
from noise2music.core.errors import RowError, UserError
from noise2music.core.tensors import Tensors, hash_files, read_pickled, read_safetensors
from noise2music.labeling.scorers.base import TextEmbeddings
from noise2music.labeling.scorers.clap_model import build_clap, read_tokenizer, tokenizer_files
from noise2music.labeling.scorers.htsat import AudioTower

# What CLAP's audio tower reads: windows of 10 s without overlap, as log-mel spectrograms.


MIN_REST_SECONDS = 1.0


@dataclass(frozen=True)
class ClapFrontEnd:
    """Mono audio at `log_mel.sample_rate` -> spectrograms of windows of `seconds`."""

    log_mel: LogMel = field(default_factory=LogMel)
    seconds: int = 10

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return self.seconds * self.log_mel.sample_rate

    def cut(self, audio: Float32s) -> Float32s:
        """(n,) -> (windows, samples), consecutive windows without overlap.

        A rest of at least 1 s after the last whole window becomes a window of its own, filled up by `repeat_pad`. A shorter rest is
        dropped, unless the audio is shorter than a window. Raises RowError without any samples.
        """
        if len(audio) == 0:
            raise RowError("too_short", "the clip has no samples")
        whole, rest = divmod(len(audio), self.samples)
        windows = audio[: whole * self.samples].reshape(whole, self.samples)
        if whole and rest < MIN_REST_SECONDS * self.log_mel.sample_rate:
            return windows
        return np.concatenate([windows, repeat_pad(audio[whole * self.samples :], self.samples)[None]])

    def __call__(self, audio: Float32s) -> torch.Tensor:
        """(n,) -> (windows, 1, frames, mels) float32 in dB. Raises RowError on no samples at all."""
        windows = np.ascontiguousarray(self.cut(audio), np.float32)
        return self.log_mel(torch.from_numpy(windows)).unsqueeze(1)


def repeat_pad(audio: Float32s, samples: int) -> Float32s:
    """(n,), 0 < n <= samples -> (samples,): as many whole repeats as fit, then zeros (CLAP's "repeatpad")."""
    repeated = np.tile(audio, samples // len(audio))
    return np.pad(repeated, (0, samples - len(repeated)))


VERSION = "clap-1"
MAX_TOKENS = 77
_GPU_CAPTIONS = 256
_SMALL_FILES = ["*.json", "*.txt"]
_PICKLED = "pytorch_model.bin"


@dataclass(eq=False)
class ClapScorer:
    """See labeling.scorers.base.Scorer. On a CPU rows run one by one, so a result does not depend on its batch."""

    name: str
    identity: str
    device: str
    front_end: ClapFrontEnd
    model: ClapModel
    tokenizer: RobertaTokenizer

    def __post_init__(self) -> None:
        self.sample_rate = self.front_end.log_mel.sample_rate
        self.dim = int(self.model.config.projection_dim)
        self.text_dim = self.dim
        self.model.to(self.device)
        self._audio = AudioTower(self.model)

    def preprocess(self, audio: Float32s) -> torch.Tensor:
        """(n,) at 48 kHz -> (windows, 1, 1001, 64) dB. Raises RowError on no samples at all."""
        return self.front_end(audio)

    def encode_audio(self, batch: torch.Tensor) -> torch.Tensor:
        """(batch, 1, 1001, 64) -> (batch, dim), unit rows."""
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            rows = [self._audio(part.to(self.device)) for part in torch.split(batch, 1 if self.device == "cpu" else len(batch))]
            return torch.cat(rows).cpu()

    def pool(self, outputs: Float32s) -> Float32s:
        """(windows, dim) -> (dim,): the mean, L2."""
        mean = outputs.astype(np.float64).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        """N captions -> unit rows; `meaning` is the same projection as `joint`."""
        step = 1 if self.device == "cpu" else _GPU_CAPTIONS
        rows = [self._text(captions[start : start + step]) for start in range(0, len(captions), step)]
        joint = np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)
        return TextEmbeddings(joint, joint)

    def _text(self, captions: Sequence[str]) -> Float32s:
        # CLAP pads to 77 tokens and masks the padding; padding to the longest caption gives the same numbers and costs less.
        tokens = self.tokenizer(list(captions), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            ids, mask = tokens["input_ids"].to(self.device), tokens["attention_mask"].to(self.device)
            embeddings = self.model.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
        return np.asarray(embeddings.cpu().numpy(), np.float32)


def load_clap(model: str, revision: str | None, device: str) -> ClapScorer:
    """`model`: a folder, or a hub id (`revision`: a branch, tag or commit of it). Weights are safetensors, else a .bin of plain tensors.

    No code from the folder or the hub is run. Raises UserError that says what is missing.
    """
    folder, name = Path(model), Path(model).resolve().name
    if not folder.is_dir():
        folder, name = download(model, revision, _SMALL_FILES, (*hub.SAFETENSORS, _PICKLED)), model
    weights = _weight_files(folder)
    lacking = [
        what
        for what, is_present in (
            ("config.json", (folder / "config.json").is_file()),
            ("weights (model.safetensors)", bool(weights)),
            ("a tokenizer (tokenizer.json, or vocab.json with merges.txt)", bool(tokenizer_files(folder))),
        )
        if not is_present
    ]
    if lacking:
        raise UserError(f"{model} is not a complete CLAP model: {', '.join(lacking)} is missing. Save one with ClapModel.save_pretrained.")
    config = _read_config(folder)
    tokenizer, tokens = read_tokenizer(folder, config.text_config.vocab_size)
    front_end = read_front_end(folder, config)
    tensors = read_safetensors(weights) if weights[0].suffix == ".safetensors" else _plain_tensors(weights[0])
    built = build_clap(config, tensors, model)
    identity = hash_files([*weights, folder / "config.json", *tokens], VERSION, repr(front_end), str(MAX_TOKENS))
    return ClapScorer(name, identity, device, front_end, built, tokenizer)


def download(model: str, revision: str | None, small: Sequence[str], weights: Sequence[str] = ()) -> Path:
    """The folder of a hub id in the hub's cache. Of `weights` the first that the hub has is fetched. Raises UserError."""
    return hub.download(model, revision, small, weights, "scorer.model", "starter")


def read_front_end(folder: Path, config: ClapConfig) -> ClapFrontEnd:
    """The constants of the model's feature extractor, or CLAP's usual ones where the folder has none. Raises UserError."""
    fusion = bool(config.audio_config.enable_fusion)
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        return clap_front_end(fusion)
    try:
        extractor = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise UserError(f"the feature extractor in {folder} cannot be read ({type(error).__name__}: {error})") from None
    if extractor.padding != "repeatpad":
        raise UserError(f'{folder} pads short audio by "{extractor.padding}"; only "repeatpad" is supported')
    if extractor.feature_size != config.audio_config.num_mel_bins:
        raise UserError(
            f"{folder}: the feature extractor has {extractor.feature_size} mel bands, the model {config.audio_config.num_mel_bins}"
        )
    usual = clap_front_end(extractor.truncation == "fusion").log_mel
    log_mel = LogMel(
        extractor.sampling_rate,
        extractor.fft_window_size,
        extractor.hop_length,
        extractor.feature_size,
        extractor.frequency_min,
        extractor.frequency_max,
        usual.scale,
        usual.norm,
    )
    return ClapFrontEnd(log_mel, extractor.max_length_s)


def clap_front_end(fusion: bool) -> ClapFrontEnd:
    """The constants of LAION's published models: Slaney's mel filters without fusion, HTK's of unit peak with it."""
    return ClapFrontEnd(LogMel(scale="htk", norm=None) if fusion else LogMel())


def _read_config(folder: Path) -> ClapConfig:
    file = folder / "config.json"
    try:
        kind = json.loads(file.read_text("utf-8")).get("model_type")
        config = ClapConfig.from_pretrained(folder, local_files_only=True) if kind == "clap" else None
    except Exception as error:
        raise UserError(f"{file} cannot be read as a CLAP configuration ({type(error).__name__}: {error})") from None
    if config is None:
        raise UserError(f'{file} describes a model of type "{kind}", not "clap"')
    if config.audio_config.enable_fusion and config.audio_config.fusion_type == "channel_map":
        raise UserError(f"{file}: fusion by channel_map is not supported")
    return config


def _weight_files(folder: Path) -> list[Path]:
    pickled = folder / _PICKLED
    return hub.safetensors_files(folder) or ([pickled] if pickled.is_file() else [])


def _plain_tensors(file: Path) -> Tensors:
    content = read_pickled(file)
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError(f"{file} does not hold a state dict of tensors")
    return content
