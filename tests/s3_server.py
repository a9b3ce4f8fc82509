"""A real S3 server for tests: versitygw, which Go builds into `.tools` once, or a versitygw or minio that is there already.

    python -m tests.s3_server [--required]     # build it, unless one is there; without it the S3 tests are skipped and say why

Which one: N2M_TEST_S3_SERVER, versitygw or minio on PATH, or the one that was built.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.fs

GATEWAY = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
BUILT = Path(__file__).resolve().parents[1] / ".tools" / f"versitygw-{VERSION}" / "versitygw"
WHY_NOT = BUILT.with_name("why-not.txt")
BUILD_SECONDS = 900

USER, PASSWORD = "testtest", "testtest"
BUCKET = "bucket"
STARTS_WITHIN = 60


def find_server() -> str | None:
    """The server's binary, None where there is none."""
    return (
        os.environ.get("N2M_TEST_S3_SERVER")
        or shutil.which("versitygw")
        or shutil.which("minio")
        or (str(BUILT) if BUILT.is_file() else None)
    )


def why_there_is_none() -> str:
    """Why `find_server` found nothing, and what to do."""
    seen = WHY_NOT.read_text().strip() if WHY_NOT.is_file() else "`make test` builds it where go is on PATH"
    return f"no S3 server: {seen}. Or put versitygw or minio on PATH, or name the binary in N2M_TEST_S3_SERVER"


def build() -> None:
    """Build versitygw with Go, unless a server is there. Where it cannot be built, the reason is kept in WHY_NOT."""
    if find_server() is not None:
        return
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    WHY_NOT.unlink(missing_ok=True)
    go = shutil.which("go")
    if go is None:
        WHY_NOT.write_text("go is not on PATH")
        return
    print(f"building {GATEWAY}@{VERSION} for the S3 tests (a minute or two, once)", flush=True)
    command = [go, "install", f"{GATEWAY}@{VERSION}"]
    try:
        subprocess.run(
            command, env=os.environ | {"GOBIN": str(BUILT.parent)}, check=True, timeout=BUILD_SECONDS, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.strip().splitlines() if not line.startswith("go: downloading")]
        WHY_NOT.write_text(f"go install {GATEWAY}@{VERSION} failed ({said[-1].strip() if said else error.returncode})")
    except subprocess.TimeoutExpired:
        WHY_NOT.write_text(f"go install {GATEWAY}@{VERSION} took longer than {BUILD_SECONDS} s")


class S3Server:
    """One server with one bucket, on a port of 127.0.0.1 that it keeps; it can be killed and started again over the same data."""

    def __init__(self, binary: str, home: Path) -> None:
        self.binary, self.home = binary, home
        self.data, self._log, self._accesses = home / "data", home / "server.log", home / "access.log"
        self.data.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What clients need."""
        return {
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_ENDPOINT_URL": f"http://{self.address}",
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start it, and make the bucket where there is none. Raises RuntimeError, with the server's log, when it does not start."""
        if "minio" in Path(self.binary).name:
            command = [self.binary, "server", "--address", self.address, str(self.data)]
            secrets = {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD}
        else:
            command = [self.binary, "--port", self.address, "--access-log", str(self._accesses), "posix", str(self.data)]
            secrets = {"ROOT_ACCESS_KEY": USER, "ROOT_SECRET_KEY": PASSWORD}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=os.environ | secrets, stdout=log, stderr=subprocess.STDOUT, cwd=self.home)
        self._wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def puts(self, below: str) -> int | None:
        """How many puts the server was asked for below BUCKET/..., refused ones too; None for a server that keeps no log of them."""
        if not self._accesses.is_file():
            return None
        asked = re.compile(rf"s3_PutObject \S+ /{re.escape(below)}")
        return sum(bool(asked.search(line)) for line in self._accesses.read_text(errors="replace").splitlines())

    def _wait(self) -> None:
        system = pyarrow.fs.S3FileSystem(
            access_key=USER,
            secret_key=PASSWORD,
            endpoint_override=self.address,
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
            connect_timeout=2,
            request_timeout=10,
        )
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                system.create_dir(BUCKET)
                return
            except OSError as error:
                if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the S3 server did not start:\n" + self._log.read_text(errors="replace")[-3000:]) from error
                time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--required", action="store_true", help="end with 1 where there is no server")
    required = parser.parse_args().required
    build()
    if find_server() is None:
        print(f"THE S3 TESTS ARE LEFT OUT: {why_there_is_none()}", file=sys.stderr, flush=True)
        sys.exit(1 if required else 0)


if __name__ == "__main__":
    main()
