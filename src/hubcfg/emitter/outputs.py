"""The extra files of `outputs:` in hubcfg.yaml (docs/bundles.md, "Outputs")."""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hubcfg.checker.check import Verified
from hubcfg.core.finding import Finding, find
from hubcfg.emitter.bundle import bundle_values
from hubcfg.emitter.templates import RenderError, Template
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import OrgAccess
from hubcfg.validator.config import Output, OutputScope

RESERVED = "orgs"
MANIFEST = "manifest.json"


def render_outputs(
    verified: Verified, read: Callable[[str], bytes], kept: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[dict[str, bytes], list[Finding]]:
    """Returns the files that the project's outputs come to, by path, and what is wrong with them.

    `read` gives the bytes of a file of the project by its path, and raises OSError. `kept` are the orgs that are left out and
    stay as they were deployed, as templates see them.
    """
    renderer = _Renderer(verified, read, kept or {})
    for output in verified.config.project.outputs:
        renderer.render(output)
    return renderer.files, renderer.findings


class _Renderer:
    def __init__(self, verified: Verified, read: Callable[[str], bytes], kept: Mapping[str, Mapping[str, Any]]) -> None:
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []
        self._verified = verified
        self._read = read
        self._kept = kept
        self._values: dict[str, dict[str, Any]] = {}

    def render(self, output: Output) -> None:
        """Renders one output for each org, or once for the project."""
        template = self._parse(output)
        path = self._parse_path(output)
        if template is None or path is None:
            return
        for values in self._occasions(output):
            try:
                target = path.render(values)
            except RenderError as error:
                self._report(output, "path", f"the path cannot be rendered: {error}")
                return
            fault = self._judge_path(target)
            if fault is not None:
                self._report(output, "path", fault)
                return
            try:
                self.files[target] = template.render(values).encode()
            except RenderError as error:
                self._report(output, "template", f"`{output.template}` cannot be rendered: {error}")
                return

    def _occasions(self, output: Output) -> Iterator[dict[str, Any]]:
        of_orgs = {access.org.id: self._org_values(access) for access in self._verified.access.orgs.values()}
        orgs = [values for _, values in sorted((of_orgs | dict(self._kept)).items())]
        project = self._verified.config.project.id
        if output.per is OutputScope.PROJECT:
            yield {"project": project, "orgs": orgs}
        else:
            yield from ({"project": project, **values} for values in orgs)

    def _org_values(self, access: OrgAccess) -> dict[str, Any]:
        org = access.org
        if org.id not in self._values:
            bundles = bundle_values(access)
            self._values[org.id] = {
                "org": {"id": org.id, "name": org.name, "platform": org.platform.id},
                "staff": bundles[Audience.STAFF],
                "client": bundles.get(Audience.CLIENT),
            }
        return self._values[org.id]

    def _parse(self, output: Output) -> Template | None:
        name = posixpath.normpath(output.template)
        if name.startswith(("/", "../")) or name == ".." or "\\" in name:
            self._report(output, "template", f"`{output.template}` lies outside the project")
            return None
        try:
            return Template(self._read(name).decode())
        except OSError as error:
            self._report(
                output, "template", f"`{output.template}` cannot be read: {(error.strerror or str(error)).lower()}"
            )
        except UnicodeDecodeError:
            self._report(output, "template", f"`{output.template}` is not UTF-8")
        except RenderError as error:
            self._report(output, "template", f"`{output.template}` is not a template: {error}")
        return None

    def _parse_path(self, output: Output) -> Template | None:
        try:
            return Template(output.path)
        except RenderError as error:
            self._report(output, "path", f"the path is not a template: {error}")
            return None

    def _judge_path(self, path: str) -> str | None:
        """Returns what is wrong with the path of a result."""
        if not path or path != posixpath.normpath(path) or path.startswith(("/", "../")) or path == "..":
            return f"`{path}` is not a plain path below the output folder"
        if "\\" in path or any(not character.isprintable() for character in path):
            return f"`{path!r}` has characters that a path may not have"
        folded = path.casefold()
        if folded in (RESERVED, MANIFEST) or folded.startswith(f"{RESERVED}/"):
            return f"`{path}` belongs to the bundles"
        for other in self.files:
            one, two = folded + "/", other.casefold() + "/"
            if one.startswith(two) or two.startswith(one):
                return f"`{path}` is written twice" if one == two else f"`{path}` and `{other}` can't both be files"
        return None

    def _report(self, output: Output, field: str, message: str) -> None:
        place = self._verified.config.project.document.place("outputs", output.index, field)
        self.findings.append(
            find(SCHEMA_VIOLATION, message, place, help="docs/bundles.md describes outputs and templates")
        )
