"""The page on which somebody says for what purpose they read."""

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from assistant.access import purposes as verbs
from assistant.access.web import signed_in
from assistant.accounts.requests import Request


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def purpose(request: Request) -> HttpResponse:
    """What can be chosen, and the choice. Answers that are being written for another end."""
    request.session[verbs.ASKED] = True
    problems: list[str] = []
    if request.method == "POST":
        wanted = request.POST.get("purpose", "")
        try:
            verbs.choose(request.record, request.user, purpose=wanted)
        except ValidationError as error:
            problems = error.messages
        else:
            request.session[verbs.SHOWN] = verbs.labelled(wanted)
            return redirect("home")
    context = {
        "offered": verbs.offered(request.user),
        "chosen": verbs.current(),
        "problems": problems,
    }
    return render(request, "access/purpose.html", context, status=400 if problems else 200)
