"""Reads revisions from Git's objects: nothing is checked out, and the work tree is never touched.

Replacement objects (`refs/replace/`) are left aside: a revision is what its id says.
"""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

REGULAR_FILES = ("100644", "100755")
_GIT = ("git", "--no-replace-objects")


class Repository(Struct, frozen=True):
    """A Git work tree: its top folder, and the path of the project's root in it, with `/` at the end unless empty."""

    top: Path
    prefix: str


class TreeEntry(Struct, frozen=True):
    """A file of a commit: its path relative to the repository's top, its mode and the id of its content."""

    path: str
    mode: str
    object_id: str


def find_repository(root: Path) -> Repository | None:
    """Returns the repository that a folder lies in; None outside Git, or where there is no `git`."""
    printed = run_git(root, "rev-parse", "--show-toplevel", "--show-prefix")
    if printed is None:
        return None
    top, _, prefix = printed.rstrip("\n").partition("\n")
    return Repository(Path(top), prefix)


def find_prefix(root: Path) -> str:
    """Returns the path of a folder in its repository, with `/` at the end unless empty; empty outside a repository.

    The repository is found by its `.git` and Git is not asked: CI systems show findings by this path, also where Git refuses
    to read the clone of another user.
    """
    folder = root.resolve()
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return "".join(f"{part}/" for part in folder.relative_to(top).parts)
    return ""


def open_repository(root: Path) -> tuple[Repository | None, str | None]:
    """Returns the repository that a folder lies in, or why Git does not read it; neither where there is none.

    A repository that is there and cannot be read must not pass for none.
    """
    folder = root.resolve()
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None, None
    try:
        done = _run(root, "rev-parse", "--show-toplevel", "--show-prefix")
    except OSError:
        return None, "`git` is not installed"
    if done.returncode == 0:
        top, _, prefix = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n").partition("\n")
        return Repository(Path(top), prefix), None
    said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
    return None, f"`git` does not read this repository: {said.removeprefix('fatal: ')}"


def find_git_fault(root: Path) -> str | None:
    """Returns why Git does not read the repository that a folder lies in; None where it does, or there is no repository."""
    return open_repository(root)[1]


def find_commits(root: Path, revisions: Iterable[str]) -> dict[str, str]:
    """Returns the commits that revisions name, of those that can be read, all asked of one process."""
    wanted = [one for one in dict.fromkeys(revisions) if one and "\n" not in one and not one.startswith("-")]
    if not wanted:
        return {}
    words = "".join(f"{one}^{{commit}}\n" for one in wanted).encode("utf-8", "surrogateescape")
    try:
        done = _run(root, "cat-file", "--batch-check", given=words)
    except OSError:
        return {}
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    told = [line.split(" ") for line in lines]
    return {one: words[0] for one, words in zip(wanted, told, strict=False) if len(words) == 3 and words[1] == "commit"}


def namesakes_of(name: str) -> list[str]:
    """Returns the refs (tags, branches, branches of remotes) that a short name could mean."""
    if not name or name.startswith("refs/") or name == "HEAD":
        return []
    return [f"refs/{kind}/{name}" for kind in ("tags", "heads", "remotes")]


def find_namesakes(root: Path, name: str) -> list[str]:
    """Returns the refs that a short name could mean, where they are different commits."""
    found = find_commits(root, namesakes_of(name))
    return list(found) if len(set(found.values())) > 1 else []


def find_commit(root: Path, revision: str) -> str | None:
    """Returns the commit that a revision names; None where there is none that can be read."""
    if revision.startswith("-"):
        return None
    printed = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return printed.strip() if printed else None


