"""Files made to do harm: each is refused or comes out clean, with less than 300 MB for the whole process.

The files are as in tests/members/hostile.py; each is cleaned in a process of its own, and its peak of memory asked of
the system.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import strategies as st
from PIL import Image

from members.images import ONE_AT_A_TIME, RefusedImage, clean_logo, clean_scan
from members.papers import RefusedPaper, clean_paper
from tests.members import hostile
from tests.members.hostile import GPS, GREY, MARK, RGBA

ROOT = Path(__file__).resolve().parent.parent.parent
MEGABYTE = 1024 * 1024
MOST = 300 * MEGABYTE
DAMAGED = "This picture is damaged or incomplete. Please save it again as PNG or JPEG."
ACTIVE = (
    "This PDF contains a program or another file, or cannot be checked for that. Please print it into a new PDF, and "
    "send that one."
)


def too_many(width: int, height: int) -> str:
    return f"This picture has too many pixels: {width} × {height}. Please make it smaller."


# --- memory -------------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """A file, and what becomes of it: a sentence, or the size of the picture."""

    build: Callable[[], bytes]
    outcome: str | tuple[int, int]
    what: str = "logo"


CASES = {
    "a true PNG of 30,000 × 30,000": Case(
        lambda: hostile.black_png(30_000, 30_000, bits=1, colours=GREY), too_many(30_000, 30_000)
    ),
    "a true JPEG of 30,000 × 30,000": Case(lambda: hostile.grey_jpeg(30_000, 30_000), too_many(30_000, 30_000)),
    "a WebP of 16,383 × 16,383 in 32 bytes": Case(lambda: hostile.black_webp(16_383, 16_383), too_many(16_383, 16_383)),
    "a WebP of 24 megapixels, of which it takes four copies": Case(
        lambda: hostile.black_webp(4900, 4900), too_many(4900, 4900)
    ),
    "a GIF of 65,535 × 65,535": Case(lambda: hostile.gif(65_535, 65_535), too_many(65_535, 65_535)),
    "a GIF with a frame larger than its screen": Case(
        lambda: hostile.gif(65_535, 65_535, screen=(9, 9)), too_many(65_535, 65_535)
    ),
    "a PNG that is one pixel wide and endless": Case(
        lambda: hostile.black_png(1, 24_000_000, colours=GREY), too_many(1, 24_000_000)
    ),
    "the largest PNG that is drawn": Case(lambda: hostile.black_png(5000, 5000, colours=RGBA), (400, 400)),
    "the largest PNG that is drawn, as a scan": Case(
        lambda: hostile.black_png(5000, 5000, colours=RGBA), (3000, 3000), "paper"
    ),
    "the largest WebP that is drawn": Case(lambda: hostile.moving_webp(200, side=2500), (400, 400)),
    "an honest photo of 20 megapixels": Case(lambda: hostile.photo(5472, 3648, quality=60), (600, 400)),
    "an honest photo of 20 megapixels, as a scan": Case(
        lambda: hostile.photo(5472, 3648, quality=60, progressive=True), (3000, 2000), "paper"
    ),
    "a progressive JPEG in four colours": Case(
        lambda: hostile.progressive_jpeg(3060, 3060, components=4, scans=40), (3000, 3000), "paper"
    ),
    "a progressive JPEG in more scans than anybody needs": Case(
        lambda: hostile.progressive_jpeg(3000, 3000, scans=10_000), DAMAGED
    ),
    "a JPEG of a million empty segments": Case(
        lambda: hostile.jpeg_with(hostile.segment(0xE3, b"") * 1_200_000), DAMAGED
    ),
    "a PNG of four hundred thousand empty chunks": Case(lambda: hostile.png_with(*[(b"tEXt", b"")] * 200_000), DAMAGED),
    "a PNG whose profile is a bomb": Case(lambda: hostile.png_with((b"iCCP", b"x\0\0" + hostile.bomb(400))), (40, 20)),
    "a PNG whose comment is a bomb": Case(lambda: hostile.png_with((b"zTXt", b"x\0\0" + hostile.bomb(400))), (40, 20)),
    "a PNG whose pixels are a bomb": Case(
        lambda: hostile.png(hostile.header(40, 20), (b"IDAT", hostile.bomb(400)), hostile.END), (40, 20)
    ),
    "a PNG of 11,000 frames": Case(lambda: hostile.moving_png(11_000), (100, 100)),
    "a WebP of 5,000 frames": Case(lambda: hostile.moving_webp(5000), (300, 300)),
    "a GIF of 5,000 frames": Case(lambda: hostile.moving_gif(5000), (40, 20)),
    "a PDF whose streams are bombs": Case(
        lambda: hostile.pdf(*[hostile.pdf_stream(hostile.bomb(10), b"/Filter/FlateDecode")] * 120), ACTIVE, "paper"
    ),
    "a PDF of a million streams": Case(lambda: hostile.pdf(b"stream\n" * 1_400_000), ACTIVE, "paper"),
    "a PDF full of spelled letters": Case(lambda: hostile.pdf(b"#41" * 3_300_000), ACTIVE, "paper"),
    "a PDF full of objects": Case(lambda: hostile.pdf(b"/ObjStm " * 1_200_000), ACTIVE, "paper"),
}


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory) -> dict[str, tuple[dict, Path]]:
    """What became of each file, by its name in CASES, and where the clean one lies."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{number}.upload" for number, name in enumerate(CASES)}
    for name, path in paths.items():
        path.write_bytes(CASES[name].build())
    environment = os.environ | {"VAR_DIR": str(folder), "SECRET_KEY": django_settings.SECRET_KEY, "DEBUG": "true"}
    command = [sys.executable, "-m", "tests.members.cleaning"]
    command += [f"{CASES[name].what}={path}" for name, path in paths.items()]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=True)
    results = zip(paths.items(), json.loads(done.stdout), strict=True)
    return {name: (result, path.with_suffix(".clean")) for (name, path), result in results}


