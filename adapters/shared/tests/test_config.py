"""Configuration: sources, their order, and every problem at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from baton_adapter import values
from baton_adapter.config import Config, ConfigError, ModelConfig, load_config

FULL = """
orchestrator: 127.0.0.1:7420
instance: crewai-7
listen: unix:/run/baton/crewai.sock
advertise: crewai.internal:7000
http: "[::1]:8080"
insecure: true
tls: {certificate: a.pem, key: a.key, ca: b.pem, client_ca: c.pem, server_name: baton.test}
mode: local
data: ./crewai-data
results: poll
max_concurrency: 4
models:
  default: {model: openai/smollm2, base_url_env: MODEL_URL, api_key_env: MODEL_KEY,
            temperature: 0, max_tokens: 256, timeout: 90s}
  from_file: {model: m, api_key_file: key.txt}
  from_command: {model: m, base_url: "http://x/v1", api_key_command: "printf secret"}
entrypoints: ["examples.*", "mine"]
shutdown: {grace: 5s, in_flight: hand_back}
tombstones: 2h
log_format: text
log_level: debug
"""


def load(text: str, *flags: str, **environ: str) -> Config:
    Path("given.yaml").write_text(text, encoding="utf-8")
    return load_config("crewai", ["--config", "given.yaml", *flags], environ)


def problems(text: str, *flags: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, *flags, **environ)
    return list(caught.value.problems)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_setting() -> None:
    Path("key.txt").write_text("from a file\n", encoding="utf-8")
    assert load(FULL, MODEL_URL="http://127.0.0.1:9/v1", MODEL_KEY="key") == Config(
        adapter="crewai",
        instance="crewai-7",
        orchestrator="127.0.0.1:7420",
        listen="unix:/run/baton/crewai.sock",
        advertise="crewai.internal:7000",
        http="[::1]:8080",
        insecure=True,
        tls_certificate=Path("a.pem"),
        tls_key=Path("a.key"),
        tls_ca=Path("b.pem"),
        tls_client_ca=Path("c.pem"),
        tls_server_name="baton.test",
        mode="local",
        data=Path("crewai-data"),
        results="poll",
        max_concurrency=4,
        models={
            "default": ModelConfig("openai/smollm2", "http://127.0.0.1:9/v1", "key", 0.0, 256, 90),
            "from_file": ModelConfig("m", "", "from a file"),
            "from_command": ModelConfig("m", "http://x/v1", "secret"),
        },
        entrypoints=("examples.*", "mine"),
        shutdown_grace_s=5,
        shutdown_in_flight="hand_back",
        tombstone_s=7200,
        log_format="text",
        log_level="debug",
    )


def test_defaults_without_a_file() -> None:
    config = load_config("langchain", [], {})
    assert config == Config("langchain", "langchain-1", data=Path("langchain-data"))


def test_the_default_file_is_named_after_the_adapter() -> None:
    Path("langchain.yaml").write_text("max_concurrency: 9", encoding="utf-8")
    assert load_config("langchain", [], {}).max_concurrency == 9


def test_flags_override_variables_override_the_file() -> None:
    text = "{instance: file, results: poll, shutdown: {grace: 1s}}"
    environ = {
        "BATON_INSTANCE": "variable",
        "BATON_SHUTDOWN_GRACE": "2s",
        "BATON_MAX_CONCURRENCY": "7",
    }
    config = load(text, "--instance", "flag", **environ)
    assert (config.instance, config.results) == ("flag", "poll")
    assert (config.shutdown_grace_s, config.max_concurrency) == (2.0, 7)


def test_every_problem_is_told_at_once() -> None:
    text = """
    orchestrator: nowhere
    colour: green
    mode: remote
    max_concurrency: 0
    shutdown: {grace: 30}
    entrypoints: examples
    models:
      a: {base_url: x, temperature: 3, max_tokens: 0, timeout: soon, colour: red}
      b: {model: m, base_url_env: NOT_SET}
      c: {model: m, api_key: k, api_key_env: K}
      d: {model: m, api_key_file: missing.txt}
      e: {model: m, api_key_command: "exit 3"}
      f: text
    """
    found = problems(text, "--listen", "8", BATON_HTTP="unix:/tmp/http")
    for part in (
        "orchestrator: 'nowhere' is not an address",
        "colour: there is no such setting",
        "mode: 'remote' is not one of local",
        "max_concurrency: 0 is not a whole number",
        "shutdown.grace: 30 is not a duration",
        "entrypoints: not a list",
        "models.a.model: missing",
        "models.a.temperature: 3 is not",
        "models.a.max_tokens: 0 is not",
        "models.a.timeout: 'soon' is not a duration",
        "models.a.colour: there is no such setting",
        "models.b: neither a base URL nor an API key",
        "models.c: api_key and api_key_env are set",
        "models.d.api_key_file:",
        "models.e.api_key_command:",
        "models.f: not a mapping",
        "--listen: '8' is not an address",
        "BATON_HTTP: 'unix:/tmp/http' is not host:port",
    ):
        assert [problem for problem in found if problem.startswith(part)], part
    assert len(found) == 18


def test_listening_everywhere_needs_an_address_to_dial() -> None:
    assert problems("listen: 0.0.0.0:7000")[0].startswith("advertise: missing")
    assert load("{listen: '0.0.0.0:7000', advertise: 'crewai:7000'}").advertise == "crewai:7000"


@pytest.mark.parametrize("text", ["- a list", "{unclosed: [", "\t- tab"])
def test_files_that_are_no_mapping(text: str) -> None:
    assert "given.yaml" in problems(text)[0]


def test_a_named_file_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        load_config("crewai", ["--config", "missing.yaml"], {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1.5h", 5400), (" 7d ", 604800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "-1s", "1 year", "nan s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        values.duration(text)


def test_an_unknown_flag_is_a_bad_configuration() -> None:
    with pytest.raises(ConfigError, match="--colour"):
        load_config("crewai", ["--colour", "green"], {})


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(ModelConfig("m", api_key="secret"))


def test_a_bad_configuration_ends_the_process_with_64() -> None:
    program = Path(__file__).parent / "scripted_adapter.py"
    ended = subprocess.run(
        [sys.executable, str(program), "--results=sometimes", "--max-concurrency=none"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 64
    assert ended.stderr.splitlines() == [
        "baton-scripted: --results: 'sometimes' is not one of callback, poll",
        "baton-scripted: --max-concurrency: 'none' is not a whole number of at least 1",
    ]


@pytest.mark.parametrize("setting", ["listen", "http"])
def test_an_address_that_is_taken_ends_the_process_with_64(setting: str, tmp_path: Path) -> None:
    program = Path(__file__).parent / "scripted_adapter.py"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, str(program), f"--data={tmp_path}", f"--{setting}=127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 64
    assert f"{setting}: 127.0.0.1:{port} cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unusable_data_folder_ends_the_process_with_74(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = Path(__file__).parent / "scripted_adapter.py"
    ended = subprocess.run(
        [sys.executable, str(program), f"--data={tmp_path / 'file'}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 74
    assert "the data folder cannot be used" in ended.stderr
