"""Searches that are saved, shared and removed."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_POST

from compliance.console import saved
from compliance.console.views import RecordRequest, readers_only


@require_POST
def save(request: RecordRequest) -> HttpResponse:
    """Keep the search that was looked at, and go back to it."""
    readers_only(request)
    query = request.POST.get("query", "")
    try:
        saved.save(
            request.record,
            name=request.POST.get("name", ""),
            query=query,
            shared_with=request.POST.get("shared_with", ""),
        )
    except saved.NotSaved as problem:
        context = {"problem": str(problem), "back": query}
        return render(request, "compliance/not_saved.html", context, status=400)
    return redirect(f"{resolve_url('record')}?{query}")


@require_POST
def remove(request: RecordRequest, search_id: UUID) -> HttpResponse:
    """Forget a search of one's own."""
    readers_only(request)
    if not saved.remove(request.record, search_id):
        raise Http404
    return redirect(f"{resolve_url('record')}?{request.POST.get('query', '')}")
