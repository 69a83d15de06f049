"""Pictures from outside, drawn anew: a logo, or the scan of a paper. Nothing of the file that was sent is kept.

What a file is, its first bytes say; its name and what the browser calls it are not asked. Its header is read before
anything is unpacked, and a picture that would take too much memory is refused there. Then the decoder gets to see what
`image_parts` leaves of it, one picture at a time in each process, and what it has drawn is turned upright, scaled down,
and written as a new file, which has no place for GPS, comments, scripts or anything that hung on behind.

Logos become PNG: every browser shows it, and so do mail programs (Outlook for Windows shows no WebP), office programs
and makers of PDF; it keeps transparency, and thin letters stay sharp. Scans become JPEG: a page in PNG takes ten times
as much. The colours of logos are brought to sRGB before their profile is left behind; in scans nobody looks for that,
and strangers' profiles are kept from the library that reads them.
"""

import io
import logging
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image, ImageCms

from members.image_parts import MOST_PROFILE, Malformed, Parts, take_apart

LOGO_BYTES, SCAN_BYTES = 5_000_000, 10_000_000
LOGO_SIZE, SCAN_SIZE = (800, 400), (3000, 3000)  # pixels
MOST_PIXELS, MOST_SIDE = 25_000_000, 20_000  # four bytes each while they are decoded, and sixteen for each row
# What a decoder may need beside that: a progressive JPEG of 24 megapixels, a WebP of 6.
MOST_MEMORY = 75_000_000
LARGE_PNG = 250_000  # bytes
STRIP = 64  # rows that are converted at once
# What people send us instead, by how the file begins. XML may be something else than a drawing, but no picture either.
_OTHER_KINDS = {
    b"%PDF-": "PDF",
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "PSD",
    b"BM": "BMP",
    b"\0\0\1\0": "ICO",
    b"PK\3\4": "ZIP",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}
_OTHER_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC"}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ONE_AT_A_TIME = Lock()
log = logging.getLogger(__name__)


class RefusedImage(Exception):
    """The file cannot become a picture; the message tells the person why, and what to do."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as we have drawn it: the content of a PNG file, and its size in pixels."""

    content: bytes
    width: int
    height: int


def clean_logo(file: BinaryIO) -> Logo:
    """A PNG of at most 800 × 400 pixels from an uploaded PNG, JPEG, WebP or GIF (of a moving picture, its first frame).

    Takes under a second for an honest file. Raises RefusedImage.
    """
    parts = _parts(file, LOGO_BYTES)
    with ONE_AT_A_TIME:
        picture = _upright(_scaled(parts, LOGO_SIZE), parts)
        picture = _in_srgb(picture, parts.profile)
        return Logo(_as_png(picture), *picture.size)


def clean_scan(file: BinaryIO) -> bytes:
    """The content of a JPEG file of at most 3000 × 3000 pixels from a scanned or photographed paper, of the same kinds
    as for a logo. Raises RefusedImage."""
    parts = _parts(file, SCAN_BYTES)
    with ONE_AT_A_TIME:
        picture = _upright(_scaled(parts, SCAN_SIZE, on_white=True), parts)
        return _written(picture, "JPEG", quality=85, optimize=True)


# --- what may be decoded ------------------------------------------------------------------------------------------


def read(file: BinaryIO, most: int) -> bytes | None:
    """All of a file from its beginning; None when there is more than that. What it says of its size is not asked."""
    file.seek(0)
    content = file.read(most + 1)
    return content if len(content) <= most else None


def _parts(file: BinaryIO, most: int) -> Parts:
    content = read(file, most)
    if content is None:
        megabytes = most // 1_000_000
        raise RefusedImage(
            _("This picture is larger than %(limit)d MB. Please make it smaller.") % {"limit": megabytes}
        )
    try:
        parts = take_apart(content)
    except Malformed:
        raise RefusedImage(_damaged()) from None
    if parts is None:
        raise RefusedImage(_of_another_kind(content))
    pixels, side = parts.width * parts.height, max(parts.width, parts.height)
    if pixels > MOST_PIXELS or side > MOST_SIDE or parts.memory > MOST_MEMORY:
        size = {"width": parts.width, "height": parts.height}
        raise RefusedImage(
            _("This picture has too many pixels: %(width)d × %(height)d. Please make it smaller.") % size
        )
    return parts


