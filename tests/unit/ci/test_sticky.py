"""One comment, whatever happens: services that answer late, twice, wrongly or not at all."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hubcfg.ci.api import ApiError
from hubcfg.ci.github import GitHubDiscussion, open_discussion
from hubcfg.ci.sticky import Outcome, keep_comment, mark_for
from tests.integration.actions.forges import Forge, serve

TOKEN, BOT, MARK = "token", "github-actions[bot]", "<!-- hubcfg plan -->"


@pytest.fixture
def forge() -> Iterator[Forge]:
    """GitHub's API, on this machine."""
    with serve(Forge(TOKEN, BOT, is_github=True)) as served:
        yield served


def discussion(forge: Forge, pauses: list[float], token: str = TOKEN) -> GitHubDiscussion:
    """Returns the comments of a pull request; what would be waited is noted instead."""
    environment = {
        "GITHUB_API_URL": forge.address,
        "GITHUB_GRAPHQL_URL": f"{forge.address}/graphql",
        "GITHUB_REPOSITORY": "acme/access",
    }
    opened = open_discussion(environment, token, 7)
    rest, graphql = (replace(api, sleep=pauses.append) for api in (opened.rest, opened.graphql))
    return replace(opened, rest=rest, graphql=graphql)


def test_a_comment_is_written_updated_and_left_alone(forge: Forge) -> None:
    """The first text is written, another one takes its place, and the same again changes nothing."""
    talk = discussion(forge, [])
    assert keep_comment(talk, MARK, "one") is Outcome.CREATED
    assert keep_comment(talk, MARK, "two") is Outcome.UPDATED
    assert keep_comment(talk, MARK, "two\n") is Outcome.UNCHANGED
    assert forge.bodies == [f"{MARK}\ntwo"]
    assert [one.partition(" ")[0] for one in forge.requests if "comments" in one] == [
        "GET",
        "POST",
        "GET",
        "PATCH",
        "GET",
    ]


def test_line_endings_of_the_service_are_no_change(forge: Forge) -> None:
    """GitHub may give back other line endings than it got."""
    forge.add(f"{MARK}\r\none\r\ntwo\r\n", BOT, is_bot=True)
    assert keep_comment(discussion(forge, []), MARK, "one\ntwo") is Outcome.UNCHANGED


def test_a_first_comment_that_says_nothing_is_not_written(forge: Forge) -> None:
    """Where there is one already it is brought up to date all the same."""
    talk = discussion(forge, [])
    assert keep_comment(talk, MARK, "nothing", is_needed=False) is Outcome.NOT_NEEDED
    keep_comment(talk, MARK, "something")
    assert keep_comment(talk, MARK, "nothing", is_needed=False) is Outcome.UPDATED
    assert forge.bodies == [f"{MARK}\nnothing"]


def test_an_error_after_the_comment_was_made_makes_no_second_one(forge: Forge) -> None:
    """The service has written it and answers 502: it is found, and not written again."""
    forge.faults, forge.does_it_all_the_same = [502], True
    assert keep_comment(discussion(forge, []), MARK, "one") is Outcome.UNCHANGED
    assert len(forge.comments) == 1


def test_an_error_before_the_comment_was_made_is_tried_again(forge: Forge) -> None:
    """The service has not written it and answers 502: it is looked for, not found, and written."""
    forge.faults = [502]
    assert keep_comment(discussion(forge, []), MARK, "one") is Outcome.CREATED
    assert len(forge.comments) == 1


def test_an_update_is_tried_three_times_with_pauses(forge: Forge) -> None:
    """An update may be repeated; after the third failure it is given up, and the error says what the service said."""
    forge.add(f"{MARK}\nold", BOT, is_bot=True)
    pauses: list[float] = []
    forge.faults = [503, 503]
    assert keep_comment(discussion(forge, pauses), MARK, "new") is Outcome.UPDATED
    assert pauses == [1.0, 4.0]
    forge.faults = [503, 503, 503]
    with pytest.raises(ApiError, match="503 Server Error"):
        keep_comment(discussion(forge, pauses), MARK, "newer")


def test_a_refusal_is_told_apart(forge: Forge) -> None:
    """What a token may not do is no passing fault, and nothing is tried twice."""
    forge.may_write = False
    pauses: list[float] = []
    with pytest.raises(ApiError, match="not accessible") as caught:
        keep_comment(discussion(forge, pauses), MARK, "one")
    assert (caught.value.is_refusal, caught.value.exit_code, pauses) == (True, 3, [])
    with pytest.raises(ApiError) as caught:
        keep_comment(discussion(forge, pauses, token="another"), MARK, "one")
    assert (caught.value.status, caught.value.is_refusal) == (401, True)


def test_no_answer_at_all_is_an_error_and_not_a_refusal() -> None:
    """A service that can't be reached is tried three times; the token is in no message."""
    pauses: list[float] = []
    forge = Forge("secret-token", BOT, is_github=True, address="http://127.0.0.1:9")
    with pytest.raises(ApiError) as caught:
        keep_comment(discussion(forge, pauses, token="secret-token"), MARK, "one")
    assert (caught.value.status, caught.value.is_refusal) == (None, False)
    assert len(pauses) == 2
    assert "secret-token" not in caught.value.message
    assert "secret-token" not in repr(discussion(forge, pauses, token="secret-token"))


@pytest.mark.parametrize(
    ("login", "is_bot", "is_own"),
    [(BOT, True, True), ("github-actions", True, False), ("github-actions", False, False), ("mallory", False, False)],
)
def test_only_one_s_own_comments_count(forge: Forge, login: str, is_bot: bool, is_own: bool) -> None:
    """Who has another name, or a like one that is no app's, has written something else."""
    forge.add(f"{MARK}\nold", login, is_bot=is_bot)
    keep_comment(discussion(forge, []), MARK, "new")
    assert (len(forge.comments) == 1) is is_own


def test_an_app_is_known_with_and_without_its_suffix(forge: Forge) -> None:
    """GitHub's two APIs may differ in it; a person of that name is somebody else."""
    forge.login = "github-actions"
    forge.add(f"{MARK}\nold", BOT, is_bot=True)
    assert keep_comment(discussion(forge, []), MARK, "new") is Outcome.UPDATED


@pytest.mark.parametrize(
    ("project", "mark"),
    [
        (".", MARK),
        ("", MARK),
        ("teams/east", "<!-- hubcfg plan: teams/east -->"),
        ("a-->b<!--", "<!-- hubcfg plan: a-%2D%3Eb%3C%21-%2D -->"),
        ("größe 1", "<!-- hubcfg plan: gr%C3%B6%C3%9Fe%201 -->"),
    ],
)
def test_marks_tell_projects_apart_and_stay_hidden(project: str, mark: str) -> None:
    """A folder's name can't end the comment that hides it."""
    assert mark_for(project) == mark
    assert mark.index("-->") == len(mark) - 3
