"""Configuration mistakes, said before they hurt. Those with `deploy=True` speak up in `check --deploy`."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def broker_is_shared(app_configs, **kwargs) -> list[Error]:
    if not settings.BROKER_IS_EMBEDDED:
        return []
    hint = "Set CELERY_BROKER_URL=redis://… ; the embedded broker is heard only inside `manage.py run`."
    return [Error("The workers have no broker.", hint=hint, id="picum.E001")]


@register(Tags.security, deploy=True)
def address_key_is_its_own(app_configs, **kwargs) -> list[Warning]:
    if settings.ADDRESS_KEY not in {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS}:
        return []
    hint = "Set ADDRESS_KEY once to a long random text and never change it: the stop list is made of hashes under it."
    return [Warning("Addresses are hashed under SECRET_KEY.", hint=hint, id="picum.W001")]


@register(Tags.security, deploy=True)
def site_speaks_tls(app_configs, **kwargs) -> list[Warning]:
    if settings.SITE_URL.startswith("https://"):
        return []
    hint = "Mail programs take the one-click way out (RFC 8058) over https only. Set SITE_URL=https://…"
    return [Warning(f"SITE_URL is {settings.SITE_URL}.", hint=hint, id="picum.W002")]


@register(Tags.security, deploy=True)
def mail_domain_is_a_name(app_configs, **kwargs) -> list[Error]:
    domain = settings.NEWSLETTER_MAIL_DOMAIN
    if "." in domain and not domain.replace(".", "").isdigit():
        return []
    hint = "Set DEFAULT_FROM_EMAIL or NEWSLETTER_MAIL_DOMAIN to a domain of yours, such as picum.example."
    return [Error(f"NEWSLETTER_MAIL_DOMAIN is “{domain}”.", hint=hint, id="picum.E002")]


@register(Tags.security, deploy=True)
def sender_is_not_the_example(app_configs, **kwargs) -> list[Error]:
    domain = urlsplit(f"//{settings.NEWSLETTER_MAIL_DOMAIN}").hostname or ""
    if not domain.endswith((".example", ".invalid", ".test", "example.org", "example.com", "example.net")):
        return []
    hint = "Set DEFAULT_FROM_EMAIL to the newsletter's real sender."
    return [Error(f"Mail would be sent from the example domain {domain}.", hint=hint, id="picum.E003")]


@register(Tags.security, deploy=True)
def password_travels_under_tls(app_configs, **kwargs) -> list[Warning]:
    tls = getattr(settings, "EMAIL_STARTTLS", "never")
    if not getattr(settings, "EMAIL_HOST_USER", "") or settings.EMAIL_USE_SSL or tls == "required":
        return []
    hint = "Somebody between here and the relay could strip the offer of TLS. Write EMAIL_URL=smtp://…?tls=required."
    return [Warning("The relay's password may travel in the clear.", hint=hint, id="picum.W003")]