@pytest.mark.parametrize("name", CASES)
def test_it_takes_less_than_300_megabytes(cleaned, name):
    result, path = cleaned[name]
    assert 20 * MEGABYTE < result["peak"] < MOST  # the least of them is Python and Django
    expected = CASES[name].outcome
    if isinstance(expected, str):
        assert result["words"] == expected
    else:
        assert result["words"] == ""
        with Image.open(path) as picture:
            assert picture.size == expected


def test_pictures_are_drawn_one_at_a_time():
    """What one of them takes is all that the process takes, in however many threads it serves."""
    drawn = []
    with ONE_AT_A_TIME:
        thread = Thread(target=lambda: drawn.append(clean_logo(io.BytesIO(PHOTO))))
        thread.start()
        thread.join(0.2)
        assert drawn == []
    thread.join()
    assert [logo.width for logo in drawn] == [80]


# --- what hides in a picture --------------------------------------------------------------------------------------

PHOTO = hostile.photo(80, 40)
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + MARK + GPS + b"</x:xmpmeta>"
POLYGLOTS = {
    "a PNG with words": hostile.png_with((b"tEXt", b"Comment\0" + MARK), (b"iTXt", b"a\0\0\0\0\0" + MARK)),
    "a PNG with GPS": hostile.png_with((b"eXIf", hostile.exif()), (b"prVt", MARK)),
    "a PNG and a ZIP": hostile.png_with(after=hostile.zipped()),
    "a PNG and a page": hostile.png_with(after=b"<html>" + MARK),
    "a PNG with a profile of lies": hostile.png_with((b"iCCP", b"x\0\0" + hostile.packed([MARK]))),
    "a PNG with words between its pixels": hostile.png(
        hostile.header(40, 20), hostile.black(40, 20), (b"tEXt", b"a\0" + MARK), hostile.black(40, 20), hostile.END
    ),
    "a JPEG with PHP": hostile.jpeg_with(hostile.segment(0xFE, MARK)),
    "a JPEG with GPS": hostile.jpeg_with(hostile.segment(0xE1, b"Exif\0\0" + hostile.exif())),
    "a JPEG with XMP": hostile.jpeg_with(hostile.segment(0xE1, XMP)),
    "a JPEG with a caption": hostile.jpeg_with(hostile.segment(0xED, b"Photoshop 3.0\0" + MARK)),
    "a JPEG with a second picture": hostile.jpeg_with(
        hostile.segment(0xE2, b"MPF\0II*\0" + GPS), after=hostile.jpeg_with(hostile.segment(0xFE, MARK))
    ),
    "a JPEG with a thumbnail": hostile.jpeg_with(hostile.segment(0xE0, b"JFXX\0\x10" + PHOTO + MARK)),
    "a JPEG and a ZIP": hostile.jpeg_with(after=hostile.zipped()),
    "a JPEG and a PDF": hostile.jpeg_with(hostile.segment(0xFE, b"%PDF-1.7 " + MARK), after=hostile.pdf(MARK)),
    "a WebP with words": hostile.riff(
        hostile.canvas(40, 20, flags=0x3C),
        (b"ICCP", MARK),
        (b"VP8L", hostile.black_bits(40, 20)),
        (b"EXIF", hostile.exif(place=MARK + GPS)),
        (b"XMP ", XMP),
        (b"evil", MARK),
    ),
    "a WebP and a ZIP": hostile.black_webp(40, 20) + hostile.zipped(),
    "a GIF with words": hostile.photo(40, 20, format="GIF", comment=MARK + GPS),
    "a GIF and a page": hostile.photo(40, 20, format="GIF") + MARK,
    # Its width reads "/*".
    "a GIF that is JavaScript": hostile.photo(0x2A2F, 1, format="GIF", comment=b"*/=1;" + MARK),
}


