"""What can happen to bytes, text and JSON, whatever they mean."""

import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any

ODD_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 257, 1000, 4096, 8192, 32767, 32768, 65535)
ODD_NUMBERS += (65536, 10**6, 2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 8)
ODD_TEXTS = (
    "", " ", "\n", "\r\n", "a\nb", "a\tb", '"', "'", "\\", "/", "..", "../../x.jpg", "/etc/passwd", "C:\\a.jpg", "-",
    "=1+1", "\0", "a\0b.jpg", "\x1b[31mred", "\x85", "\u2028", "\u202egpj", "\xa0", "é", "e\u0301", "雪", "\U0001f600",
    "nan", "NaN", "inf", "-inf", "1e400", "-1", "0", "1,5", "1.234,5", "1,234", "½", "٣", "1_000", "0x10", "true",
    "null", "None", "x" * 300, "x" * 70_000, "%s{}%n", "<b>", "$x$", "con.jpg", "a" * 250 + ".jpg",
    "/".join("abcdefgh" * 40),
)  # fmt: skip
_SURROGATES = ("\ud800", "a\udcffb")
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 5000, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308, 1e-320,
    float("inf"), float("nan"), [], {}, [None], [[]], {"": None}, [1, 2], [0.1, 0.9], {"a": 1},
)  # fmt: skip


def bits(random: Random, data: bytearray) -> None:
    """Flip a few bits."""
    for _ in range(random.choice((1, 1, 2, 4, 16, 64))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def overwritten(random: Random, data: bytearray) -> None:
    """Write odd whole numbers of 8 to 32 bits over what is there."""
    for _ in range(random.choice((1, 1, 2, 4))):
        kind = random.choice("BHHII")
        size = struct.calcsize(kind)
        if len(data) >= size:
            value = random.choice(ODD_NUMBERS) & (256**size - 1)
            place = random.randrange(min(len(data), random.choice((64, 512, 10**9))) - size + 1)
            struct.pack_into(random.choice("<>") + kind, data, place, value)


def truncated(random: Random, data: bytearray) -> None:
    """Cut the end off."""
    del data[random.randrange(len(data) + 1) if random.random() < 0.7 else max(0, len(data) - random.randrange(12)) :]


def inserted(random: Random, data: bytearray) -> None:
    """Put bytes in between."""
    place, count = random.randrange(len(data) + 1), random.choice((1, 2, 7, 100, 3000))
    data[place:place] = random.choice((bytes(count), b"\xff" * count, random.randbytes(count)))


def removed(random: Random, data: bytearray) -> None:
    """Take bytes out."""
    start, end = _slice(random, data)
    del data[start:end]


def repeated(random: Random, data: bytearray) -> None:
    """Repeat or move a part."""
    start, end = _slice(random, data)
    place = random.randrange(len(data) + 1)
    data[place:place] = data[start:end]


def blanked(random: Random, data: bytearray) -> None:
    """Fill a part with one value or with noise."""
    start, end = _slice(random, data)
    data[start:end] = random.choice((bytes(end - start), b"\xff" * (end - start), random.randbytes(end - start)))


BLIND = (bits, bits, overwritten, overwritten, truncated, inserted, removed, repeated, blanked)


def blind(random: Random, data: bytes, others: tuple[bytes, ...] = ()) -> bytes:
    """Return bytes with a few things done to them; now and then, the end is that of another file."""
    changed = bytearray(data)
    if others and random.random() < 0.08:
        other = random.choice(others)
        changed = bytearray(data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :])
    for _ in range(random.choice((1, 1, 1, 1, 2, 4))):
        random.choice(BLIND)(random, changed)
    return bytes(changed)


def _slice(random: Random, data: bytearray) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 2, 4, 16, 200, 5000)))


def odd_json(random: Random, text: str) -> bytes:
    """Return JSON of which some values, names or characters are others."""
    if random.random() < 0.2:
        return blind(random, text.encode())
    content = json.loads(text)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        content = _changed(random, content)
    written = json.dumps(content, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.03:  # deeper than parsers or their callers like
        depth = random.choice((200, 900, 3000, 100_000))
        written = written.replace("null", "[" * depth + "]" * depth, 1)
    return written.encode("utf-8", "surrogatepass")


def odd_value(random: Random) -> Any:
    """Return something that JSON can hold and hardly anybody expects."""
    if random.random() < 0.5:
        return random.choice(_ODD_VALUES)
    return random.choice((*ODD_TEXTS, *_SURROGATES))


def _changed(random: Random, content: Any) -> Any:
    """Change one value somewhere in nested content."""
    if not isinstance(content, dict | list) or not content or random.random() < 0.02:
        return odd_value(random)
    if isinstance(content, list):
        place = random.randrange(len(content))
        actions: list[Callable[[], Any]] = [
            lambda: content.pop(place),
            lambda: content.append(content[place]),
            lambda: content.insert(place, odd_value(random)),
        ]
        if random.random() < 0.8:
            content[place] = _changed(random, content[place])
        else:
            random.choice(actions)()
        return content
    name = random.choice(list(content))
    action = random.random()
    if action < 0.75:
        content[name] = _changed(random, content[name])
    elif action < 0.85:
        del content[name]
    elif action < 0.95:
        content[str(odd_value(random))[:1000]] = content.pop(name)
    else:
        content[str(odd_value(random))[:1000]] = odd_value(random)
    return content


def odd_text(random: Random, text: str) -> str:
    """Return text with odd characters or words in some places."""
    for _ in range(random.choice((1, 1, 2, 4))):
        start = random.randrange(len(text) + 1)
        text = text[:start] + random.choice(ODD_TEXTS) + text[start + random.choice((0, 0, 1, 5)) :]
    return text
