"""The words for an emergency, for the parts of a page that stand on all of them."""

from django import template

from portal import words

register = template.Library()


@register.simple_tag
def stop_words() -> words.StopWords:
    return words.stop_words()


@register.simple_tag
def offline_words() -> words.OfflineWords:
    return words.offline_words()
