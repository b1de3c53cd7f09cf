"""An authenticator app, and setting one up the way a person does."""

import re
import time
from dataclasses import dataclass

import httpx

from assistant.accounts import totp
from assistant.accounts.models import Authenticator
from tests.people import Person
from tests.visitor import Visitor

_SECRET = re.compile(r'class="secret-text">([A-Z2-7 ]+)<')
_CODE = re.compile(r"<li><code>([a-z0-9-]{19})</code>")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An authenticator app that holds one account."""

    secret: bytes

    def code(self, *, steps: int = 0) -> str:
        """The code it shows, or will show after some steps of 30 seconds."""
        return totp.code_at(self.secret, totp.step_at(time.time()) + steps)


def forget_used_codes(person: Person) -> None:
    """As if some time had passed since the last code was used."""
    Authenticator.objects.using("signin").filter(user_id=person.user.pk).update(last_step=0)


def first_step(address: str, person: Person) -> Visitor:
    """Somebody who has given the password and nothing else."""
    visitor = Visitor(address)
    visitor.person = person
    visitor.sign_in(person)
    return visitor


def send(visitor: Visitor, page: str, data: dict[str, object]) -> httpx.Response:
    """Fill in the form of a page that is shown before anybody is signed in."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get(page).text)
    assert found, visitor.get(page).headers
    return visitor.http.post(
        page,
        data={**data, "csrfmiddlewaretoken": found.group(1)},
        headers={"Origin": visitor.address, "Referer": visitor.address + page},
    )


def set_up_app(visitor: Visitor) -> App:
    """Put the secret of the page into an app and type its first code."""
    found = _SECRET.search(visitor.get("/second-factor/set-up/app/").text)
    assert found
    app = App(secret=totp.unspelled(found.group(1).replace(" ", "")))
    response = send(visitor, "/second-factor/set-up/app/", {"code": app.code()})
    assert response.status_code == 302, response.text
    return app


def keep_codes(visitor: Visitor) -> list[str]:
    """Have recovery codes shown and type one back."""
    shown = send(visitor, "/second-factor/recovery/", {"do": "make"})
    codes = _CODE.findall(shown.text)
    assert len(codes) == 10
    response = send(visitor, "/second-factor/recovery/", {"code": codes[3].upper()})
    assert response.status_code == 302, response.text
    return codes


def enrolled(address: str, person: Person) -> tuple[App, list[str]]:
    """The app and the recovery codes of somebody who has gone through it all."""
    with first_step(address, person) as visitor:
        app = set_up_app(visitor)
        codes = keep_codes(visitor)
        assert visitor.get("/matters/").status_code == 200
    forget_used_codes(person)
    return app, codes
