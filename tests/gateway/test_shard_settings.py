"""The list of shards in the gateway's settings: what cannot be one is refused as the process starts."""

import pytest

from gateway.settings import Settings
from rpc.environment import WRONG_SETTINGS_EXIT_CODE, load_settings


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("POST_INDEX", "a:1;;b:2", "there is no address for shard 1 of 3"),
        ("POST_INDEX", "a:1;b:2;", "there is no address for shard 2 of 3"),
        ("POST_INDEX", "a:1; , ;b:2", "there is no address for shard 1 of 3"),
        ("POST_INDEX", ";", "there is no address for shard 0 of 2"),
        ("POST_INDEX", ",", "there is no address in it"),
        ("USER_TOWER", " , ", "there is no address in it"),
        ("POST_INDEX", "a:1;a:1", "lists a:1 for shard 0 and for shard 1"),
        ("POST_INDEX", "a:1,b:2;c:3,b:2", "lists b:2 for shard 0 and for shard 1"),
    ],
)
def test_a_list_that_cannot_be_right_is_refused_with_what_is_wrong(
    name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = f"MOODFEED_GATEWAY_{name}_ADDRESS"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == WRONG_SETTINGS_EXIT_CODE
    told = capsys.readouterr().err
    assert told.startswith(f"{variable}=")
    assert reason in told


@pytest.mark.parametrize(
    ("value", "shards"),
    [
        ("a:1", (("a:1",),)),
        ("a:1, b:2 ,", (("a:1", "b:2"),)),
        (" a:1,b:2 ; [::1]:3 ", (("a:1", "b:2"), ("[::1]:3",))),
    ],
)
def test_shards_are_separated_by_semicolons_and_replicas_by_commas(
    value: str, shards: tuple[tuple[str, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODFEED_GATEWAY_POST_INDEX_ADDRESS", value)
    assert load_settings(Settings).post_index_address == shards
