"""Single mails over SMTP, encrypted wherever the relay can: Django's own backend knows "always" and "never" only."""

import smtplib
import ssl

from django.conf import settings
from django.core.mail.backends import smtp


class EmailBackend(smtp.EmailBackend):
    """Takes what EMAIL_URL says with tls=offered, as the newsletter's own connections do: STARTTLS (RFC 3207) where it
    is offered, and then with a certificate that this machine trusts."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Encrypted if settings.EMAIL_STARTTLS == "offered" and not self.use_ssl else super().connection_class


class _Encrypted(smtplib.SMTP):
    """Encrypted, if at all, before anybody can log in."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        try:
            self.ehlo_or_helo_if_needed()
            if self.has_extn("starttls"):
                self.starttls(context=ssl.create_default_context())
        except BaseException:
            self.close()
            raise
