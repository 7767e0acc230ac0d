"""Set up a clinic and invite the first person who will manage its members."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse

from accounts.channels import member_mail
from accounts.models import Membership
from accounts.services import members
from common import clock, zones
from common.refusals import Refused


class Command(BaseCommand):
    help = (
        "Make a clinic and mail the first person's invitation. The link is printed too, for a machine without mail. "
        "Nobody skips the second factor: no command here signs anybody in or takes a factor away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the clinic's name, as members see it")
        parser.add_argument("address", help="the e-mail address of the first person")
        parser.add_argument("--zone", required=True, help="where its working day happens, such as Europe/London")
        parser.add_argument("--phone", required=True, help="whom patients call")
        parser.add_argument(
            "--after-hours",
            default="Nobody reads what you write outside working hours. Call the number above.",
            help="what patients read who write when nobody reads",
        )
        parser.add_argument(
            "--role",
            default=Membership.Role.ADMINISTRATOR.value,
            choices=[Membership.Role.ADMINISTRATOR.value, Membership.Role.PRINCIPAL.value],
            help="principal: also prescriber and auditor, for a practice of one",
        )

    def handle(self, *, name: str, address: str, zone: str, phone: str, role: str, **options: Any) -> None:
        try:
            validate_email(address)
        except ValidationError as error:
            raise CommandError("That is not an e-mail address.") from error
        try:
            opening = members.found_clinic(
                name=name,
                zone_name=zones.parse(zone).key,
                phone=phone,
                after_hours_words=options["after_hours"],
                address=address,
                role=role,
                at=clock.now(),
            )
        except Refused as refusal:
            raise CommandError(refusal.sentence) from refusal
        self._hand_over(name, opening)

    def _hand_over(self, name: str, opening: members.Opening) -> None:
        invitation = opening.invitation
        link = settings.BASE_URL + reverse("desk:join", kwargs={"member_token": opening.token})
        until = (invitation.expires_at - timedelta(days=1)).date()
        taken = member_mail.invite(address=invitation.address, link=link, clinic=name, until=until)
        if taken:
            members.invitation_mailed(invitation=invitation, at=clock.now())
        self.stdout.write(
            "The invitation is on its way."
            if taken
            else "The mail server did not take the invitation: hand the link over yourself."
        )
        self.stdout.write(f"It opens once, for seven days: {link}")
