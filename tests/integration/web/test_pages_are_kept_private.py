"""What browsers are told to do with pages: keep nothing, frame nothing, run nothing foreign."""

import pytest

from tests.people import make_world
from tests.samples import LEASE
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def world(database):
    world = make_world()
    world.add("lease.md", LEASE)
    return world


@pytest.fixture(scope="module")
def bob(world, installation):
    with Visitor(installation.address, world.bob) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def document(world):
    return world.documents["lease.md"]


def test_pages_say_what_browsers_may_do(bob, world, document, installation):
    for address in ("/", f"/matters/{world.matter.id}/documents/", f"/documents/{document}/"):
        headers = bob.get(address).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


def test_an_original_is_a_download_that_runs_nothing(bob, world, document):
    with world.bob.entered():
        version = world.matter.documents.get(pk=document).live_version_id
    headers = bob.get(f"/documents/versions/{version}/file/").headers
    assert headers["content-disposition"] == 'attachment; filename="lease.md"'
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-security-policy"].startswith("sandbox")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-length"] == str(len(LEASE.encode()))


def test_no_page_holds_script_or_style_of_its_own(bob, world, document):
    for address in ("/", "/help/", f"/matters/{world.matter.id}/documents/"):
        page = bob.get(address).text
        assert "style=" not in page
        assert "<style" not in page
        assert "javascript:" not in page
        assert "onclick" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page
