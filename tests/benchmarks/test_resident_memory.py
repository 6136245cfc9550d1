"""A command is watched with all the processes that it starts."""

import sys

import pytest

from benchmarks.scale.resident_memory import CommandError, run_watched

_HOLD = "import time; held = b'x' * (120 * 2**20); time.sleep(1)"
_HOLD_IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_HOLD!r}], check=True)"
_MIB = 2**20


@pytest.mark.parametrize("program", [_HOLD, _HOLD_IN_A_CHILD])
def test_the_peak_is_that_of_the_process_and_its_children(program: str) -> None:
    cost = run_watched([sys.executable, "-c", f"print('said', flush=True); {program}"])
    assert 120 * _MIB < cost.peak_bytes < 220 * _MIB
    assert cost.output == "said\n"


def test_what_the_watching_process_has_held_itself_is_no_part_of_it() -> None:
    held = b"x" * (400 * _MIB)
    del held
    assert run_watched([sys.executable, "-c", _HOLD]).peak_bytes < 220 * _MIB


@pytest.mark.parametrize("program", [_HOLD, _HOLD_IN_A_CHILD])
def test_a_command_that_holds_too_much_is_killed_and_says_so(program: str) -> None:
    with pytest.raises(CommandError, match=r"GiB are more than the 0\.10 allowed"):
        run_watched([sys.executable, "-c", f"{program}; import time; time.sleep(100)"], most_bytes=100 * _MIB)


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(CommandError, match=r"exit code 3: .*: no such thing"):
        run_watched([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"])
