"""Tags inside the file of a clip, by which a file without its record can be traced. Written with mutagen, on bytes."""

import io
import json
from collections.abc import Mapping, Sequence

from mutagen.flac import FLAC
from mutagen.id3 import COMM, TIT2, TSSE, TXXX
from mutagen.wave import WAVE

from noise2music.core.audio.encode import AudioFormat
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.record import StageInfo

LONGEST_TITLE = 200
COMMENT = "Made by a machine from the text in N2M_PROMPT."


def clip_tags(prompt: Prompt, sample: int, stages: Sequence[StageInfo], init_sha256: str | None, software: str) -> dict[str, str]:
    """Names and values. Of init audio its content is named, not the path by which a user reached it."""
    sampling = {facts.stage: {"sampler": facts.sampler, "steps": facts.steps, "guidance": facts.guidance} for facts in stages}
    tags = {
        "N2M_KEY": prompt.key,
        "N2M_REQUEST": prompt.request,
        "N2M_PROMPT": prompt.prompt,
        "N2M_NEGATIVE_PROMPT": prompt.negative,
        "N2M_SEED": str(prompt.seed),
        "N2M_SAMPLE": str(sample),
        "N2M_SECONDS": f"{prompt.seconds:g}",
        "N2M_INIT_SHA256": init_sha256,
        "N2M_KEEP": json.dumps(prompt.keep) if prompt.keep else None,
        "N2M_WEIGHTS": json.dumps({facts.stage: facts.weights for facts in stages}, sort_keys=True),
        "N2M_SAMPLING": json.dumps(sampling, sort_keys=True),
        "N2M_SOFTWARE": software,
    }
    return {name: value for name, value in tags.items() if value is not None}


def with_tags(data: bytes, kind: AudioFormat, tags: Mapping[str, str]) -> bytes:
    """The file with its tags: Vorbis comments in FLAC, ID3 in WAV. A pure function of the arguments."""
    file = io.BytesIO(data)
    title = " ".join(tags["N2M_PROMPT"].split())
    title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
    if kind == "flac":
        flac = FLAC(file)
        if flac.tags is None:
            flac.add_tags()
        flac.tags.clear()
        flac.tags["TITLE"], flac.tags["COMMENT"], flac.tags["ENCODED-BY"] = title, COMMENT, tags["N2M_SOFTWARE"]
        for name, value in tags.items():
            flac.tags[name] = value
        file.seek(0)
        flac.save(file, padding=lambda _info: 0)
        return file.getvalue()
    wave = WAVE(file)
    wave.add_tags()
    frames = [TIT2(3, title), COMM(3, "eng", "", COMMENT), TSSE(3, tags["N2M_SOFTWARE"])]
    for frame in [*frames, *(TXXX(3, name, value) for name, value in tags.items())]:
        wave.tags.add(frame)
    file.seek(0)
    wave.save(file, padding=lambda _info: 0)
    return file.getvalue()


def read_tags(data: bytes, kind: AudioFormat) -> dict[str, str]:
    """The tags of `clip_tags` in a file's bytes. Raises mutagen.MutagenError where they are no such file."""
    if kind == "flac":
        comments = FLAC(io.BytesIO(data)).tags or {}
        return {name.upper(): value for name, value in comments if name.upper().startswith("N2M_")}
    frames = WAVE(io.BytesIO(data)).tags
    return {frame.desc: str(frame.text[0]) for frame in (frames.getall("TXXX") if frames else []) if frame.desc.startswith("N2M_")}
