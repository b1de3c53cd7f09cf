"""What ends a sign-in by way of a provider.

SignOnRefused      nobody is signed in; carries the reason for the record and a sentence for people
"""

from uuid import UUID

from compliance.events import SignInFailure

UNTRUSTED = (
    "{label} answered in a way that cannot be trusted, so you are not signed in. Begin again; if "
    "it happens twice, give this reference to whoever runs this installation."
)
SENTENCES = {
    SignInFailure.NOT_BEGUN_HERE: (
        "This sign-in was not begun in this browser, or it took longer than ten minutes. Begin "
        "again here."
    ),
    SignInFailure.PROVIDER_REFUSED: "{label} did not sign you in. Begin again, or ask who runs it.",
    SignInFailure.PROVIDER_UNAVAILABLE: (
        "{label} does not answer. Wait a minute and begin again, or sign in another way."
    ),
    SignInFailure.WRONG_PASSWORD: (
        "That name and password do not belong together. Check both and try again."
    ),
    SignInFailure.LOCKED: (
        "This name is locked for a quarter of an hour after too many wrong passwords. Wait, then "
        "try again."
    ),
    SignInFailure.NOT_LINKED: (
        "{label} knows you, but no account here is linked to you yet. Ask an administrator to "
        "link it, and give them this reference."
    ),
    SignInFailure.NAME_TAKEN: (
        "{label} knows you, but an account here has your name and is not linked to you. Ask an "
        "administrator to link it if it is yours."
    ),
    SignInFailure.NO_ROLE: (
        "{label} knows you, but none of your groups has a role here. Ask for the group you need."
    ),
    SignInFailure.ROLES_CONFLICT: (
        "Your groups give you roles that nobody may hold together, or an administrator's beside "
        "a matter. Ask for a second account for administration or for the record."
    ),
    SignInFailure.DISABLED: "Your account here is closed. Ask an administrator to open it again.",
    SignInFailure.NO_CERTIFICATE: (
        "Your browser showed no certificate, or one that was not accepted. Insert the card, "
        "restart the browser and begin again."
    ),
}


class SignOnRefused(Exception):
    """Nobody was signed in. `account` is whose account it was about, once that was proven."""

    def __init__(self, reason: SignInFailure, *, account: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.account = account

    def sentence(self, label: str) -> str:
        """What the person at the keyboard is told; `label` is what the provider is called."""
        return SENTENCES.get(self.reason, UNTRUSTED).format(label=label)
