"""The wheel in an environment of its own, run from a folder that has a `models` and a `labeling` of somebody else's.

What takes a minute or more, as a user would run it, is slow: `pytest -m slow tests/test_wheel.py`.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
import soundfile

from noise2music.flows.stage_order import Order
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training.settings import Data, TrainSettings
from tests.test_face import FEWER, docs_example, face_example, with_fewer, write_notes

PROJECT = Path(__file__).resolve().parents[1]
N2M = ("-m", "noise2music.flows.cli")
TRAIN = """
out = "cascade"
[data]
shards = "runs/music"
[recipe]
clips = 8
clips_a_step = 4
[stages]
waveform-generator = { seconds = 0.64 }
spectrogram-generator = { seconds = 0.64 }
[run]
threads = 1
[validation]
clips = 2
levels = 2
[samples]
clips = 0
"""
"""Two steps of every stage."""
IMPORT_ALL = """
import importlib, pkgutil, noise2music
for module in pkgutil.walk_packages(noise2music.__path__, "noise2music."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(noise2music.__file__)
"""
DEMO = """
from pathlib import Path
from noise2music.flows.demo import demo_settings
settings = demo_settings(Path("demo"), 1, 0, ())
print(Path(settings.generate.prompts).read_text(encoding="utf-8"))
"""


class Installed:
    """An environment with the wheel, which sees the packages that the tests run with but not the checkout."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder / "env", with_pip=False)
        (self.site,) = (folder / "env" / "lib").glob("python*/site-packages")
        install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(self.site), str(wheel)]
        subprocess.run([sys.executable, "-m", "pip", *install], check=True)
        # Lines of .pth files that lie there, as that of the checkout's own installation, are not read.
        (self.site / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        self.folder = folder / "work"
        for name in ("models", "labeling"):
            (self.folder / name).mkdir(parents=True)
            (self.folder / name / "__init__.py").write_text(f"raise SystemExit('{name} is not ours')\n", encoding="utf-8")

    def python(self, *arguments: str, told: str = "", code: int = 0) -> str:
        """What it prints, errors too, when it leaves with `code`. Its input stays open until then, as that of who starts it does."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        with subprocess.Popen(
            [str(self.site.parents[2] / "bin" / "python"), *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(told)
            process.stdin.flush()
            try:
                printed = process.stdout.read()
            except BaseException:  # A test that takes too long ends here; leaving the block would wait for the process.
                process.kill()
                raise
            assert process.wait() == code, printed
        return printed


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    checkout = folder / "checkout"
    for name in table["tool"]["setuptools"]["package-dir"].values():
        shutil.copytree(PROJECT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, checkout / name)
    build = ["wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(checkout)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    (wheel,) = folder.glob("*.whl")
    return Installed(folder, wheel)


def test_one_name_is_installed(installed: Installed) -> None:
    assert {path.name for path in installed.site.iterdir() if path.suffix not in (".dist-info", ".pth")} <= {"noise2music", "bin"}
    (info,) = installed.site.glob("*.dist-info")
    assert "n2m = noise2music.flows.cli:main" in (info / "entry_points.txt").read_text(encoding="utf-8")
    assert installed.python("-c", IMPORT_ALL).splitlines()[-1] == str(installed.site / "noise2music" / "__init__.py")


def test_the_command_line_answers(installed: Installed) -> None:
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"version {table['project']['version']}" in installed.python(*N2M, "--version")
    assert "render music" in installed.python(*N2M, "demo", "--help")


def test_what_the_demo_reads_is_there(installed: Installed) -> None:
    assert "piano" in installed.python("-c", DEMO)


def test_a_process_that_trains_a_stage_starts(installed: Installed) -> None:
    """As `n2m train all --set run.at_once=2` starts it; there is nothing to train on here, which it says."""
    order = Order(settings=TrainSettings(data=Data(shards="none"), out="cascade"), stage="vocoder").model_dump_json() + "\n"
    assert "n2m: " in installed.python("-m", "noise2music.flows.stage_process", told=order, code=1)


@pytest.fixture(scope="module")
def labelled(installed: Installed) -> Installed:
    """With music/ beside the foreign folders, labelled into runs/music with few words."""
    write_notes(installed.folder / "music")
    words = ["--set", 'vocabulary={tags={kind="builtin-tags"}}', "--set", "sampling.draw={tags=6}"]
    printed = installed.python(*N2M, "label", "--audio", "music", *words)
    assert "runs/music/report/" in printed
    return installed


def test_a_folder_is_labelled_and_the_ten_lines_run(labelled: Installed) -> None:
    printed = labelled.python("-c", f"FEWER = {FEWER!r}\n{with_fewer(face_example())}")
    assert "note-0.wav [" in printed
    assert "3 (144000,) 24000" in printed
    assert soundfile.info(labelled.folder / "calm.wav").duration == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_stages_train_side_by_side(labelled: Installed) -> None:
    """`n2m train all --set run.at_once=2`, each stage a process of its own, and the weights are loaded and exported."""
    (labelled.folder / "train.toml").write_text(TRAIN, encoding="utf-8")
    labelled.python(*N2M, "train", "all", "-c", "train.toml", "--set", "run.at_once=2")
    for stage in STAGES:
        assert (labelled.folder / "cascade" / stage / "weights.safetensors").is_file()
    assert "5 stages" in labelled.python(*N2M, "export-cascade", "cascade", "exported")
    script = "import noise2music as n2m; print(n2m.load_cascade('exported', 'spectrogram'))"
    assert "LoadedCascade(spectrogram-generator -> vocoder -> super-resolution" in labelled.python("-c", script)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_demo_runs_whole(installed: Installed) -> None:
    printed = installed.python(*N2M, "demo", "--root", "demo", "--pieces", "2")
    assert "Page: " in printed
    (clips,) = (installed.folder / "demo").glob("clips-*")
    assert len(list((clips / "audio").glob("*.flac"))) == 12
    assert len(list((installed.folder / "demo").glob("cascade-0-2/*/weights.safetensors"))) == len(STAGES)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_pages_of_examples_run_as_they_stand(installed: Installed) -> None:
    """The ten lines of `help(noise2music)`, then docs/python.md, with all the words that are built in."""
    write_notes(installed.folder / "plain" / "music")
    script = f"import os; os.chdir('plain')\n{face_example()}\n{docs_example()}"
    assert "3 clips, report:" in installed.python("-c", script)
