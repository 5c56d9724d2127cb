"""The archive of the sources that a deployment was made from: so that it can be made again, also where Git has lost them."""

import hashlib
import io
import posixpath
from collections.abc import Mapping
from pathlib import Path

from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import digest

# The first instant that the format knows: when a file was written is nothing that a deployment depends on.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
MAX_SIZE = 4 * 1024**3


def digest_sources(files: Mapping[str, bytes]) -> str:
    """Returns the digest of a project's files: of the map from paths to the SHA-256 of each."""
    return digest_hashes({path: hashlib.sha256(content).hexdigest() for path, content in files.items()})


def digest_hashes(hashes: Mapping[str, str]) -> str:
    """Returns the digest of a project's files, of which the hex SHA-256 of each is known."""
    return digest(dict(hashes))


def pack_sources(files: Mapping[str, bytes]) -> bytes:
    """Returns a ZIP archive of files, the same bytes for the same files."""
    import zipfile  # slow to import, and a plan needs none

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path, _NO_TIME), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack_sources(packed: bytes) -> dict[str, bytes]:
    """Returns the files of an archive, by path.

    Raises ForeignStateError where it is no archive of ours: what lies in a target is not to be trusted with paths.
    """
    import lzma
    import struct
    import zipfile
    import zlib

    files: dict[str, bytes] = {}
    # All that reading an archive raises which somebody has changed.
    broken = (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
        OSError, RuntimeError, NotImplementedError, EOFError, ValueError,
    )  # fmt: skip
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_SIZE:
                raise ForeignStateError("the archive of sources in the target is larger than any project")
            for info in archive.infolist():
                path = info.filename
                if path != posixpath.normpath(path) or path.startswith(("/", "..")) or "\\" in path or "\0" in path:
                    raise ForeignStateError(
                        f"the archive of sources in the target has a path that leads out of it: {path!r}"
                    )
                files[path] = archive.read(info)
    except broken as error:
        raise ForeignStateError(f"the archive of sources in the target can't be read: {error}") from error
    return files


def write_sources(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the files of an archive below a folder, once it is known that they are those that were packed."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
