"""Addresses of matters, and for administrators of people."""

from django.urls import path

from assistant.access import (
    views,
    views_barriers,
    views_directory,
    views_emergencies,
    views_people,
    views_purpose,
    views_reviews,
    views_settings,
)

urlpatterns = [
    path("matters/", views.matters, name="matters"),
    path("matters/new/", views.create, name="create-matter"),
    path("matters/<uuid:matter_id>/", views.matter, name="matter"),
    path("matters/<uuid:matter_id>/rename/", views.rename, name="rename-matter"),
    path("matters/<uuid:matter_id>/members/", views.add_member, name="add-member"),
    path(
        "matters/<uuid:matter_id>/members/<uuid:person_id>/remove/",
        views.remove_member,
        name="remove-member",
    ),
    path("matters/<uuid:matter_id>/teams/", views_settings.add_team, name="add-team"),
    path(
        "matters/<uuid:matter_id>/teams/<uuid:group_id>/remove/",
        views_settings.remove_team,
        name="remove-team",
    ),
    path("matters/<uuid:matter_id>/client/", views_settings.client, name="matter-client"),
    path("matters/<uuid:matter_id>/purposes/", views_settings.purposes, name="matter-purposes"),
    path("purpose/", views_purpose.purpose, name="purpose"),
    path("barriers/", views_barriers.barriers, name="barriers"),
    path("barriers/preview/", views_barriers.preview, name="preview-barrier"),
    path("barriers/raise/", views_barriers.raise_barrier, name="raise-barrier"),
    path("barriers/<uuid:barrier_id>/lift/", views_barriers.lift, name="lift-barrier"),
    path("break-glass/", views_emergencies.break_glass, name="break-glass"),
    path("break-glass/ask/", views_emergencies.ask, name="ask-emergency"),
    path(
        "break-glass/<uuid:emergency_id>/", views_emergencies.emergency, name="emergency"
    ),
    path(
        "break-glass/<uuid:emergency_id>/decide/",
        views_emergencies.decide,
        name="decide-emergency",
    ),
    path("break-glass/<uuid:emergency_id>/end/", views_emergencies.end, name="end-emergency"),
    path(
        "break-glass/<uuid:emergency_id>/review/",
        views_emergencies.review,
        name="review-emergency",
    ),
    path("notices/", views_emergencies.notices, name="notices"),
    path("notices/read/", views_emergencies.read_notices, name="read-notices"),
    path("reminders/", views_emergencies.reminded, name="reminders"),
    path("reviews/", views_reviews.reviews, name="reviews"),
    path("reviews/open/", views_reviews.open_review, name="open-review"),
    path("reviews/<uuid:review_id>/", views_reviews.review, name="review"),
    path("reviews/<uuid:review_id>/decide/", views_reviews.decide, name="decide-place"),
    path("reviews/<uuid:review_id>/close/", views_reviews.close, name="close-review"),
    path("people/", views_people.people, name="people"),
    path("people/new/", views_people.create, name="create-person"),
    path("people/directory/", views_directory.directory, name="people-directory"),
    path("people/directory/links/", views_directory.link, name="link-identity"),
    path(
        "people/directory/links/<int:identity_id>/remove/",
        views_directory.unlink,
        name="unlink-identity",
    ),
    path("people/directory/tokens/", views_directory.create_token, name="create-scim-token"),
    path(
        "people/directory/tokens/<uuid:token_id>/revoke/",
        views_directory.revoke_token,
        name="revoke-scim-token",
    ),
    path("people/<uuid:person_id>/", views_people.person, name="person"),
    path(
        "people/<uuid:person_id>/sessions/end/",
        views_people.end_sessions,
        name="end-person-sessions",
    ),
    path(
        "people/<uuid:person_id>/second-factors/reset/",
        views_people.reset_second_factors,
        name="reset-second-factors",
    ),
    path(
        "people/<uuid:person_id>/second-factors/defer/",
        views_people.defer_second_factor,
        name="defer-second-factor",
    ),
    path("people/<uuid:person_id>/roles/", views_people.roles, name="person-roles"),
    path("people/<uuid:person_id>/reading/", views_people.reading, name="person-reading"),
    path("people/<uuid:person_id>/active/", views_people.active, name="person-active"),
    path("people/<uuid:person_id>/password/", views_people.password, name="person-password"),
]