def _damaged() -> str:
    return _("This picture is damaged or incomplete. Please save it again as PNG or JPEG.")


def _of_another_kind(content: bytes) -> str:
    kind = next((kind for start, kind in _OTHER_KINDS.items() if content.startswith(start)), "")
    if content[4:8] == b"ftyp":
        kind = _OTHER_BRANDS.get(content[8:12], "")
    if b"<svg" in content[:4096].replace(b"\0", b"").lower() or content[:2] == b"\x1f\x8b":
        kind = "SVG"  # in UTF-8 or UTF-16, or packed
    if not kind:
        return _("We cannot read this file as a picture. Please save it as PNG or JPEG.")
    return _("We cannot take %(kind)s files. Please save the picture as PNG or JPEG.") % {"kind": kind}


# --- decoding and drawing -----------------------------------------------------------------------------------------


def _scaled(parts: Parts, most: tuple[int, int], *, on_white: bool = False) -> Image.Image:
    """The picture itself, scaled down to `most`, still lying as the camera was held: RGB, RGBA or CMYK. `on_white`: RGB
    always, and white where it was transparent.

    First across, strip by strip, then down: so there is never a second large picture beside the one that was decoded.
    """
    size = _fitting((parts.width, parts.height), most[::-1] if parts.orientation >= 5 else most)
    image = _decoded(parts, size)
    is_transparent = image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info
    mode = "RGBA" if is_transparent else "CMYK" if image.mode == "CMYK" else "RGB"
    across = Image.new("RGB" if on_white else mode, (size[0], image.height))
    for top in range(0, image.height, STRIP):
        strip = _converted(image.crop((0, top, image.width, min(top + STRIP, image.height))), mode)
        if on_white:
            strip = _on_white(strip)
        across.paste(strip.resize((size[0], strip.height), Image.Resampling.LANCZOS), (0, top))
    del image
    return across.resize(size, Image.Resampling.LANCZOS)


def _converted(strip: Image.Image, mode: str) -> Image.Image:
    if strip.mode.startswith("I"):  # grey in sixteen bits, of which Pillow would take the lower ones
        strip = strip.point(lambda value: value * (1 / 256)).convert("L")
    return strip.convert(mode)


def _on_white(strip: Image.Image) -> Image.Image:
    if strip.mode == "RGBA":
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
    return strip.convert("RGB")


def _decoded(parts: Parts, size: tuple[int, int]) -> Image.Image:
    """The pixels. A JPEG is decoded at a half, a quarter or an eighth, if that is still as large as `size`. Raises
    RefusedImage for whatever the decoder stumbles over."""
    try:
        image = Image.open(io.BytesIO(parts.content), formats=[parts.format])
        if image.size != (parts.width, parts.height):
            raise Malformed  # we have judged something else than what would be decoded
        image.draft(None, size)
        image.load()
    except Exception as error:
        log.info("A picture could not be decoded: %s", type(error).__name__)
        raise RefusedImage(_damaged()) from None
    return image


def _fitting(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    scale = min(1, most[0] / size[0], most[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _upright(picture: Image.Image, parts: Parts) -> Image.Image:
    return picture.transpose(_UPRIGHT[parts.orientation]) if parts.orientation > 1 else picture


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """In the colours of the web. A profile that is broken, or for other colours than the picture has, is passed over.

    So is one that holds a program ("mpet": any number of steps for each colour), and sRGB itself.
    """
    space = {"RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}[picture.mode]
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    is_srgb = b"sRGB" in profile.replace(b"\0", b"")
    if profile[16:20] == space and len(profile) <= MOST_PROFILE and b"mpet" not in profile and not is_srgb:
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError) as error:
            log.info("A colour profile could not be used: %s", type(error).__name__)
    return picture.convert(mode)


def _as_png(picture: Image.Image) -> bytes:
    """Its file. A photograph has to do with 256 colours: a page shows many logos."""
    if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
        picture = picture.convert("RGB")
    content = _written(picture, "PNG", optimize=True)
    if len(content) <= LARGE_PNG or picture.mode == "RGBA":
        return content
    few = picture.quantize(256)
    return _written(picture.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG), "PNG", optimize=True)


def _written(picture: Image.Image, format: str, **options) -> bytes:
    picture.info.clear()  # profiles and comments, which would be written too
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()
