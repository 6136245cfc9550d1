from scripts.write_settings import DOCUMENT, document


def test_the_page_of_settings_is_what_the_classes_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make settings`"


def test_choices_limits_and_shared_variables_are_on_the_page() -> None:
    text = document()
    assert "| `MOODFEED_GATEWAY_LOG_LEVEL` | `debug` or `info` or `warning` or `error` | `info` |" in text
    assert "integer, at least 1, at most 64" in text
    assert "`MOODFEED_USER_TOWER_BUNDLES` or `MOODFEED_BUNDLES`" in text
