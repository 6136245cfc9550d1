from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.settings import Settings as GatewaySettings
from post_index_service.settings import Settings as PostIndexSettings
from rpc.environment import WRONG_SETTINGS_EXIT_CODE, LogLevel, load_settings, tidy_environment
from user_tower_service.settings import Settings as UserTowerSettings

PROCESSES = {
    "MOODFEED_GATEWAY_": GatewaySettings,
    "MOODFEED_USER_TOWER_": UserTowerSettings,
    "MOODFEED_POST_INDEX_": PostIndexSettings,
}
VARIABLES = sorted(
    {f"{prefix}{field.upper()}" for prefix, settings in PROCESSES.items() for field in settings.model_fields}
    | {"MOODFEED_BUNDLES", "MOODFEED_ALLOW_PLAINTEXT", "MOODFEED_ADMIN_TOKEN_FILE"}
)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TEST_")
    seconds: float = 2
    count: int = 1
    log_level: LogLevel = "info"
    metrics_port: int = 0


def test_the_environment_moves_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECONDS", "0.5")
    settings = load_settings(Settings)
    assert (settings.seconds, settings.count) == (0.5, 1)


@pytest.mark.parametrize("settings", [UserTowerSettings, PostIndexSettings])
@pytest.mark.parametrize(
    "url", ["postgre://me:hunter2@db/x", "hunter2", "//me:hunter2@x", "postgresql+psycopg://me:hunter2@db:port/x"]
)
def test_a_url_that_may_hold_a_password_is_not_shown(
    settings: type[BaseSettings], url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOODFEED_STORE_URL", url)
    with pytest.raises(SystemExit):
        load_settings(settings)
    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert told.startswith("MOODFEED_STORE_URL: the store's URL ")
    assert "use sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE" in told


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("MOODFEED_POST_INDEX_MILVUS_URI", "http://me:hunter2@db:19530"),
        ("MOODFEED_POST_INDEX_ADDRESS", "http://me:hunter2@db:50052"),
    ],
)
def test_a_password_in_a_url_that_should_hold_none_is_not_shown(
    variable: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, url)
    with pytest.raises(SystemExit):
        load_settings(PostIndexSettings)
    told = capsys.readouterr().err
    assert told.startswith(f"{variable}='http://…@db:")
    assert "hunter2" not in told


def test_every_wrong_value_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_SECONDS", "soon")
    monkeypatch.setenv("TEST_COUNT", "many")
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == WRONG_SETTINGS_EXIT_CODE
    told = capsys.readouterr().err
    assert "TEST_SECONDS='soon'" in told
    assert "TEST_COUNT='many'" in told


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_a_variable_that_is_set_but_empty_counts_as_unset(
    monkeypatch: pytest.MonkeyPatch, variable: str, empty: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    defaults = {prefix: load_settings(settings) for prefix, settings in PROCESSES.items()}
    monkeypatch.setenv(variable, empty)
    for prefix, settings in PROCESSES.items():
        assert load_settings(settings) == defaults[prefix]


@given(st.dictionaries(st.sampled_from(["MOODFEED_A", "MOODFEED_B", "HOME"]), st.text(alphabet="ab \t\r\n")))
def test_white_space_around_a_value_is_no_part_of_it(environment: dict[str, str]) -> None:
    tidied = dict(environment)
    tidy_environment(tidied)
    ours = {name: value.strip() for name, value in environment.items() if name != "HOME" and value.strip()}
    others = {name: value for name, value in environment.items() if name == "HOME"}
    assert tidied == ours | others


@pytest.mark.parametrize("word", ["INFO", "Info", "info"])
def test_a_log_level_is_read_in_any_case(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("TEST_LOG_LEVEL", word)
    monkeypatch.setenv("MOODFEED_GATEWAY_LOG_LEVEL", word)
    monkeypatch.setenv("MOODFEED_USER_TOWER_RUNTIME", "OpenVINO")
    assert load_settings(Settings).log_level == "info"
    assert load_settings(GatewaySettings).log_level == "info"
    assert load_settings(UserTowerSettings).runtime == "openvino"


def test_an_address_that_kubernetes_injected_is_named_as_that(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_METRICS_PORT", "tcp://10.0.0.7:9102")
    with pytest.raises(SystemExit):
        load_settings(Settings)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("TEST_METRICS_PORT='tcp://10.0.0.7:9102': ")
    assert "Kubernetes" in line
    assert "test-metrics" in line


@pytest.mark.parametrize("settings", list(PROCESSES.values()))
def test_no_message_advises_to_open_the_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: type[BaseSettings]
) -> None:
    for variable in VARIABLES:
        if not variable.endswith("ALLOW_PLAINTEXT"):
            monkeypatch.setenv(variable, "0.0.0.0:1")
    with pytest.raises(SystemExit):
        load_settings(settings)
    told = capsys.readouterr().err
    assert "=true" not in told
    assert all(line.partition("=")[0] in VARIABLES for line in told.splitlines())


NUMBERS = [variable for variable in VARIABLES if variable.endswith(("_SECONDS", "_CONNECTIONS", "_MINUTES", "_HOURS"))]


@pytest.mark.parametrize("variable", NUMBERS)
@pytest.mark.parametrize("value", ["inf", "nan", "1e400", "-1", "9" * 30])
def test_a_number_that_is_not_finite_or_absurdly_large_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    settings, name = next(
        (settings, variable.removeprefix(prefix).lower())
        for prefix, settings in PROCESSES.items()
        if variable.startswith(prefix)
    )
    variable = str(settings.model_fields[name].validation_alias or variable)
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        load_settings(settings)
    told = capsys.readouterr().err
    assert told.startswith(f"{variable}=")
    assert told.count("\n") == 1


@pytest.mark.parametrize("variable", [variable for variable in VARIABLES if variable.startswith("MOODFEED_GATEWAY_")])
@pytest.mark.parametrize("value", ["x" * 50_000, "\udcff/\udcfe"])
def test_an_error_is_short_and_printable_whatever_the_value_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with suppress(SystemExit):
        load_settings(GatewaySettings)
    assert len(capsys.readouterr().err) < 1000
