"""What must be true of the members' settings."""

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def fees_have_an_account(app_configs, **kwargs) -> list[Warning]:
    if settings.MEMBERS_IBAN:
        return []
    hint = "Set MEMBERS_IBAN to the account to which fees are paid; until then no debit note can be sent."
    return [Warning("There is no account for the members' fees.", hint=hint, id="members.W001")]


@register(Tags.security, deploy=True)
def account_is_not_the_example(app_configs, **kwargs) -> list[Warning]:
    if settings.MEMBERS_IBAN != "BE68539007547034":
        return []
    hint = "Set MEMBERS_IBAN to the network's own account: this one stands in everybody's examples."
    return [Warning("Members would pay to the example account.", hint=hint, id="members.W002")]


@register()
def account_has_a_name(app_configs, **kwargs) -> list[Warning]:
    if len(settings.MEMBERS_ACCOUNT_NAME) <= 70:
        return []
    hint = "Shorten MEMBERS_ACCOUNT_NAME: a transfer carries 70 characters (EPC069-12), and no QR code could be drawn."
    return [Warning("The account's name is too long.", hint=hint, id="members.W003")]
