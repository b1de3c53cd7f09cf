"""The catalogue: every kind of event that can be recorded, one dataclass each.

To add one, write a dataclass in the module it belongs to, with its type, a sentence and a
docstring, name it in the imports here, and add its line to docs/compliance.md
(`python -m compliance.catalogue` prints the table). Fields hold references, digests, counts and
words; `compliance.shape` refuses the rest. `object` is what the event is about; the docstring
says what that is.
"""

from compliance.events.answers import AnswerFailed as AnswerFailed
from compliance.events.answers import AnswerGiven as AnswerGiven
from compliance.events.answers import AnswerRefused as AnswerRefused
from compliance.events.answers import AnswerRetried as AnswerRetried
from compliance.events.answers import AnswerState as AnswerState
from compliance.events.answers import AnswerStopped as AnswerStopped
from compliance.events.answers import ConversationDeleted as ConversationDeleted
from compliance.events.answers import ConversationOpened as ConversationOpened
from compliance.events.answers import ConversationRenamed as ConversationRenamed
from compliance.events.answers import ConversationsSearched as ConversationsSearched
from compliance.events.answers import EvidenceShown as EvidenceShown
from compliance.events.answers import FeedbackGiven as FeedbackGiven
from compliance.events.answers import PassageShown as PassageShown
from compliance.events.answers import QuestionAsked as QuestionAsked
from compliance.events.answers import SearchRan as SearchRan
from compliance.events.barriers import BarrierLifted as BarrierLifted
from compliance.events.barriers import BarrierRaised as BarrierRaised
from compliance.events.barriers import BarriersRead as BarriersRead
from compliance.events.content import ContentErased as ContentErased
from compliance.events.content import ContentUnlocked as ContentUnlocked
from compliance.events.content import ContentUnlockRefused as ContentUnlockRefused
from compliance.events.content import ErasureApproved as ErasureApproved
from compliance.events.content import ErasureAsked as ErasureAsked
from compliance.events.content import ErasureRefused as ErasureRefused
from compliance.events.content import HoldLifted as HoldLifted
from compliance.events.content import HoldPlaced as HoldPlaced
from compliance.events.directory import AccountRenamed as AccountRenamed
from compliance.events.directory import GroupCreated as GroupCreated
from compliance.events.directory import GroupDeleted as GroupDeleted
from compliance.events.directory import GroupJoined as GroupJoined
from compliance.events.directory import GroupLeft as GroupLeft
from compliance.events.directory import GroupRenamed as GroupRenamed
from compliance.events.directory import IdentityLinked as IdentityLinked
from compliance.events.directory import IdentityUnlinked as IdentityUnlinked
from compliance.events.directory import ScimTokenCreated as ScimTokenCreated
from compliance.events.directory import ScimTokenRevoked as ScimTokenRevoked
from compliance.events.documents import DocumentCancelled as DocumentCancelled
from compliance.events.documents import DocumentDeleted as DocumentDeleted
from compliance.events.documents import DocumentDownloaded as DocumentDownloaded
from compliance.events.documents import DocumentDuplicate as DocumentDuplicate
from compliance.events.documents import DocumentIndexed as DocumentIndexed
from compliance.events.documents import DocumentLabelled as DocumentLabelled
from compliance.events.documents import DocumentOpened as DocumentOpened
from compliance.events.documents import DocumentRejected as DocumentRejected
from compliance.events.documents import DocumentRetried as DocumentRetried
from compliance.events.documents import DocumentUploaded as DocumentUploaded
from compliance.events.documents import VersionPublished as VersionPublished
from compliance.events.emergencies import EmergencyApproved as EmergencyApproved
from compliance.events.emergencies import EmergencyAsked as EmergencyAsked
from compliance.events.emergencies import EmergencyEnded as EmergencyEnded
from compliance.events.emergencies import EmergencyOverdue as EmergencyOverdue
from compliance.events.emergencies import EmergencyRefused as EmergencyRefused
from compliance.events.emergencies import EmergencyReviewed as EmergencyReviewed
from compliance.events.ledger import AlarmCleared as AlarmCleared
from compliance.events.ledger import AlarmRaised as AlarmRaised
from compliance.events.ledger import ChainReached as ChainReached
from compliance.events.ledger import DefinitionsChanged as DefinitionsChanged
from compliance.events.ledger import EventProved as EventProved
from compliance.events.ledger import Heartbeat as Heartbeat
from compliance.events.ledger import LogBegun as LogBegun
from compliance.events.ledger import RecordExported as RecordExported
from compliance.events.ledger import RecordVerified as RecordVerified
from compliance.events.matters import MatterClientSet as MatterClientSet
from compliance.events.matters import MatterCreated as MatterCreated
from compliance.events.matters import MatterPurposesSet as MatterPurposesSet
from compliance.events.matters import MatterRenamed as MatterRenamed
from compliance.events.matters import MemberAdded as MemberAdded
from compliance.events.matters import MemberRemoved as MemberRemoved
from compliance.events.matters import TeamAdded as TeamAdded
from compliance.events.matters import TeamRemoved as TeamRemoved
from compliance.events.people import AccessDenied as AccessDenied
from compliance.events.people import AccountCreated as AccountCreated
from compliance.events.people import AccountDisabled as AccountDisabled
from compliance.events.people import AccountEnabled as AccountEnabled
from compliance.events.people import AccountLocked as AccountLocked
from compliance.events.people import BrowserNamed as BrowserNamed
from compliance.events.people import FactorFailure as FactorFailure
from compliance.events.people import PasswordChanged as PasswordChanged
from compliance.events.people import PurposeChosen as PurposeChosen
from compliance.events.people import ReadingSet as ReadingSet
from compliance.events.people import RecoveryCodesKept as RecoveryCodesKept
from compliance.events.people import RecoveryCodesMade as RecoveryCodesMade
from compliance.events.people import RecoveryCodeUsed as RecoveryCodeUsed
from compliance.events.people import RolesChanged as RolesChanged
from compliance.events.people import SecondFactorAdded as SecondFactorAdded
from compliance.events.people import SecondFactorDeferred as SecondFactorDeferred
from compliance.events.people import SecondFactorFailed as SecondFactorFailed
from compliance.events.people import SecondFactorRemoved as SecondFactorRemoved
from compliance.events.people import SecondFactorsReset as SecondFactorsReset
from compliance.events.people import SessionEnded as SessionEnded
from compliance.events.people import SignedIn as SignedIn
from compliance.events.people import SignedOut as SignedOut
from compliance.events.people import SignInBegun as SignInBegun
from compliance.events.people import SignInFailed as SignInFailed
from compliance.events.people import SignInFailure as SignInFailure
from compliance.events.people import SteppedUp as SteppedUp
from compliance.events.reviews import PlaceConfirmed as PlaceConfirmed
from compliance.events.reviews import PlaceExpired as PlaceExpired
from compliance.events.reviews import PlaceRemoved as PlaceRemoved
from compliance.events.reviews import ReviewClosed as ReviewClosed
from compliance.events.reviews import ReviewOpened as ReviewOpened
from compliance.events.rules import ChangeTried as ChangeTried
from compliance.events.rules import ReadersLookedUp as ReadersLookedUp
from compliance.events.rules import RightsLookedUp as RightsLookedUp
from compliance.events.system import CommandRun as CommandRun
from compliance.events.system import IndexTrained as IndexTrained
from compliance.events.system import RecordFollowed as RecordFollowed
from compliance.events.system import RecordFollowEnded as RecordFollowEnded
from compliance.events.system import RecordRead as RecordRead
from compliance.events.system import SearchRemoved as SearchRemoved
from compliance.events.system import SearchSaved as SearchSaved
from compliance.events.system import SystemStarted as SystemStarted
from compliance.events.system import SystemStopped as SystemStopped
from compliance.shape import Context as Context
from compliance.shape import Digest as Digest
from compliance.shape import Event as Event
from compliance.shape import Outcome as Outcome
from compliance.shape import Reference as Reference
from compliance.shape import Word as Word

CATALOGUE: dict[str, type[Event]] = {
    kind.type: kind
    for kind in tuple(globals().values())
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
"""Every event by its type."""
