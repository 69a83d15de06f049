"""Fields of forms for files from outside, and the door for forms that are far too big.

`request.FILES` has to be handed to the form, and the form's tag needs `enctype="multipart/form-data"`. In the page, the
hint (`help_text`) and the errors belong to the input by `aria-describedby`, as for every field.
"""

from typing import Any

from django import forms
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from members.images import LOGO_BYTES, Logo, RefusedImage, clean_logo
from members.papers import PDF_BYTES, CleanPaper, RefusedPaper, clean_paper

MOST_BODY = 45_000_000  # bytes of a whole form: four papers of the largest size
_MEGABYTE = 1_000_000


class LogoField(forms.FileField):
    """A picture; `cleaned_data` holds the `Logo` that we have drawn of it. Without a file, it is the initial value."""

    widget = forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"})

    def __init__(self, **options):
        hint = format_lazy(_("PNG, JPEG, WebP or GIF, at most {limit} MB."), limit=LOGO_BYTES // _MEGABYTE)
        super().__init__(**{"help_text": hint} | options)

    def clean(self, data: UploadedFile | None, initial: Any = None) -> Logo | Any:
        file = super().clean(data, initial)
        if not isinstance(file, UploadedFile):
            return file
        try:
            return clean_logo(file)
        except RefusedImage as error:
            raise forms.ValidationError(str(error), code="refused") from None


class PaperField(forms.FileField):
    """A PDF or a scan; `cleaned_data` holds the `CleanPaper`. Without a file, it is the initial value."""

    widget = forms.FileInput(attrs={"accept": "application/pdf,image/png,image/jpeg"})

    def __init__(self, **options):
        hint = format_lazy(
            _("PDF, or a scan as JPEG or PNG; at most {limit} MB. Only our staff will read it."),
            limit=PDF_BYTES // _MEGABYTE,
        )
        super().__init__(**{"help_text": hint} | options)

    def clean(self, data: UploadedFile | None, initial: Any = None) -> CleanPaper | Any:
        file = super().clean(data, initial)
        if not isinstance(file, UploadedFile):
            return file
        try:
            return clean_paper(file)
        except RefusedPaper as error:
            raise forms.ValidationError(str(error), code="refused") from None


class BodyLimit(FileUploadHandler):
    """The first of FILE_UPLOAD_HANDLERS: a body that no form of ours could want is refused before any of it is read.

    Django itself limits all of a body but its files; those it would write to the disk until that is full. What is
    between this limit and a field's own is read, and refused by the field with a sentence. A view with handlers of its
    own has a limit of its own.
    """

    def handle_raw_input(self, input_data, meta, content_length, boundary, encoding=None):
        if content_length > MOST_BODY:
            raise RequestDataTooBig("The body is larger than members.uploads.MOST_BODY.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
