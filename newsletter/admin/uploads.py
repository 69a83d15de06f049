"""An uploaded list goes straight to where it stays until it is imported, piece by piece: it holds addresses, and must
not lie about in a folder for temporary files."""

import os
import uuid

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from newsletter import import_jobs

LIMIT = 100_000_000  # octets


class ListFile(UploadedFile):
    """`handle` names the job to be. Of a file above LIMIT nothing is kept."""

    handle: uuid.UUID

    @property
    def is_too_large(self) -> bool:
        return self.size > LIMIT

    def delete(self) -> None:
        import_jobs.upload_of(self.handle).unlink(missing_ok=True)


class ListUploadHandler(FileUploadHandler):
    """Takes the first file of a form; others run through its fingers, for `SkipFile` would interrupt the first too."""

    found: ListFile | None = None
    file = None

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        if self.found:
            return
        self.handle, self.size = uuid.uuid4(), 0
        self.path = import_jobs.upload_of(self.handle)
        self.file = open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")  # noqa: SIM115

    def receive_data_chunk(self, raw_data, start):
        if self.found:
            return
        self.size += len(raw_data)
        if self.size <= LIMIT:
            self.file.write(raw_data)
        else:
            self.path.unlink(missing_ok=True)

    def file_complete(self, file_size):
        if self.found:
            return None
        self.file.flush()
        self.found = ListFile(self.file, self.file_name, self.content_type, file_size)
        self.found.handle = self.handle
        return self.found

    def upload_interrupted(self):
        if self.file:
            self.file.close()
            self.path.unlink(missing_ok=True)
