"""The rules of access in plain Python: why the database shows a row to a person, or does not.

The database decides (`access/migrations`); this mirrors it to give reasons, to look back and to try
a change out. Nothing here knows of Django. That the two never disagree is tested with random
worlds: tests/integration/access/test_rules_agree_with_the_database.py.
"""

from assistant.access.rules.decide import decide as decide
from assistant.access.rules.decide import purposes_to_try as purposes_to_try
from assistant.access.rules.decide import sees_matter as sees_matter
from assistant.access.rules.reasons import Reason as Reason
from assistant.access.rules.reasons import Verdict as Verdict
from assistant.access.rules.reasons import Why as Why
from assistant.access.rules.values import Barrier as Barrier
from assistant.access.rules.values import BarrierKind as BarrierKind
from assistant.access.rules.values import Document as Document
from assistant.access.rules.values import Emergency as Emergency
from assistant.access.rules.values import Matter as Matter
from assistant.access.rules.values import Person as Person
from assistant.access.rules.values import World as World
