"""The page of a document's labels, for the leads of its matter."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from assistant.access.errors import Missing
from assistant.access.matters import leads, people_who_see
from assistant.access.people import named_in
from assistant.access.teams import groups
from assistant.access.web import signed_in
from assistant.accounts.models import Clearance
from assistant.accounts.requests import Request
from assistant.documents import library as shelf
from assistant.documents.labels import Labels, labels_of, set_labels


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def labels(request: Request, document_id: UUID) -> HttpResponse:
    """Who may read the document and for what, and the means to change it."""
    document = shelf.document_for(document_id)
    if not leads(document.matter):
        raise Missing
    problems: list[str] = []
    if request.method == "POST":
        try:
            set_labels(request.record, document, _given(request.POST))
        except ValidationError as error:
            problems = error.messages
        else:
            return redirect("library", document.matter_id)
    context = {
        "document": document,
        "labels": labels_of(document),
        "levels": Clearance.choices,
        "groups": groups(),
        "members": people_who_see(document.matter_id),
        "readers": shelf.who_can_see(document),
        "problems": problems,
    }
    return render(request, "documents/labels.html", context, status=400 if problems else 200)


def _given(fields: QueryDict) -> Labels:
    people, teams = named_in(",".join(fields.getlist("people")), fields.getlist("groups"))
    try:
        level = Clearance(int(fields.get("classification", "")))
    except ValueError as error:
        raise ValidationError("Choose a level.") from error
    return Labels(
        classification=level,
        purposes=tuple(fields.get("purposes", "").replace(",", " ").split()),
        restricted=fields.get("restricted") == "yes",
        people=people,
        groups=teams,
    )
