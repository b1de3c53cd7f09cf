"""Addresses of libraries and documents."""

from django.urls import path

from assistant.documents import views, views_labels, views_reader

urlpatterns = [
    path("matters/<uuid:matter_id>/documents/", views.library, name="library"),
    path("matters/<uuid:matter_id>/documents/rows/", views.rows, name="library-rows"),
    path("matters/<uuid:matter_id>/documents/upload/", views.upload, name="upload"),
    path("documents/<uuid:document_id>/", views_reader.document, name="document"),
    path("documents/<uuid:document_id>/labels/", views_labels.labels, name="document-labels"),
    path("documents/<uuid:document_id>/delete/", views.delete, name="delete-document"),
    path("documents/versions/<uuid:version_id>/cancel/", views.cancel, name="cancel-version"),
    path("documents/versions/<uuid:version_id>/retry/", views.retry, name="retry-version"),
    path("documents/versions/<uuid:version_id>/file/", views_reader.original, name="original"),
    path(
        "documents/versions/<uuid:version_id>/pages/<int:number>.png",
        views_reader.picture,
        name="page-picture",
    ),
]
