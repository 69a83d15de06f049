"""A picture taken apart: of the file that somebody sent, the decoder gets to see the header, the tables and the pixels.

Everything else stays behind: EXIF with its GPS, XMP, comments, thumbnails, second pictures, all frames but the first,
and whatever hangs on at the end. That is what bombs and polyglots are made of; it is only walked over here, part by
part, without unpacking any of it. What is said by the header decides whether there is to be any decoding at all.

PNG (W3C PNG, third edition), JPEG (ITU-T T.81), WebP (RFC 9649), GIF (89a).
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_PARTS = 20_000  # chunks, segments or blocks: an honest file of 5 MB has a few hundred
MOST_SCANS = 40  # of a progressive JPEG: encoders make about ten, and each costs a walk over the whole picture
MOST_PROFILE = 4_000_000  # bytes; that of a printing press has one or two million


class Malformed(Exception):
    """The file breaks off, or is not built as its format says."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is left of a file. `content` is the same picture in the same format, without anything else.

    `memory`: how many bytes the decoder needs beside the pixels themselves. `orientation`: EXIF's, 1 to 8. `profile`:
    the ICC profile of its colours, if it has one.
    """

    format: str  # as Pillow calls it
    width: int
    height: int
    content: bytes
    memory: int = 0
    orientation: int = 1
    profile: bytes = b""


def take_apart(content: bytes) -> Parts | None:
    """The parts of a picture, by its first bytes and never by its name; None for every other kind of file.

    Raises Malformed."""
    for start, take in _TAKERS.items():
        if re.match(start, content, re.DOTALL):
            try:
                parts = take(content)
            except (struct.error, IndexError):
                raise Malformed from None
            if not parts.width or not parts.height:
                raise Malformed
            return parts
    return None


# --- PNG ----------------------------------------------------------------------------------------------------------

_PNG = b"\x89PNG\r\n\x1a\n"


def _png(content: bytes) -> Parts:
    """Up to the last chunk of the picture itself: an animation's frames come after it."""
    kept, place, extra = [], len(_PNG), {}
    for _number in range(MOST_PARTS):
        length, name = struct.unpack_from(">I4s", content, place)
        end = place + length + 12
        chunk = content[place:end]
        if len(chunk) < length + 12 or (name == b"IHDR") != (not kept):
            raise Malformed
        begun = kept and kept[-1][4:8] == b"IDAT"
        if begun and name != b"IDAT":
            break
        if name in {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}:
            kept.append(chunk)
        elif name in {b"iCCP", b"eXIf"}:
            extra[name] = chunk[8:-4]
        elif name == b"IEND":
            raise Malformed
        place = end
    else:
        raise Malformed
    width, height = struct.unpack_from(">II", kept[0], 8)
    return Parts(
        "PNG",
        width,
        height,
        b"".join([_PNG, *kept, struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))]),
        orientation=_orientation(extra.get(b"eXIf", b"")),
        profile=_inflated(extra.get(b"iCCP", b"").partition(b"\0")[2][1:]),
    )


