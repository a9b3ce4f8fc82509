"""What can be held of images and compose file without an engine: files that are named exist, n2m's commands parse, versions agree."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from noise2music.flows.cli import n2m
from noise2music.flows.config import read_settings
from noise2music.pipelines.settings import LabelSettings

PROJECT = Path(__file__).resolve().parents[1]
DOCKER = PROJECT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*Dockerfile"))
PINNED = re.compile(r"[\w./-]+:[\w.-]*\d[\w.-]*")


def interpolated(value: Any) -> Any:
    """Variables replaced by their defaults, as compose does in an empty environment."""
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value


COMPOSE = interpolated(yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8")))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
CONSTRAINTS = dict(line.split("==") for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line and line[0] != "#")


def entrypoint(service: dict[str, Any]) -> list[str]:
    """What starts the container: the service's own, or that of the Dockerfile's target."""
    if "entrypoint" in service:
        return service["entrypoint"]
    text = (PROJECT / service["build"]["dockerfile"]).read_text()
    if target := service["build"].get("target"):
        text = text.split(f" AS {target}\n")[1].split("\nFROM ")[0]
    found = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)
    return json.loads(found[-1]) if found else ["/opt/apache/beam/boot"]


COMMANDS = {name: [*entrypoint(service), *service["command"]] for name, service in OURS.items()}
N2M = {name: command[1:] for name, command in COMMANDS.items() if command[0] == "n2m"}


def test_each_service_is_behind_a_profile_and_leans_on_services_of_its_profile() -> None:
    for name, service in SERVICES.items():
        (profile,) = service["profiles"]
        others = [*service.get("depends_on", []), *re.findall(r"^service:(.+)", service.get("network_mode", ""))]
        assert all(profile in SERVICES[other]["profiles"] for other in others), name


def test_images_are_pinned() -> None:
    bases = [base for path in DOCKERFILES for base in re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)]
    images = [service["image"] for service in SERVICES.values()]
    for image in [*images, *(base for base in bases if base != "n2m")]:
        assert PINNED.fullmatch(image), image
        assert "latest" not in image


def test_every_file_that_is_named_exists() -> None:
    for name, service in OURS.items():
        build = service["build"]
        assert (DOCKER / build["context"]).resolve() == PROJECT
        assert (PROJECT / build["dockerfile"]).is_file(), name
    for path in DOCKERFILES:
        for sources in re.findall(r"^COPY (.+) \S+$", path.read_text(), re.MULTILINE):
            assert all((PROJECT / source).exists() for source in sources.split()), path
    assert (PROJECT / "docs/deployment.md").is_file()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DOCKER / source).exists(), volume


@pytest.mark.parametrize("name", N2M)
def test_every_command_of_n2m_parses_and_its_configuration_is_there(name: str) -> None:
    command, *arguments = N2M[name]
    context = n2m.commands[command].make_context(command, arguments)
    config = context.params.get("config")
    assert config is None or (PROJECT / config).is_file()
    if command == "label":
        assert read_settings(LabelSettings, PROJECT / config, context.params["overrides"])


def test_the_commands_are_those_that_a_user_knows() -> None:
    assert {command[0] for command in N2M.values()} == {"label", "train", "generate", "deploy"}
    assert sorted(" ".join(command[:3]) for command in COMMANDS.values() if command[0] == "prefect") == [
        "prefect server start",
        "prefect worker start",
    ]
    assert COMMANDS["beam-workers"] == ["/opt/apache/beam/boot", "--worker_pool"]


def test_versions_of_images_are_those_that_are_installed() -> None:
    beam = CONSTRAINTS["apache-beam"]
    assert f"FROM apache/beam_python3.11_sdk:{beam}\n" in (DOCKER / "beam.Dockerfile").read_text()
    assert SERVICES["beam-jobserver"]["image"].endswith(f"_job_server:{beam}")
    flink = re.search(r"flink([\d.]+)_job", SERVICES["beam-jobserver"]["image"])
    assert flink
    for name in ("flink-jobmanager", "flink-taskmanager"):
        assert SERVICES[name]["image"].startswith(f"flink:{flink[1]}.")
    cuda = re.search(r"FROM nvidia/cuda:(\d+\.\d+)\.", (DOCKER / "cuda.Dockerfile").read_text())
    assert cuda
    assert CONSTRAINTS["nvidia-cuda-runtime"].startswith(f"{cuda[1]}.")
    version = re.search(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert {service["image"].split(":")[1] for service in OURS.values()} == {version[1]}
