"""What is imported compiles to what it was imported from: the examples, and random projects."""

import pytest
from hypothesis import HealthCheck, given, settings

from hubcfg.parser.formatting import format_source
from tests.reference.projects import Project, examples, projects
from tests.unit.importing.importing import EXAMPLES, import_folder, import_random, instant

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
NAMES = sorted(path.name for path in EXAMPLES.iterdir())


@pytest.mark.parametrize("wildcards", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_an_example_comes_back(name: str, wildcards: bool) -> None:
    """Each example's bundles, imported, compile to the same bytes, and nothing is left to say."""
    for live, imported in import_folder(EXAMPLES / name, instant(), wildcards=wildcards):
        assert imported.notes == ()
        assert imported.bundles == live


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_formatted(name: str) -> None:
    """`hubcfg fmt` would leave every file of an import as it is."""
    for _, imported in import_folder(EXAMPLES / name, instant()):
        assert [path for path, text in imported.files.items() if format_source(text) != text] == []


@pytest.mark.parametrize(("name", "most"), [("onestack", 10), ("opspilot365", 13), ("msp-panel", 3), ("quickstart", 8)])
def test_there_is_little_to_read(name: str, most: float) -> None:
    """An import has fewer lines than the people who wrote the example needed, and so many a user at most."""
    for _, imported in import_folder(EXAMPLES / name, instant()):
        lines = sum(len(text.splitlines()) for text in imported.files.values())
        assert lines / imported.users <= most


@settings(max_examples=examples(30), deadline=None, suppress_health_check=SLOW)
@given(projects())
def test_a_random_project_comes_back(project: Project) -> None:
    """Bundles of a random project, imported, compile to the same bytes, and there is nothing to note."""
    check(project)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=SLOW)
@given(projects(marks=True))
def test_a_random_project_with_marks_comes_back(project: Project) -> None:
    """The same where permissions are sensitive and carry obligations, and with wildcards for what is not."""
    check(project, wildcards=True)


def check(project: Project, *, wildcards: bool = False) -> None:
    for live, imported in import_random(project, wildcards=wildcards):
        assert [note.sentence() for note in imported.notes] == []
        assert imported.bundles == live
        assert [path for path, text in imported.files.items() if format_source(text) != text] == []