def pieces(content: bytes) -> list[bytes]:
    """What a file is made of: the names of PNG's chunks, the markers of JPEG up to the pixels."""
    if content.startswith(hostile.PNG):
        names, place = [], 8
        while place < len(content):
            names.append(content[place + 4 : place + 8])
            place += 12 + int.from_bytes(content[place : place + 4])
        return sorted(set(names))
    markers, place = [], 2
    while content[place + 1] != 0xDA:
        markers.append(content[place : place + 2])
        place += 2 + int.from_bytes(content[place + 2 : place + 4])
    assert content.endswith(hostile.STOP)
    return sorted(set(markers))


@pytest.mark.parametrize("name", POLYGLOTS)
def test_nothing_of_a_polyglot_is_left_but_the_picture(name):
    hidden = POLYGLOTS[name]
    assert any(trace in hidden for trace in (MARK, GPS, b"PK\3\4", hostile.packed([MARK])))
    logo, scan = clean_logo(io.BytesIO(hidden)), clean_scan(io.BytesIO(hidden))
    assert pieces(logo.content) == [b"IDAT", b"IEND", b"IHDR"]
    assert pieces(scan) == [b"\xff\xc0", b"\xff\xc4", b"\xff\xdb", b"\xff\xe0"]
    for content in (logo.content, scan):
        assert not any(trace in content for trace in (MARK, b"<?php", b"amal", GPS, b"PK", b"Exif", b"%PDF"))


# --- what lies ----------------------------------------------------------------------------------------------------

