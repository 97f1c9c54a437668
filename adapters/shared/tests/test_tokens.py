"""The token that an adapter shows to the orchestrator."""

from __future__ import annotations

from pathlib import Path

import pytest
from baton_adapter import tls, tokens
from baton_adapter.config import ConfigError, load_config


def problems(environment: dict[str, str], *flags: str) -> list[str]:
    config = load_config("mock", flags, environment)
    found: list[str] = []
    for check in (tls.check, tokens.check):
        try:
            check(config)
        except ConfigError as error:
            found += error.problems
    return found


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("# mine\n secret-1 \n", encoding="utf-8")
    with_file = load_config("mock", [f"--token-file={path}"], {"BATON_TOKEN": "other"})
    assert len(tokens.interceptors(with_file)) == 1
    assert not problems({"BATON_TOKEN": "secret"})
    assert not tokens.interceptors(load_config("mock", [], {}))
    # What is shown of a configuration does not give the token away.
    assert "secret" not in repr(load_config("mock", [], {"BATON_TOKEN": "secret"}))


@pytest.mark.parametrize("text", ["", "# nothing\n", "two\ntokens\n", "two words\n", "ünlucky\n"])
def test_a_file_without_one_token_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    assert problems({}, f"--token-file={path}")[0].startswith(f"token_file: {path}: ")


def test_a_missing_file_and_a_bad_variable_are_refused(tmp_path: Path) -> None:
    assert "No such file" in problems({}, f"--token-file={tmp_path / 'none'}")[0]
    assert problems({"BATON_TOKEN": "two words"})[0].startswith("BATON_TOKEN: ")


def test_a_token_is_not_sent_in_cleartext_to_another_machine() -> None:
    far = ("--orchestrator=192.0.2.1:7420", "--insecure=true")
    assert not problems({}, *far)
    assert "cleartext" in problems({"BATON_TOKEN": "secret"}, *far)[0]
    assert not problems({"BATON_TOKEN": "secret"}, "--orchestrator=https://192.0.2.1:7420")