def is_shallow(root: Path) -> bool:
    """Whether the clone lacks history."""
    return (run_git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true"


def list_files(
    repository: Repository, commit: str, below: str = "", modes: tuple[str, ...] | None = REGULAR_FILES
) -> list[TreeEntry] | None:
    """Returns the files of a commit below a path, of some modes or of all; None where the commit cannot be read."""
    command = ["ls-tree", "-r", "-z", "--full-tree", commit]
    printed = run_git(repository.top, *command, *(["--", below.rstrip("/")] if below else []))
    if printed is None:
        return None
    entries = []
    for line in printed.split("\0"):
        meta, tab, path = line.partition("\t")
        mode = meta[:6]
        if tab and (modes is None or mode in modes):
            entries.append(TreeEntry(path, mode, meta[meta.rindex(" ") + 1 :]))
    return entries


def list_differences(repository: Repository, commit: str, other: str) -> list[TreeEntry] | None:
    """Returns the files of `other` that `commit` has not so, and with an empty mode those that only `commit` has."""
    printed = run_git(repository.top, "diff-tree", "-r", "-z", "--no-renames", "--raw", "--full-index", commit, other)
    if printed is None:
        return None
    parts = printed.split("\0")
    entries = []
    for meta, path in zip(parts[::2], parts[1::2], strict=False):
        _, mode, _, object_id, status = meta.split(" ")
        entries.append(TreeEntry(path, "" if status == "D" else mode, object_id))
    return entries


def find_unchanged(repository: Repository, objects: Mapping[str, str]) -> set[str]:
    """Returns those files of a work tree, by paths below the project, that Git would store as the objects given with them.

    Git's own conversions (of line ends, say) are applied, as `git diff` does; its index is not asked, because what it says may
    have been put there by hand. What can't be told is left out.
    """
    named = {path: repository.prefix + path for path in objects if "\n" not in path}
    paths = [path for path, name in named.items() if not name.startswith('"')]
    if not paths:
        return set()
    words = "".join(f"{named[path]}\n" for path in paths).encode("utf-8", "surrogateescape")
    try:
        done = _run(repository.top, "hash-object", "--stdin-paths", given=words)
    except OSError:
        return set()
    found = done.stdout.decode("ascii", "replace").split()
    return {path for path, one in zip(paths, found, strict=False) if objects[path] == one}


def list_changes(root: Path, commit: str) -> set[str] | None:
    """Returns the tracked files, relative to the repository's top, that differ between a commit and the work tree."""
    printed = run_git(root, "diff", "--name-only", "--no-renames", "-z", commit, "--", ".")
    return None if printed is None else {path for path in printed.split("\0") if path}


def read_objects(repository: Repository, object_ids: Iterable[str]) -> dict[str, bytes]:
    """Returns the contents of objects by their ids, all read by one process; those that cannot be read are left out.

    An object may also be named as `COMMIT:PATH`; it is returned by its id all the same.
    """
    wanted = [name for name in dict.fromkeys(object_ids) if "\n" not in name]
    if not wanted:
        return {}
    command = [*_GIT, "-C", str(repository.top), "cat-file", "--batch"]
    done = subprocess.run(
        command, input="\n".join([*wanted, ""]).encode("utf-8", "surrogateescape"), capture_output=True, check=False
    )
    found: dict[str, bytes] = {}
    position, printed = 0, done.stdout
    while position < len(printed):
        end = printed.index(b"\n", position)
        words = printed[position:end].split(b" ")
        position = end + 1
        if len(words) == 3 and words[1] == b"blob":
            size = int(words[2])
            found[words[0].decode()] = printed[position : position + size]
            position += size + 1
    return found


def find_past_contents(repository: Repository, commit: str, words: str) -> list[bytes]:
    """Returns the YAML files of the project that ever held `words`, as they landed and before they went.

    Looks along the first parents of a commit: what was on that branch, however it came there. In a shallow clone, as far back
    as there is history.
    """
    below = [f":(glob){repository.prefix}**/*{ending}" for ending in (".yaml", ".yml")]
    command = [
        "log",
        "--first-parent",
        "-m",
        "--no-renames",
        "--format=%x01%H",
        "--name-only",
        "-z",
        f"-S{words}",
        commit,
    ]
    printed = run_git(repository.top, *command, "--", *below)
    names: list[str] = []
    for entry in (printed or "").split("\x01")[1:]:
        # The commit, a line break, and the paths, each ended by a NUL.
        commit_id, *paths = [part.strip("\n") for part in entry.split("\0")]
        names += [f"{one}:{path}" for path in paths if path for one in (commit_id, f"{commit_id}^")]
    return list(read_objects(repository, names).values())


def read_revision(root: Path) -> str | None:
    """Returns the commit that the project's files are exactly at, or None: outside Git, or with uncommitted changes."""
    head = find_commit(root, "HEAD")
    if head is None:
        return None
    changes = run_git(root, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return head if changes == "" else None


def find_revision_of(root: Path, files: Iterable[str]) -> str | None:
    """Returns the commit that these files of a project are exactly at, or None where they are at none.

    What else lies there does not matter: a saved plan, or what was compiled. A file that Git is told to ignore is at no commit.
    """
    head = find_commit(root, "HEAD")
    repository = find_repository(root) if head is not None else None
    if head is None or repository is None or list_changes(root, head) != set():
        return None
    tracked = {entry.path for entry in list_files(repository, head, repository.prefix) or ()}
    return head if all(repository.prefix + file in tracked for file in files) else None


def run_git(root: Path, *arguments: str) -> str | None:
    """Returns what a Git command prints, or None where it fails or there is no Git."""
    try:
        done = _run(root, *arguments)
    except OSError:
        return None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def _run(root: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*_GIT, "-C", str(root), *arguments], input=given, capture_output=True, check=False)
