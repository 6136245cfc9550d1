import numpy as np

from bundle.embedding_space import in_float32


def test_every_float16_is_widened_exactly_and_what_is_not_finite_is_too_long_for_a_unit_vector() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    widened, finite = in_float32(every), np.isfinite(every)
    assert widened.dtype == np.float32
    assert (widened[finite].view(np.uint32) == every[finite].astype(np.float32).view(np.uint32)).all()
    assert (np.abs(widened[~finite]) >= 65536).all()


def test_a_float32_is_copied() -> None:
    rows = np.ones((2, 3), dtype=np.float32)
    copy = in_float32(rows)
    copy += 1
    assert (rows == 1).all()
