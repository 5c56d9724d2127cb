"""Begins a project: templates for each platform, and the writing of what they give."""

import json
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hubcfg import __version__
from hubcfg.core.errors import HubcfgError, OutsideError
from hubcfg.core.ids import fold_id
from hubcfg.parser.formatting.scalars import write_text
from hubcfg.parser.sources import PROJECT_FILE
from hubcfg.platforms.builtin import builtin_names, read_builtin
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.platform import Platform
from hubcfg.views.json_schema import combined_schema, render_schema

_TEMPLATES = Path(__file__).parent
_COMMON, _ANY = "common", "any"
_EDITOR_SCHEMA = ".vscode/hubcfg.schema.json"
# What hubcfg reads: every YAML file but those whose name, or whose folder's, begins with a dot. Of such folders those are
# named that hold YAML: `!.*/**` would also leave out a project below `~/.local`.
_EDITOR_GLOBS = ("*.yaml", "*.yml", "!.*.yaml", "!.*.yml", "!.github/**", "!.gitlab/**", "!.circleci/**")


class Beginning(Struct, frozen=True):
    """What a new project is about. `key` is the owner's public key, as its type and its base64."""

    platform: Platform
    catalog: Catalog
    org: str
    name: str
    owner: str
    branch: str = "main"
    key: str | None = None

    @property
    def project(self) -> str:
        """The project's name: `acme-access` for the org `acme`."""
        return f"{self.org[:56].rstrip('-')}-access"

    @property
    def person(self) -> str:
        """The user who serves as an example, never the owner."""
        candidates = (f"{word}@{self.org[:60]}.example" for word in ("technician", "first-technician"))
        return next(person for person in candidates if fold_id(person) != fold_id(self.owner))


def make_id(text: str) -> str:
    """Returns an id made of a name: `Acme IT` gives `acme-it`; empty where nothing of it can stand in an id."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.casefold()).strip("-")[:63].rstrip("-")


def render_project(beginning: Beginning, templates: str | None = None) -> dict[str, str]:
    """Returns the files of a new project by path; `templates` is the folder of templates, by default the platform's."""
    from jinja2 import Environment, StrictUndefined

    folder = templates or _choose_templates(beginning.platform.id)
    names = {
        path.relative_to(_TEMPLATES / source).as_posix(): path
        for source in (_COMMON, folder)
        for path in sorted((_TEMPLATES / source).rglob("*.j2"))
    }
    environment = Environment(
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    environment.filters |= {
        "yaml": lambda text: write_text(text, in_flow=False),
        "yaml_flow": lambda text: write_text(text, in_flow=True),
        "json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    folders = sorted({name.split("/")[0] for name in names if "/" in name and not name.startswith("dot-")})
    values = _values(beginning, folders)
    files = {
        _output_name(name, beginning): environment.from_string(path.read_text("utf-8")).render(values)
        for name, path in names.items()
    }
    files[_EDITOR_SCHEMA] = render_schema(combined_schema(beginning.catalog)) + "\n"
    return dict(sorted(files.items()))


def write_project(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files of a new project below `folder`, which may exist.

    Raises HubcfgError, and writes nothing, where one of them is there already or the folder lies inside another project;
    OutsideError where the disk refuses, and then what was written is gone again.
    """
    root = Path(os.path.realpath(folder))
    for parent in root.parents:
        if (parent / PROJECT_FILE).is_file():
            raise HubcfgError(
                f"`{folder}` lies inside the project at `{parent}`",
                help="a project can't hold another; choose a folder outside it",
            )
    there = [path for path in files if os.path.lexists(root / path)]
    if PROJECT_FILE in there:
        raise HubcfgError(f"`{folder}` is a project already", help="`hubcfg init DIR` begins another one elsewhere")
    if there:
        listed = ", ".join(f"`{path}`" for path in there)
        raise HubcfgError(
            f"`{folder}` has {listed} already, and nothing is overwritten",
            help="move what is there out of the way, or choose another folder: `hubcfg init DIR`",
        )
    written: list[Path] = []
    try:
        for path, text in files.items():
            _make_folders((root / path).parent, written)
            written.append(root / path)
            (root / path).write_text(text, "utf-8", newline="\n")
    except BaseException as error:
        _remove(written)
        if isinstance(error, OSError):
            raise OutsideError(f"`{folder}` cannot be written: {error.strerror}", help="nothing was changed") from error
        raise


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir()
        made.append(parent)


def _remove(made: list[Path]) -> None:
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _choose_templates(platform: str) -> str:
    """Returns the folder of templates for a platform: its own, that of the one it extends, or the one for any."""
    if (_TEMPLATES / platform).is_dir():
        return platform
    value = read_builtin(platform, "platform").value if platform in builtin_names() else None
    base = value.get("extends") if isinstance(value, dict) else None
    return _choose_templates(base) if isinstance(base, str) else _ANY


def _output_name(template: str, beginning: Beginning) -> str:
    name = re.sub(r"(^|/)dot-", r"\1.", template.removesuffix(".j2"))
    return name.replace("orgs/org.yaml", f"orgs/{beginning.org}.yaml")


def _values(beginning: Beginning, folders: list[str]) -> dict[str, Any]:
    platform, catalog = beginning.platform, beginning.catalog
    root_role = next((role for role in platform.roles.values() if role.root), next(iter(platform.roles.values())))
    held = {name for pattern in root_role.baseline.allow for name in catalog.to_names(catalog.match(pattern))}
    person = beginning.person if "groups" in folders or "clients" in folders else beginning.owner
    return {
        "version": __version__,
        "platform": platform.id,
        "platform_name": platform.name,
        "org": beginning.org,
        "name": beginning.name,
        "owner": beginning.owner,
        "person": person,
        "project": beginning.project,
        "branch": beginning.branch,
        "key": beginning.key,
        "root_role": root_role.id,
        "products": [product for product in catalog.products if product not in platform.always_active],
        "owned": min(held, default="*"),
        "permission": _everyday_permission(platform, catalog) or min(held, default="*"),
        "has_subscriptions": platform.subscriptions,
        "has_clients": "clients" in folders,
        "has_groups": "groups" in folders,
        "has_roles": "roles" in folders,
        "has_teams": "teams" in folders,
        "schema_globs": list(_EDITOR_GLOBS),
    }


def _everyday_permission(platform: Platform, catalog: Catalog) -> str | None:
    """Returns a permission that ordinary people of the platform have, for examples."""
    patterns = [grant.target for group in platform.groups.values() for grant in group.permissions]
    patterns += [pattern for role in platform.roles.values() if not role.root for pattern in role.baseline.allow]
    return next((pattern for pattern in patterns if pattern in catalog.permissions), None)
