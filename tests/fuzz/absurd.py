"""Values that no sensible caller sends: the boundaries of every field, and what lies beyond them."""

import struct

from hypothesis import strategies as st

INT32_EDGES = (0, 1, -1, 2, 9, 10, 11, 99, 100, 101, 2**31 - 1, -(2**31), 2**30)
INT64_EDGES = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
HARD_TEXTS = (
    "",
    " ",
    "\t\r\n\v\f",
    "\x00",
    "\x00\x01\x02\x1b[31m\x07\x7f\x85",
    "a\x00b",
    "\r\nset-cookie: a=b\r\n\r\n",
    "😂",
    "😂" * 512,
    "😂" * 513,
    "a" * 512,
    "a" * 513,
    "a" * 20_000,
    "é" * 600,
    "a " * 256,
    "e\u0301" * 256,
    "Z" + "\u0300\u0301\u0302\u0303" * 127,
    "\u202etxet desrever\u202c",
    "שלום",
    "مرحبا",
    "\u200b",
    "\u200d" * 512,
    "\ufe0f" * 512,
    "👩\u200d" * 256,
    "👩\u200d❤\ufe0f\u200d💋\u200d👨" * 64,
    "🏻" * 512,
    "🇩" * 511,
    "1\ufe0f\u20e3" * 170,
    "not " * 128,
    "never not nothing without anything but no sad or happy nor",
    "not a a a a a a a a a a a a a a a a a a sad or sad or sad or sad!",
    "\ufdfa" * 512,
    "İıſßŉ",
    "\ufeff",
    "\ufffe\uffff",
    "\U0010ffff",
    "\ue000",
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "##ing",
    "'; DROP TABLE posts; --",
    "../../../../etc/passwd",
    "%00%ff%zz",
    "{{7*7}} ${jndi:ldap://x} $(reboot)",
    "NaN",
    "-0",
    "null",
)
_HARD_ALPHABET = (
    "\x00\x01\n\r\x1b\x7f\xa0\xad\u0300\u0301\u0489\u200b\u200d\u200e\u202e\u2028\ufe0f\ufeff\U0001f3fb♂😂👩🇩️⃣aA0 'nnot"
)

texts = (
    st.sampled_from(HARD_TEXTS)
    | st.text(max_size=10)
    | st.text(alphabet=_HARD_ALPHABET, max_size=16)
    | st.builds(str.__mul__, st.text(min_size=1, max_size=3), st.sampled_from([1, 2, 100, 512, 5_000]))
)
int32s = st.sampled_from(INT32_EDGES) | st.integers(-(2**31), 2**31 - 1)
int64s = st.sampled_from(INT64_EDGES) | st.integers(-(2**63), 2**63 - 1)
_HARD_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, -1e-39, 1.1754944e-38, 3.4e38, -3.4e38, float("inf"), float("nan"))
floats = st.sampled_from(_HARD_FLOATS) | st.floats(width=32)


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with one to three places flipped, overwritten, inserted, cut, dropped or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        head, tail = data[:place], data[place:]
        match draw(st.sampled_from(["flip", "flip", "set", "insert", "cut", "drop", "double"])):
            case "flip" if tail:
                data = head + bytes([tail[0] ^ 1 << draw(st.integers(0, 7))]) + tail[1:]
            case "set" if tail:
                data = head + draw(st.sampled_from([b"\x00", b"\xff", b"\x7f", b"\x80"])) + tail[1:]
            case "cut":
                data = head
            case "drop":
                data = head + tail[draw(st.integers(1, 9)) :]
            case "double":
                data = head + tail[:9] + tail
            case _:
                data = head + draw(st.binary(min_size=1, max_size=5)) + tail
    return data


@st.composite
def mutated_text(draw: st.DrawFn, text: str) -> str:
    """ASCII text with a few characters changed."""
    return draw(mutated(text.encode())).decode("latin-1")


@st.composite
def mutated_vectors(draw: st.DrawFn, values: bytes) -> bytes:
    """float32 values: as they are, with a few set, all of them scaled, or with their bytes mutated."""
    match draw(st.sampled_from(["whole", "whole", "set", "set", "all", "scale", "bytes", "empty", "longer"])):
        case "set":
            for _ in range(draw(st.integers(1, 3))):
                place = 4 * draw(st.integers(0, len(values) // 4 - 1))
                values = values[:place] + struct.pack("<f", draw(floats)) + values[place + 4 :]
        case "all":
            values = struct.pack("<f", draw(floats)) * (len(values) // 4)
        case "scale":
            factor = draw(st.sampled_from([0.0, -1.0, 1e-30, 0.9, 0.9995, 1.0005, 1.1, 1e18]))
            numbers = struct.unpack(f"<{len(values) // 4}f", values)
            values = struct.pack(f"<{len(numbers)}f", *(factor * number for number in numbers))
        case "bytes":
            values = draw(mutated(values))
        case "empty":
            values = b""
        case "longer":
            values += struct.pack("<f", draw(floats))
    return values
