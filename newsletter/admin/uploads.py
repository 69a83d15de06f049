"""An uploaded list goes straight to where it stays until it is imported, piece by piece: it holds addresses, and must
not lie about in a folder for temporary files."""

import contextlib
import logging
import os
import uuid
from collections.abc import Iterator

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from newsletter import import_jobs

LIMIT = 100_000_000  # octets
log = logging.getLogger(__name__)


class ListFile(UploadedFile):
    """`handle` names the job to be. `fault` says why it could not be written. Of such a file, and of one above LIMIT,
    nothing is kept."""

    handle: uuid.UUID
    fault: str

    @property
    def is_too_large(self) -> bool:
        return self.size > LIMIT

    def delete(self) -> None:
        with contextlib.suppress(OSError):
            import_jobs.upload_of(self.handle).unlink()


class ListUploadHandler(FileUploadHandler):
    """Takes the first file of a form; others run through its fingers, for `SkipFile` would interrupt the first too."""

    found: ListFile | None = None
    file = None

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        if self.found:
            return
        self.handle, self.size, self.fault = uuid.uuid4(), 0, ""
        with self._noting_faults():
            self.path = import_jobs.upload_of(self.handle)
            self.file = open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")  # noqa: SIM115

    def receive_data_chunk(self, raw_data, start):
        if self.found or self.fault:
            return
        self.size += len(raw_data)
        with self._noting_faults():
            if self.size <= LIMIT:
                self.file.write(raw_data)
            else:
                self.path.unlink(missing_ok=True)

    def file_complete(self, file_size):
        if self.found:
            return None
        if not self.fault:
            with self._noting_faults():
                self.file.flush()
        self.found = ListFile(self.file, self.file_name, self.content_type, file_size)
        self.found.handle, self.found.fault = self.handle, self.fault
        return self.found

    def upload_interrupted(self):
        if self.file:
            with contextlib.suppress(OSError):
                self.file.close()
            with contextlib.suppress(OSError):
                self.path.unlink()

    @contextlib.contextmanager
    def _noting_faults(self) -> Iterator[None]:
        """The disk is full, or the folder not ours: the person is told so, and half a list is not left there."""
        try:
            yield
        except OSError as error:
            log.error("An upload cannot be kept: VAR_DIR/imports cannot be written (%s).", error.strerror)
            self.fault = error.strerror or type(error).__name__
            self.upload_interrupted()
