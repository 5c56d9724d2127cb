"""What hubcfg.yaml has to say of an http target, and what is refused before anything is sent."""

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from hubcfg.applier.opening import open_target
from hubcfg.core.errors import UsageError
from hubcfg.validator.config import Target

GOOD = {"url": "https://hub.example", "adapter": "hub", "token_env": "HUB_TOKEN"}


def refuse(**options: Any) -> UsageError:
    """Returns the error that options come to; one that is None is left out."""
    given = {key: value for key, value in (GOOD | options).items() if value is not None}
    with pytest.raises(UsageError) as caught:
        open_target(
            Target("main", "http", given), Path("/nowhere"), {"HUB_TOKEN": "s3cr3t", "ODD": "two\nlines", "EMPTY": " "}
        )
    assert caught.value.help
    assert "s3cr3t" not in f"{caught.value.message} {caught.value.help}"
    return caught.value


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": None}, "`targets.main` has no `url`"),
        ({"adapter": None}, "`targets.main` does not say which API it speaks"),
        ({"token_env": None}, "`targets.main` does not say where the token is"),
        ({"token_env": "NOT_SET"}, "the environment variable `NOT_SET` is not set"),
        ({"token_env": "EMPTY"}, "the environment variable `EMPTY` is not set"),
        ({"token_env": "ODD"}, "the environment variable `ODD` holds something that cannot be a token"),
        ({"adapter": "opspilot365"}, "`targets.main` does not say where its records are kept"),
        ({"url": "http://hub.example"}, "`targets.main.url` is not encrypted"),
        ({"url": "http://127.0.0.1.example"}, "`targets.main.url` is not encrypted"),
        ({"url": "http://10.0.0.1"}, "`targets.main.url` is not encrypted"),
        ({"url": "ftp://hub.example"}, "`targets.main.url` is not an address"),
        ({"url": "hub.example"}, "`targets.main.url` is not an address"),
        ({"url": "https://"}, "`targets.main.url` is not an address"),
        ({"url": "https://hub.example:port"}, "`targets.main.url` is not an address"),
        ({"url": "https://hub.example/\n"}, "`targets.main.url` is not an address"),
        ({"url": "https://[::1"}, "`targets.main.url` is not an address"),
        ({"url": "https://me:s3cr3t@hub.example"}, "`targets.main.url` contains a name or password"),
        ({"url": "https://hub.example/?key=s3cr3t"}, "`targets.main.url` has something after its path"),
    ],
)
def test_options_that_do_not_do(options: dict[str, Any], said: str) -> None:
    """What is missing or cannot be is named by its place in hubcfg.yaml, and never with a secret."""
    assert said in refuse(**options).message


@pytest.mark.parametrize(
    "url",
    [
        "https://hub.example/base/",
        "http://localhost:8365",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://[::1]:8365",
    ],
)
def test_addresses_that_do(url: str) -> None:
    """An address is encrypted, or of this machine itself; nothing is sent by opening."""
    open_target(Target("main", "http", GOOD | {"url": url}), Path("/nowhere"), {"HUB_TOKEN": "s3cr3t"}).close()


@pytest.mark.parametrize("name", ["httpx2", "stamina"])
def test_libraries_that_are_missing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without the extra the command that installs it is told."""
    for module in ("hubcfg.applier.rest.client", name):
        monkeypatch.delitem(sys.modules, module, raising=False)
    known = builtins.__import__

    def missing(module: str, *args: Any, **kwargs: Any) -> Any:
        if module == name:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return known(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert refuse().help == 'run `pip install "hubcfg[http]"`'
