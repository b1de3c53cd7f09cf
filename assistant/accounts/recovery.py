"""Recovery codes: ten codes on paper, each of which stands in for a second factor once."""

import hashlib
import hmac
import secrets

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts.attempts import SIGNIN
from assistant.accounts.models import RecoveryCode, User
from compliance import log
from compliance.events import Context, RecoveryCodesKept, RecoveryCodesMade, RecoveryCodeUsed

CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def grouped_letters(groups: int = 4) -> str:
    """A secret to be written down: groups of four letters and digits, 20 bits each."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups))


def codes_left(user: User) -> int:
    """How many codes would be taken."""
    return _unused(user).filter(confirmed_at__isnull=False).count()


def make_codes(record: Context, user: User) -> list[str]:
    """Ten new codes, to be shown once. They count when `keep` was given one of them.

    Until then the codes made before stay good.
    """
    codes = [grouped_letters() for _ in range(CODES)]
    with transaction.atomic(using=SIGNIN):
        made = RecoveryCodesMade(object=user.public_id, codes=CODES)
        log.append(made, context=record, using=SIGNIN)
        _unused(user).filter(confirmed_at__isnull=True).delete()
        RecoveryCode.objects.using(SIGNIN).bulk_create(
            RecoveryCode(user_id=user.pk, code_hash=_hash(user, code)) for code in codes
        )
    return codes



def keep(record: Context, user: User, typed: str) -> bool:
    """Let the codes count that were shown last, if this is one of them; it is not used up."""
    with transaction.atomic(using=SIGNIN):
        shown = list(_unused(user).filter(confirmed_at__isnull=True).select_for_update())
        if _find(user, typed, shown) is None:
            return False
        log.append(RecoveryCodesKept(object=user.public_id), context=record, using=SIGNIN)
        rows = RecoveryCode.objects.using(SIGNIN).filter(user_id=user.pk)
        rows.exclude(pk__in=[code.pk for code in shown]).delete()
        rows.update(confirmed_at=timezone.now())
    return True


def spend(record: Context, user: User, typed: str) -> bool:
    """Use a code up; False when it is none. Runs inside `attempts.attempt`."""
    unused = list(_unused(user).filter(confirmed_at__isnull=False))
    code = _find(user, typed, unused)
    if code is None:
        return False
    used = RecoveryCodeUsed(object=user.public_id, left=len(unused) - 1)
    log.append(used, context=record, using=SIGNIN)
    RecoveryCode.objects.using(SIGNIN).filter(pk=code.pk).update(used_at=timezone.now())
    return True


def _unused(user: User) -> QuerySet[RecoveryCode]:
    return RecoveryCode.objects.using(SIGNIN).filter(user_id=user.pk, used_at__isnull=True)


def _find(user: User, typed: str, codes: list[RecoveryCode]) -> RecoveryCode | None:
    wanted = _hash(user, typed)
    found = [code for code in codes if hmac.compare_digest(code.code_hash, wanted)]
    return found[0] if found else None


def _hash(user: User, typed: str) -> str:
    """A plain hash is enough: a code has 79 bits, too many to be tried."""
    letters = "".join(letter for letter in typed.lower() if letter.isalnum())
    digest = hashlib.sha256(f"{user.public_id}/{letters}".encode()).hexdigest()
    return f"sha256.v1${digest}"


def were_shown(user: User, codes: list[str]) -> bool:
    """Whether these are the codes that wait for one of them to be typed back."""
    waiting = {code.code_hash for code in _unused(user).filter(confirmed_at__isnull=True)}
    return bool(waiting) and {_hash(user, code) for code in codes} == waiting
