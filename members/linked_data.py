"""A member as search engines read it: schema.org in JSON-LD, of what the public may see."""

import json

from django.utils.safestring import SafeString, mark_safe

from members.public import PublicMember, Terms

# Within <script> nothing is an entity: what could end it is written as JavaScript writes it (as Django's json_script).
_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def organisation(member: PublicMember, terms: Terms, language: str, *, page: str, logo: str) -> SafeString:
    """The organisation as schema.org/NGO, for a data block of its page (application/ld+json). `page` and `logo` are
    absolute addresses; `logo` is "" where there is none to be shown."""
    work = [terms.areas.get(key, key) for key in member.areas] + [terms.rights.get(key, key) for key in member.rights]
    address = {
        "@type": "PostalAddress",
        "streetAddress": member.street,
        "postalCode": member.postcode,
        "addressLocality": member.city,
        "addressCountry": member.country,
    }
    told = {
        "@context": "https://schema.org",
        "@type": "NGO",
        "name": member.name,
        "alternateName": member.acronym,
        "description": member.text(language)[0],
        "url": member.website or page,
        "mainEntityOfPage": page,
        "logo": logo,
        "email": member.email,
        "telephone": member.telephone,
        "address": _without_gaps(address),
        "knowsAbout": work,
        "memberOf": {"@type": "NGO", "name": "PICUM"},
    }
    written = json.dumps(_without_gaps(told), ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(written)  # noqa: S308  # see _ESCAPES


def _without_gaps(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if value}
