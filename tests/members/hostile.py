"""Files that somebody might send us to do harm, made byte by byte: none of them is kept in the repository.

Each builder says what a decoder would do that believes the file.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import cache

from PIL import Image

MARK = b"<?php system($_GET['x']); ?><script>alert('amal')</script>"  # what must not be found in anything that we keep
GPS = b"52.5200N-amal-was-here"


# --- PNG ----------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"
GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
_CHANNELS = {GREY: 1, RGB: 3, GREY_ALPHA: 2, RGBA: 4}
END = (b"IEND", b"")


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return PNG + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def header(width: int, height: int, *, bits: int = 8, colours: int = RGB, interlaced: bool = False) -> tuple:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced)


def black(width: int, height: int, *, bits: int = 8, colours: int = RGB) -> tuple[bytes, bytes]:
    """All its pixels, packed as tightly as can be."""
    row = b"\0" * (1 + (width * bits * _CHANNELS[colours] + 7) // 8)
    some = row * 1000
    return b"IDAT", packed([*[some] * (height // 1000), row * (height % 1000)])


def packed(pieces: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(piece) for piece in pieces), packer.flush()])


def black_png(width: int, height: int, **kind) -> bytes:
    """A true picture: nothing in it lies."""
    return png(header(width, height, **kind), black(width, height, **kind), END)


@cache
def bomb(megabytes: int) -> bytes:
    return packed(b"\0" * 1_000_000 for _number in range(megabytes))


def png_with(*chunks: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    """A small picture, and something beside it."""
    return png(header(40, 20), *chunks, black(40, 20), *chunks, END) + after


def moving_png(frames: int, *, side: int = 100) -> bytes:
    """An animation; each frame is drawn by whoever plays it."""
    (_name, pixels), chunks = black(side, side), []
    for number in range(1, frames):
        place = struct.pack(">IIIIIHHBB", 2 * number - 1, side, side, 0, 0, 1, 100, 0, 0)
        chunks += [(b"fcTL", place), (b"fdAT", struct.pack(">I", 2 * number) + pixels)]
    first = (b"fcTL", struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 100, 0, 0))
    return png(header(side, side), (b"acTL", struct.pack(">II", frames, 0)), first, (b"IDAT", pixels), *chunks, END)


# --- JPEG ---------------------------------------------------------------------------------------------------------

START, STOP = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def frame(width: int, height: int, *, marker: int = 0xC0, components: int = 1) -> bytes:
    factors = b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + factors)


# One code of one bit in each table: "nothing changes" and "the rest of the block is zero".
_TABLES = segment(0xDB, b"\0" + b"\1" * 64) + b"".join(
    segment(0xC4, bytes([which]) + b"\1" + b"\0" * 15 + b"\0") for which in (0x00, 0x10)
)


def _scan(components: Iterable[int], *, first: int = 0, last: int = 63) -> bytes:
    components = list(components)
    which = b"".join(bytes([number, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + which + bytes([first, last, 0]))


def grey_jpeg(width: int, height: int) -> bytes:
    """A true picture of two bits for each block of 64 pixels."""
    blocks = -(-width // 8) * -(-height // 8)
    data = b"\0" * (-(-blocks * 2 // 8) + 1)
    return START + _TABLES + frame(width, height) + _scan([1]) + data + STOP


def progressive_jpeg(width: int, height: int, *, components: int = 3, scans: int = 1) -> bytes:
    """A picture of which the decoder keeps all coefficients until the end, and walks over them once for each scan."""
    blocks = -(-width // 8) * -(-height // 8) * components
    first = _scan(range(1, components + 1), last=0) + b"\0" * (blocks // 8 + 1)
    more = b"".join(_scan([1], first=1) + b"\0" * 8 for _number in range(scans - 1))
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\2") if components == 4 else b""
    return START + adobe + _TABLES + frame(width, height, marker=0xC2, components=components) + first + more + STOP


def photo(width: int, height: int, *, format: str = "JPEG", mode: str = "RGB", **options) -> bytes:
    """An honest picture with something to see in it: a sky that is lighter on one side, and a dark field."""
    sky = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", [sky, sky.point(lambda value: 255 - value), sky.point(lambda value: value // 2)])
    file = io.BytesIO()
    picture.convert(mode).save(file, format, **options)
    return file.getvalue()


def jpeg_with(*segments: bytes, after: bytes = b"", size: tuple[int, int] = (80, 40)) -> bytes:
    """An honest photo, and something beside it."""
    content = photo(*size)
    return content[:2] + b"".join(segments) + content[2:] + after


def exif(*, orientation: int = 1, place: bytes = GPS) -> bytes:
    """How the camera was held, and where."""
    entries = [
        struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0),
        struct.pack(">HHII", 0x010E, 2, len(place), 8 + 2 + 2 * 12 + 4),
    ]
    return b"MM\0*" + struct.pack(">IH", 8, len(entries)) + b"".join(entries) + struct.pack(">I", 0) + place


# --- WebP ---------------------------------------------------------------------------------------------------------


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def black_bits(width: int, height: int) -> bytes:
    """Lossless, with codes of no bits at all: any size takes eight bytes."""
    number, place = 0, 0
    fields = [(width - 1, 14), (height - 1, 14), (1, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for value, bits in fields + [(1, 4)] * 5:
        number |= value << place
        place += bits
    return b"\x2f" + number.to_bytes(-(-place // 8) + 4, "little")


def black_webp(width: int, height: int) -> bytes:
    return riff((b"VP8L", black_bits(width, height)))


def canvas(width: int, height: int, *, flags: int = 0x10) -> tuple[bytes, bytes]:
    return b"VP8X", struct.pack("<I", flags) + _u24(width - 1) + _u24(height - 1)


def moving_webp(frames: int, *, side: int = 300, frame_side: int | None = None) -> bytes:
    bits = black_bits(frame_side or side, frame_side or side)
    inner = b"VP8L" + struct.pack("<I", len(bits)) + bits + b"\0" * (len(bits) % 2)
    size = _u24((frame_side or side) - 1) * 2
    frame = b"ANMF", _u24(0) * 2 + size + _u24(100) + b"\0" + inner
    return riff(canvas(side, side, flags=0x12), (b"ANIM", struct.pack("<IH", 0, 0)), *[frame] * frames)


def _u24(number: int) -> bytes:
    return number.to_bytes(3, "little")


# --- GIF ----------------------------------------------------------------------------------------------------------


def gif(
    width: int, height: int, *, screen: tuple[int, int] | None = None, frames: int = 1, before: bytes = b""
) -> bytes:
    """`frames` of this size on a screen of another; `before` them, in the file, what the builder wants to say.

    Its pixels end after the first: what is lacking costs nothing to send.
    """
    colours = b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", *(screen or (width, height)), 0x80, 0, 0)
        + colours
        + before
        + (frame * frames + b";")
    )


def moving_gif(frames: int) -> bytes:
    """An honest first frame, and again and again."""
    content = photo(40, 20, format="GIF", mode="1")
    beginning = content.index(b",")
    return content[:beginning] + content[beginning:-1] * frames + b";"


def gif_comment(text: bytes) -> bytes:
    blocks = [text[place : place + 255] for place in range(0, len(text), 255)]
    return b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


# --- others -------------------------------------------------------------------------------------------------------


def zipped(*, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.js", MARK)
        archive.comment = comment
    return file.getvalue()


def svg(script: str = "<script>alert(1)</script>") -> bytes:
    return (
        f'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{script}</svg>'.encode()
    )


def pdf(*objects: bytes, version: bytes = b"1.7") -> bytes:
    """A page and whatever else; the table of objects is left for readers to rebuild."""
    page = b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[]/Count 0>> endobj\n"
    return (
        b"%PDF-"
        + version
        + b"\n%\xe2\xe3\xcf\xd3\n"
        + page
        + b"\n".join(objects)
        + (b"\ntrailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF\n")
    )


def pdf_stream(data: bytes, dictionary: bytes = b"/Type/ObjStm/N 1/First 5/Filter/FlateDecode") -> bytes:
    return b"9 0 obj <<%s/Length %d>>\nstream\n%s\nendstream\nendobj" % (dictionary, len(data), data)
