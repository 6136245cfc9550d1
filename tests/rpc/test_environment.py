import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from rpc.environment import WRONG_SETTINGS_EXIT_CODE, load_settings


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TEST_")
    seconds: float = 2
    count: int = 1


def test_the_environment_moves_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECONDS", "0.5")
    settings = load_settings(Settings)
    assert (settings.seconds, settings.count) == (0.5, 1)


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
