"""Amal uploads the logo of her organisation: it becomes a plain PNG, or she is told what is wrong and what to do."""

import io
import struct

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms, ImageDraw

from members.images import LARGE_PNG, LOGO_BYTES, Logo, RefusedImage, clean_logo
from members.uploads import LogoField
from tests.members import hostile

RED, BLUE, CLEAR = (255, 0, 0), (0, 0, 255), (0, 0, 0, 0)
DAMAGED = "This picture is damaged or incomplete. Please save it again as PNG or JPEG."
UNKNOWN = "We cannot read this file as a picture. Please save it as PNG or JPEG."


def another_kind(kind: str) -> str:
    return f"We cannot take {kind} files. Please save the picture as PNG or JPEG."


def drawing(width: int = 80, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Blue, and red in the upper left quarter."""
    picture = Image.new("RGB", (width, height), BLUE)
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return picture.convert(mode)


def saved(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def cleaned(content: bytes) -> Logo:
    return clean_logo(io.BytesIO(content))


def shown(logo: Logo) -> Image.Image:
    """The logo as a browser shows it."""
    with Image.open(io.BytesIO(logo.content)) as picture:
        assert (picture.format, picture.size, picture.info.keys() - {"transparency"}) == (
            "PNG", (logo.width, logo.height), set(),
        )  # fmt: skip
        return picture.convert("RGBA")


def is_near(colour: tuple[int, ...], expected: tuple[int, ...], *, by: int = 20) -> bool:
    return all(abs(one - other) <= by for one, other in zip(colour, expected, strict=False))


# --- what it becomes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [((3000, 1000), (800, 267)), ((1000, 3000), (133, 400)), ((80, 40), (80, 40)), ((5000, 2), (800, 1))],
)
def test_a_large_logo_is_scaled_down_in_proportion_and_a_small_one_stays(size, expected):
    for content in (saved(drawing(*size)), saved(drawing(*size), "JPEG")):
        logo = cleaned(content)
        assert (logo.width, logo.height) == expected == shown(logo).size


KINDS = {
    "PNG": saved(drawing()),
    "PNG of few colours": saved(drawing(mode="P")),
    "PNG with transparency": saved(drawing(mode="RGBA")),
    "JPEG": saved(drawing(), "JPEG", quality=95, subsampling=0),
    "progressive JPEG": saved(drawing(), "JPEG", quality=95, progressive=True),
    "JPEG with restarts": saved(drawing(), "JPEG", quality=95, restart_marker_rows=1),
    "JPEG for a printing press": saved(drawing(mode="CMYK"), "JPEG", quality=95, subsampling=0),
    "WebP": saved(drawing(), "WEBP", quality=95),
    "lossless WebP": saved(drawing(mode="RGBA"), "WEBP", lossless=True),
    "WebP with a canvas": saved(drawing(), "WEBP", quality=95, exif=hostile.exif()),
    "GIF": saved(drawing(), "GIF"),
    "interlaced GIF": saved(drawing(), "GIF", interlace=1),
    "moving GIF": saved(drawing(), "GIF", save_all=True, append_images=[Image.new("RGB", (80, 40), "green")] * 3),
    "moving PNG": saved(drawing(), save_all=True, append_images=[Image.new("RGB", (80, 40), "green")] * 3),
    "moving WebP": saved(drawing(), "WEBP", save_all=True, append_images=[Image.new("RGB", (80, 40), "green")] * 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_png_of_the_same_picture(kind):
    picture = shown(cleaned(KINDS[kind]))
    assert picture.size == (80, 40)
    corners = [picture.getpixel(place) for place in ((5, 5), (75, 5), (5, 35), (75, 35))]
    expected = [RED, BLUE, BLUE, BLUE]
    assert all(is_near(one, other, by=40) for one, other in zip(corners, expected, strict=True)), corners
    assert {corner[3] for corner in corners} == {255}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_grey_stays_grey(mode):
    if mode == "I;16":
        picture = Image.frombytes("I;16", (2, 1), struct.pack("<HH", 0x8000, 0))
    else:
        picture = Image.new(mode, (2, 1), 0)
        picture.putpixel((0, 0), {"1": 1, "L": 128, "LA": (128, 255)}[mode])
    drawn = shown(cleaned(saved(picture)))
    assert is_near(drawn.getpixel((0, 0)), (255,) * 3 if mode == "1" else (128,) * 3, by=1)
    assert is_near(drawn.getpixel((1, 0)), (0, 0, 0), by=1)


def see_through(format: str, **options) -> bytes:
    picture = drawing(1600, 800, mode="RGBA")
    picture.paste(CLEAR, (800, 0, 1600, 800))
    return saved(picture, format, **options)


@pytest.mark.parametrize(
    "content",
    [
        see_through("PNG"),
        see_through("WEBP", lossless=True),
        see_through("WEBP", quality=90),
        see_through("GIF"),
        hostile.png(hostile.header(4, 2), (b"tRNS", b"\0" * 6), hostile.black(4, 2), hostile.END),
    ],
    ids=["PNG", "lossless WebP", "WebP", "GIF", "PNG with one transparent colour"],
)
def test_transparency_is_kept(content):
    picture = shown(cleaned(content))
    assert picture.getpixel((picture.width - 1, 0))[3] == 0
    if picture.width > 4:
        assert picture.size == (800, 400)
        assert is_near(picture.getpixel((100, 100)), (*RED, 255))
        assert is_near(picture.getpixel((100, 300)), (*BLUE, 255))


HELD = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 10))
def test_however_the_camera_was_held_the_picture_is_upright(format, orientation):
    lying = drawing(2000, 400)
    if orientation in HELD:
        lying = lying.transpose(HELD[orientation])
    picture = shown(cleaned(saved(lying, format, exif=b"Exif\0\0" + hostile.exif(orientation=orientation))))
    assert picture.size == (800, 160)
    assert is_near(picture.getpixel((10, 10)), RED)
    assert is_near(picture.getpixel((790, 150)), BLUE)


def test_a_photograph_has_to_do_with_few_colours_so_that_a_page_of_logos_loads():
    photo = Image.effect_noise((1600, 800), 40).convert("RGB")
    photo = Image.blend(photo, drawing(1600, 800), 0.5)
    logo = cleaned(saved(photo, "JPEG", quality=80))
    assert len(logo.content) < 1.3 * LARGE_PNG
    assert is_near(shown(logo).resize((2, 2), Image.Resampling.BOX).getpixel((0, 0)), (191, 64, 64), by=5)
    with Image.open(io.BytesIO(logo.content)) as picture:
        assert picture.mode == "P"


# --- colours ------------------------------------------------------------------------------------------------------


def profile(*, space: bytes = b"RGB ", more: bytes = b"") -> bytes:
    """A profile (ICC.1, version 2) in which what is called red looks green, and the other way round."""
    green, red, blue = (0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139), (0.1431, 0.0606, 0.7141)
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*values) for name, values in
            {b"rXYZ": green, b"gXYZ": red, b"bXYZ": blue, b"wtpt": (0.9642, 1, 0.8249)}.items()}  # fmt: skip
    tags |= {name: b"curv\0\0\0\0" + struct.pack(">IHH", 1, 0x0233, 0) for name in (b"rTRC", b"gTRC", b"bTRC")}
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", place + len(data), len(value))
        data += value
    body = struct.pack(">I", len(tags)) + table + data + more
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + _fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + body


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_look_as_the_profile_says(format, mode):
    picture = Image.new(mode, (60, 30), RED).convert("RGB" if format == "JPEG" else mode)
    if picture.mode == "RGBA":
        picture.putpixel((59, 29), CLEAR)
    drawn = shown(cleaned(saved(picture, format, icc_profile=profile())))
    assert is_near(drawn.getpixel((5, 5)), (0, 255, 0))


@pytest.mark.parametrize(
    "given",
    [
        b"nothing",
        profile()[:200],
        profile(space=b"GRAY"),
        profile(space=b"CMYK"),
        profile(more=b"mpet"),
        profile(more=b"sRGB"),
        profile(more=b"\0" * 4_100_000),
        b"\xff" * 500,
        profile()[:128] + b"\xff" * 300,
    ],
    ids=[
        "nonsense", "cut off", "of greys", "of inks", "with a program", "sRGB itself", "too large", "noise",
        "with a table of noise",
    ],
)  # fmt: skip
def test_a_profile_that_is_of_no_use_is_passed_over(given):
    drawn = shown(cleaned(saved(Image.new("RGB", (60, 30), RED), icc_profile=given)))
    assert drawn.getpixel((5, 5)) == (*RED, 255)


def test_the_profile_of_these_tests_is_one():
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile())).profile.xcolor_space == "RGB "


# --- what is refused ----------------------------------------------------------------------------------------------

REFUSED = {
    "an SVG with a script": (hostile.svg(), another_kind("SVG")),
    "an SVG without": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', another_kind("SVG")),
    "an SVG behind a mark and a comment": (b"\xef\xbb\xbf<!-- by hand -->" + hostile.svg(), another_kind("SVG")),
    "an SVG in UTF-16": (hostile.svg().decode().encode("utf-16"), another_kind("SVG")),
    "a packed SVG": (b"\x1f\x8b\x08\0", another_kind("SVG")),
    "a PDF": (hostile.pdf(), another_kind("PDF")),
    "an EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n(x) show", another_kind("EPS")),
    "an EPS with a preview": (b"\xc5\xd0\xd3\xc6" + b"\0" * 30, another_kind("EPS")),
    "a TIFF": (saved(drawing(), "TIFF"), another_kind("TIFF")),
    "a BMP": (saved(drawing(), "BMP"), another_kind("BMP")),
    "an ICO": (saved(drawing(), "ICO"), another_kind("ICO")),
    "a PSD": (b"8BPS\0\1" + b"\0" * 30, another_kind("PSD")),
    "an AVIF": (saved(drawing(), "AVIF"), another_kind("AVIF")),
    "a HEIC of a telephone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", another_kind("HEIC")),
    "a JPEG 2000": (saved(drawing(), "JPEG2000"), another_kind("JPEG 2000")),
    "a ZIP": (hostile.zipped(), another_kind("ZIP")),
    "a film": (b"\0\0\0\x18ftypmp42\0\0\0\0isom", UNKNOWN),
    "a page": (b"<!doctype html><script>alert(1)</script>", UNKNOWN),
    "a PNG behind a page": (b"<html>" + saved(drawing()), UNKNOWN),
    "a portable pixmap": (saved(drawing(), "PPM"), UNKNOWN),
    "a program": (b"MZ\x90\0" + b"\0" * 60, UNKNOWN),
    "words": (b"logo", UNKNOWN),
    "nothing": (b"", UNKNOWN),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_picture_of_ours_is_refused_with_a_sentence(what):
    content, words = REFUSED[what]
    with pytest.raises(RefusedImage) as refused:
        cleaned(content)
    assert str(refused.value) == words


def test_a_file_of_more_than_five_megabytes_is_refused_whatever_it_says_of_itself():
    file = SimpleUploadedFile("logo.png", saved(drawing()) + b"\0" * LOGO_BYTES)
    file.size = 100
    with pytest.raises(RefusedImage, match=r"^This picture is larger than 5 MB\. Please make it smaller\.$"):
        clean_logo(file)


def test_a_picture_of_many_megapixels_is_refused_by_its_header():
    content = hostile.png(hostile.header(6000, 5000), (b"IDAT", b"never read"), hostile.END)
    with pytest.raises(RefusedImage) as refused:
        cleaned(content)
    assert str(refused.value) == "This picture has too many pixels: 6000 × 5000. Please make it smaller."


# --- in a form ----------------------------------------------------------------------------------------------------


class ProfileForm(forms.Form):
    logo = LogoField(required=False)


def sent(content: bytes, *, name: str = "logo.png", type: str = "image/png") -> ProfileForm:
    return ProfileForm({}, {"logo": SimpleUploadedFile(name, content, type)})


def test_the_form_hands_over_the_logo():
    form = sent(saved(drawing(2000, 1000), "JPEG"), name="../../etc/passwd.svg", type="image/svg+xml")
    assert form.is_valid()
    logo = form.cleaned_data["logo"]
    assert (type(logo), logo.width, logo.height) == (Logo, 800, 400)


def test_the_form_says_in_a_sentence_what_is_wrong():
    assert sent(hostile.svg(), name="logo.png").errors == {"logo": [another_kind("SVG")]}
    assert sent(saved(drawing())[:-60]).errors == {"logo": [DAMAGED]}
    assert sent(b"").errors == {"logo": ["The submitted file is empty."]}


def test_who_sends_no_logo_keeps_what_was_there():
    assert ProfileForm({}).is_valid()
    form = ProfileForm({}, initial={"logo": "a1b2.png"})
    assert form.is_valid()
    assert form.cleaned_data == {"logo": "a1b2.png"}


def test_the_field_says_what_it_takes_and_never_leads_to_the_file():
    html = str(ProfileForm(initial={"logo": "a1b2.png"})["logo"])
    assert html == (
        '<input type="file" name="logo" accept="image/png,image/jpeg,image/webp,image/gif" '
        'aria-describedby="id_logo_helptext" id="id_logo">'
    )
    assert ProfileForm().fields["logo"].help_text == "PNG, JPEG, WebP or GIF, at most 5 MB."