def _inflated(packed: bytes) -> bytes:
    """A profile of reasonable size; none is as good as a broken one."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed, MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""


# --- JPEG ---------------------------------------------------------------------------------------------------------

_TABLES = {0xC4, 0xDB, 0xDD, 0xE0, 0xEE}  # Huffman, quantisation, restart interval, JFIF, and Adobe's kind of colours
_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive: there is nothing else on the web
# In the data of a scan, 0xFF is followed by a zero or is a restart; anything else ends it.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(content: bytes) -> Parts:
    """Up to the end of the first picture; phones and cameras hang more of them behind it, or films."""
    kept, profile, exif, frame, scans, place = [b"\xff\xd8"], [], b"", b"", 0, 2
    for _number in range(MOST_PARTS):
        while content[place : place + 2] == b"\xff\xff":
            place += 1
        if content[place : place + 2] == b"\xff\xd9":
            break
        mark, marker, length = struct.unpack_from(">BBH", content, place)
        if mark != 0xFF:
            raise Malformed
        end = place + 2 + length
        segment = content[place:end]
        if length < 2 or len(segment) < length + 2:
            raise Malformed
        if marker == 0xDA:
            scans += 1
            if not (found := _AFTER_SCAN.search(content, end)) or not frame or scans > MOST_SCANS:
                raise Malformed
            end = found.start()
            kept.append(content[place:end])
        elif marker in _FRAMES and not frame:
            frame = segment
            kept.append(segment)
        elif 0xC0 <= marker <= 0xCF and marker != 0xC4:
            raise Malformed
        elif marker in _TABLES:
            kept.append(segment)
        elif marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            exif = exif or segment[10:]
        elif marker == 0xE2 and segment[4:16] == b"ICC_PROFILE\0":
            profile.append(segment[16:])
        place = end
    if not scans:
        raise Malformed
    height, width = struct.unpack_from(">HH", frame, 5)
    return Parts(
        "JPEG",
        width,
        height,
        b"".join([*kept, b"\xff\xd9"]),
        memory=_coefficients(frame) if scans > 1 or frame[1] == 0xC2 else 0,
        orientation=_orientation(exif),
        profile=b"".join(piece[2:] for piece in sorted(profile)),
    )


def _coefficients(frame: bytes) -> int:
    """What a picture in several scans takes beside its pixels: two bytes for each coefficient of each component."""
    height, width, number = struct.unpack_from(">HHB", frame, 5)
    factors = [divmod(frame[11 + 3 * which], 16) for which in range(number)]
    largest = max((h for h, _v in factors), default=0) * max((v for _h, v in factors), default=0)
    if not largest:
        raise Malformed
    return 2 * width * height * sum(h * v for h, v in factors) // largest


# --- WebP ---------------------------------------------------------------------------------------------------------


def _webp(content: bytes) -> Parts:
    """The still picture, or the first frame of a moving one."""
    kept, extra, frame = [], {}, b""
    for name, chunk in _riff(content):
        if name == b"VP8X" and not kept and not frame:
            # Of its flags only "it moves" and "it has transparency" stay true.
            kept.append(chunk[:8] + bytes([chunk[8] & 0x12]) + chunk[9:])
        elif name in {b"VP8 ", b"VP8L", b"ANMF"}:
            frame = frame or chunk
        elif name in {b"ALPH", b"ANIM"} and kept and not frame:
            kept.append(chunk)
        elif name in {b"EXIF", b"ICCP"}:
            extra[name] = chunk[8:]
    if not frame:
        raise Malformed
    width, height = (_u24(kept[0], 12) + 1, _u24(kept[0], 15) + 1) if kept else _bitstream(frame)
    body = b"".join([b"WEBP", *kept, frame])
    return Parts(
        "WEBP",
        width,
        height,
        b"RIFF" + struct.pack("<I", len(body)) + body,
        memory=width * height * 12,  # two canvases of the decoder, and its answer
        orientation=_orientation(extra.get(b"EXIF", b"").removeprefix(b"Exif\0\0")),
        profile=extra.get(b"ICCP", b""),
    )


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk with its name, to the end that the file's header says; with what it is padded to."""
    (size,) = struct.unpack_from("<I", content, 4)
    place, end = 12, size + 8
    for _number in range(MOST_PARTS):
        if place >= end:
            return
        name, length = struct.unpack_from("<4sI", content, place)
        chunk = content[place : place + 8 + length + length % 2]
        place += 8 + length + length % 2
        if len(chunk) < 8 + length or place > end:
            raise Malformed
        yield name, chunk


def _bitstream(chunk: bytes) -> tuple[int, int]:
    """The size of a picture without a canvas of its own: RFC 6386, 9.1, or the lossless header."""
    if chunk[:4] == b"VP8 " and chunk[11:14] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", chunk, 14)
        return width & 0x3FFF, height & 0x3FFF
    if chunk[:4] == b"VP8L" and chunk[8] == 0x2F:
        (bits,) = struct.unpack_from("<I", chunk, 9)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise Malformed


def _u24(chunk: bytes, place: int) -> int:
    return int.from_bytes(chunk[place : place + 3], "little")


# --- GIF ----------------------------------------------------------------------------------------------------------


def _gif(content: bytes) -> Parts:
    """The screen, the colours, what the first frame says of its transparency, and the first frame."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    place = 13 + _colours(flags)
    kept = [content[:place]]
    control = b""
    for _number in range(MOST_PARTS):
        kind = content[place]
        if kind == 0x2C:
            break
        if kind != 0x21:
            raise Malformed
        end = _after_blocks(content, place + 2)
        if content[place + 1] == 0xF9:
            control = content[place:end]
        place = end
    else:
        raise Malformed
    left, top, across, down, flags = struct.unpack_from("<HHHHB", content, place + 1)
    width, height = max(width, left + across), max(height, top + down)  # old programs wrote a screen of 0 × 0
    end = _after_blocks(content, place + 10 + _colours(flags) + 1)
    kept += [control, content[place:end], b";"]
    return Parts("GIF", width, height, b"".join(kept))


def _colours(flags: int) -> int:
    """How many bytes a table of colours takes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, place: int) -> int:
    """Behind the empty block that ends a row of blocks."""
    while length := content[place]:
        place += length + 1
    return place + 1


# --- EXIF ---------------------------------------------------------------------------------------------------------


def _orientation(exif: bytes) -> int:
    """How the camera was held, 1 to 8 (EXIF 2.32, tag 0x0112). Where nothing sensible is said: upright."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    (place,) = struct.unpack_from(f"{order}I", exif, 4)
    entries = exif[place + 2 : place + 2 + 12 * 200]
    for at in range(0, len(entries) - 11, 12):
        tag, _type, _count, value = struct.unpack_from(f"{order}HHIH", entries, at)
        if tag == 0x0112:
            return value if 1 <= value <= 8 else 1
    return 1


_TAKERS: dict[bytes, Callable[[bytes], Parts]] = {
    re.escape(_PNG): _png,
    rb"\xff\xd8\xff": _jpeg,
    rb"RIFF....WEBP": _webp,
    rb"GIF8[79]a": _gif,
}
