"""The picture of a page is a way to read it: none leaves without an event."""

import re

import pytest

from tests.installation import CHECKOUT
from tests.people import make_world
from tests.visitor import Visitor

PDF = CHECKOUT / "assistant" / "documents" / "samples" / "clinic" / "anticoagulation-guideline.pdf"


@pytest.fixture(scope="module")
def world(database):
    world = make_world()
    world.add("guideline.pdf", PDF)
    return world


@pytest.fixture
def bob(world, installation):
    with Visitor(installation.address, world.bob) as visitor:
        yield visitor


@pytest.fixture
def times_opened(world, superuser):
    """How often Bob has opened a document, by the record."""

    def count():
        query = (
            "select count(*) from compliance_event "
            "where type = 'document.opened' and actor = %s"
        )
        return superuser(query, [world.bob.user.public_id])[0][0]

    return count


@pytest.fixture
def shown(bob, world):
    """The picture's address on a page that Bob was shown."""
    page = bob.get(f"/documents/{world.documents['guideline.pdf']}/?page=1").text
    found = re.search(r'<img src="([^"]+)"', page)
    assert found
    return found.group(1).replace("&amp;", "&")


def test_the_picture_of_a_page_that_was_shown_is_no_second_event(bob, shown, times_opened):
    before = times_opened()
    response = bob.get(shown)
    assert response.content.startswith(b"\x89PNG")
    assert times_opened() == before


def test_a_picture_asked_for_alone_is_recorded_first(bob, shown, times_opened):
    before = times_opened()
    response = bob.get(shown.partition("?")[0])
    assert response.content.startswith(b"\x89PNG")
    assert times_opened() == before + 1


def test_the_proof_of_one_page_does_not_open_another(bob, shown, times_opened):
    before = times_opened()
    assert bob.get(shown.replace("/1.png", "/2.png")).status_code == 200
    assert times_opened() == before + 1


def test_the_proof_of_one_session_does_not_serve_another(
    world, installation, shown, times_opened
):
    with Visitor(installation.address, world.bob) as elsewhere:
        before = times_opened()
        assert elsewhere.get(shown).status_code == 200
        assert times_opened() == before + 1


def test_a_page_that_is_not_there_has_no_picture(bob, shown):
    assert bob.get(shown.replace("/1.png", "/99.png")).status_code == 404