WHOLE = {
    "PNG": hostile.photo(80, 40, format="PNG"),
    "JPEG": PHOTO,
    "progressive JPEG": hostile.photo(80, 40, progressive=True),
    "WebP": hostile.photo(80, 40, format="WEBP"),
    "WebP with a canvas": hostile.photo(80, 40, format="WEBP", exif=hostile.exif()),
    "moving WebP": hostile.moving_webp(3),
    "GIF": hostile.photo(80, 40, format="GIF"),
}
LIES = {
    "a PNG of nothing": hostile.png(hostile.header(0, 20), hostile.black(1, 20), hostile.END),
    "a PNG without pixels": hostile.png(hostile.header(40, 20), hostile.END),
    "a PNG with too few pixels": hostile.png(hostile.header(4000, 4000), hostile.black(40, 20), hostile.END),
    "a PNG of no colours that there are": hostile.png(hostile.header(4, 4, colours=7), (b"IDAT", b""), hostile.END),
    "a PNG with a chunk that never ends": hostile.PNG + b"\xff\xff\xff\xffIHDR" + b"\0" * 100,
    "a PNG that begins with something else": hostile.png((b"CgBI", b"\0" * 4), hostile.header(40, 20), hostile.END),
    "a PNG with wrong sums": WHOLE["PNG"].replace(b"IDAT", b"IDAT\1", 1),
    "a JPEG of nothing": hostile.grey_jpeg(0, 40),
    "a JPEG that says its height later": hostile.grey_jpeg(40, 0),
    "a JPEG with two sizes": hostile.jpeg_with(hostile.frame(9, 9)),
    "a JPEG without a header": hostile.START + hostile.segment(0xDA, b"\1\1\0\0\x3f\0") + b"\0" * 9 + hostile.STOP,
    "a JPEG without pixels": PHOTO[: PHOTO.index(b"\xff\xda")] + hostile.STOP,
    "a JPEG of a kind that nobody uses": PHOTO.replace(b"\xff\xc0", b"\xff\xc9", 1),
    "a JPEG with a segment of no length": hostile.jpeg_with(b"\xff\xe3\0\0"),
    "a progressive JPEG of no components": hostile.START
    + hostile.frame(9, 9, marker=0xC2, components=0)
    + (hostile.segment(0xDA, b"\0\0\0\0") + b"\0" * 9 + hostile.STOP),
    "a progressive JPEG with factors of zero": hostile.progressive_jpeg(40, 40).replace(b"\x11\0", b"\0\0"),
    "a WebP with a picture larger than its canvas": hostile.riff(
        hostile.canvas(9, 9), (b"VP8L", hostile.black_bits(9000, 9000))
    ),
    "a WebP with a frame larger than its canvas": hostile.moving_webp(2, side=9, frame_side=9000),
    "a WebP without a picture": hostile.riff(hostile.canvas(9, 9), (b"EXIF", hostile.exif())),
    "a WebP that is none": hostile.riff((b"VP8 ", b"nothing at all")),
    "a GIF of nothing": hostile.gif(0, 0),
    "a GIF with too few pixels": hostile.gif(4000, 4000),
    "a GIF of a hundred thousand comments": hostile.gif(9, 9, before=hostile.gif_comment(b"") * 100_000),
    "a GIF without a frame": hostile.gif(9, 9, frames=0),
}


@pytest.mark.parametrize("name", LIES)
def test_a_picture_that_is_not_what_it_says_is_refused(name):
    for clean in (clean_logo, clean_scan):
        with pytest.raises(RefusedImage, match=rf"^{DAMAGED}$"):
            clean(io.BytesIO(LIES[name]))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_picture_that_breaks_off_is_refused(name, share):
    whole = WHOLE[name]
    assert clean_logo(io.BytesIO(whole)).width
    with pytest.raises(RefusedImage, match=rf"^{DAMAGED}$"):
        clean_logo(io.BytesIO(whole[: int(len(whole) * share)]))


# --- chance -------------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw, whole: list[bytes]) -> bytes:
    """A file with some of its bytes changed, cut out or doubled."""
    content = bytearray(draw(st.sampled_from(whole)))
    for _number in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, min(len(content) - 1, 700)))
        length = draw(st.integers(0, 8))
        content[place : place + length] = draw(st.binary(max_size=8))
    return bytes(content)


@hypothesis.given(damaged(list(WHOLE.values())))
@hypothesis.settings(max_examples=500)
def test_whatever_happens_to_a_picture_it_is_refused_or_clean(content):
    try:
        logo = clean_logo(io.BytesIO(content))
    except RefusedImage:
        return
    assert pieces(logo.content) in ([b"IDAT", b"IEND", b"IHDR"], [b"IDAT", b"IEND", b"IHDR", b"PLTE"])
    assert logo.width <= 800
    assert logo.height <= 400


@hypothesis.given(damaged([hostile.pdf(), hostile.pdf(hostile.pdf_stream(hostile.packed([b"1 0 <<>>"])))]))
@hypothesis.settings(max_examples=300)
def test_whatever_happens_to_a_paper_it_is_refused_or_whole(content):
    try:
        paper = clean_paper(SimpleUploadedFile("a.pdf", content))
    except RefusedPaper:
        return
    assert (paper.content, paper.content_type) == (content, "application/pdf")
