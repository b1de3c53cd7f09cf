"""The demonstration is made once, whole, with passwords that work; a second run adds nothing."""

import json
from pathlib import Path

import pytest

from assistant.access.matters import matter_named, my_matters
from assistant.accounts.acting import acting_as
from assistant.accounts.identity import entered
from assistant.accounts.models import Role, User
from assistant.documents import retrieve, vectors
from assistant.documents.management.commands.demo import BANK, CASES, CLINIC, LAW, PEOPLE, SAMPLES
from assistant.documents.models import Document
from assistant.documents.parse import Limits, read_file
from tests.installation import Installation
from tests.people import Person
from tests.visitor import Visitor

LARGEST_BYTES = 60_000
FILES = sorted(path for case in CASES for path in (SAMPLES / case.folder).iterdir())

# The questions of samples/QUESTIONS.md: who asks, in which matter, and what the page has to say.
QUESTIONS = [
    ("clinician", CLINIC, "anticoagulation-guideline.pdf", 1, "vitamin K 2 mg by mouth",
     "At what INR should vitamin K be given to a patient on warfarin who is not bleeding?"),
    ("clinician", CLINIC, "anticoagulation-guideline.pdf", 2, "for 48 hours",
     "How long is apixaban paused before a procedure with high bleeding risk?"),
    ("nurse", CLINIC, "visit-note-rosalind-achterberg.md", 1, "weighs less than 60 kg",
     "Why does Mrs Achterberg get the lower dose of apixaban?"),
    ("lawyer", LAW, "master-services-agreement.pdf", 2, "150 % of the Annual Charges",
     "What is the limit of liability in the master services agreement, and what does it not apply "
     "to?"),
    ("lawyer", LAW, "settlement-agreement.pdf", 1, "29 May 2026",
     "How much is the second instalment of the settlement, and when is it due?"),
    ("paralegal", LAW, "memo-on-limitation.html", 1, "30 November 2025",
     "By when had the claim against Osprey to be issued, and why?"),
    ("banker", BANK, "term-sheet-aldermoor.pdf", 2, "below 1.15",
     "Below which debt service cover ratio is a distribution locked up?"),
    ("banker", BANK, "quarterly-results-q4-2025.pdf", 2, "15.2 %",
     "What was the CET1 ratio at the end of 2025?"),
    ("analyst", BANK, "fx-exposure.csv", 1, "CHF",
     "In which currency is the open position above its limit?"),
]  # fmt: skip


@pytest.fixture(scope="module")
def passwords(installation: Installation) -> dict[str, str]:
    """The demonstration, made and read; each person's password."""
    done = installation.manage("demo", "--json", "--wait")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(list(line) == ["user", "password", "role", "matters"] for line in lines)
    assert [(line["user"], line["role"], tuple(line["matters"])) for line in lines] == [
        (somebody.username, somebody.role, somebody.matters) for somebody in PEOPLE
    ]
    return {line["user"]: line["password"] for line in lines}


def test_there_are_people_of_every_role(passwords: dict[str, str]) -> None:
    roles = User.objects.filter(username__in=passwords).values_list("roles", flat=True)
    assert {role for some in roles for role in some} == set(Role)


def test_everybody_signs_in_and_is_not_sent_to_change_the_password(
    installation: Installation, passwords: dict[str, str]
) -> None:
    for username in ("clinician", "administrator"):
        person = Person(user=User.objects.get(username=username), password=passwords[username])
        with Visitor(installation.address, person) as visitor:
            assert visitor.get("/").headers.get("location") != "/account/"
        assert not person.user.must_change_password


@pytest.mark.parametrize("somebody", PEOPLE, ids=lambda somebody: somebody.username)
def test_each_sees_the_own_matters_with_their_documents_and_no_other(
    passwords: dict[str, str], somebody: object
) -> None:
    username, matters = somebody.username, somebody.matters  # type: ignore[attr-defined]
    with acting_as(username, command="test") as acting, entered(acting.token):
        seen = {matter.reference: matter.documents for matter in my_matters(acting.user)}
    assert set(seen) == set(matters)
    files = {case.reference: len(list((SAMPLES / case.folder).iterdir())) for case in CASES}
    assert seen == {reference: files[reference] for reference in matters}


def test_a_second_run_makes_nothing_and_shows_no_password(
    installation: Installation, passwords: dict[str, str]
) -> None:
    before = User.objects.count()
    done = installation.manage("demo", "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing new was made" in done.stderr
    assert User.objects.count() == before
    with acting_as("librarian", command="test") as acting, entered(acting.token):
        assert Document.objects.count() == len(FILES)


@pytest.mark.parametrize(("who", "reference", "file", "page", "says", "question"), QUESTIONS)
def test_a_suggested_question_finds_its_page(
    passwords: dict[str, str],
    who: str,
    reference: str,
    file: str,
    page: int,
    says: str,
    question: str,
) -> None:
    with acting_as(who, command="test") as acting, entered(acting.token):
        found = retrieve.passages_for(
            question,
            vectors.embedder().query(question),
            scope=retrieve.scope_of(matter_named(reference).id),
            limit=4,
        )
    places = [(passage.title, passage.page) for passage in found]
    assert (file, page) in places, places
    assert any(says in " ".join(passage.text.split()) for passage in found), found


def test_the_suggested_questions_are_the_ones_in_the_file() -> None:
    written = " ".join((SAMPLES / "QUESTIONS.md").read_text().split())
    for *_, question in QUESTIONS:
        assert question in written


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder)
def test_each_matter_has_several_kinds_of_documents(case: object) -> None:
    files = list((SAMPLES / case.folder).iterdir())  # type: ignore[attr-defined]
    suffixes = [path.suffix for path in files]
    assert 6 <= len(files) <= 8
    assert suffixes.count(".pdf") >= 2
    assert len(set(suffixes)) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_is_small_and_every_page_has_text(path: Path) -> None:
    assert path.stat().st_size < LARGEST_BYTES
    parsed = read_file(path, name=path.name, limits=Limits())
    assert all(parsed.text[page.start : page.end].strip() for page in parsed.pages)
    if path.suffix == ".pdf":
        assert len(parsed.pages) >= 2


def test_an_account_that_only_has_the_name_of_one_of_ours_stops_it(
    installation: Installation, passwords: dict[str, str]
) -> None:
    nurse = User.objects.filter(username="nurse")
    name = nurse.get().display_name
    nurse.update(display_name="Somebody Else")
    try:
        done = installation.manage("demo", "--reset-passwords", "--json")
    finally:
        nurse.update(display_name=name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "an account called nurse that is not of the demonstration" in done.stderr


def test_new_passwords_replace_the_old_ones(
    installation: Installation, passwords: dict[str, str]
) -> None:
    done = installation.manage("demo", "--reset-passwords", "--json")
    given = {line["user"]: line["password"] for line in map(json.loads, done.stdout.splitlines())}
    assert set(given) == set(passwords)
    assert not set(given.values()) & set(passwords.values())
    person = Person(user=User.objects.get(username="banker"), password=given["banker"])
    with Visitor(installation.address, person) as visitor:
        assert visitor.get("/account/").status_code == 200
