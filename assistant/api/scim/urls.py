"""Addresses of SCIM, below /scim/v2/."""

from django.urls import path

from assistant.api.scim import views

urlpatterns = [
    path("ServiceProviderConfig", views.config, name="scim-config"),
    path("Schemas", views.schemas, name="scim-schemas"),
    path("Schemas/<str:name>", views.schemas, name="scim-schema"),
    path("ResourceTypes", views.resource_types, name="scim-resource-types"),
    path("ResourceTypes/<str:name>", views.resource_types, name="scim-resource-type"),
    path(".search", views.search, name="scim-search"),
    path("Users/.search", views.people_search, name="scim-people-search"),
    path("Groups/.search", views.groups_search, name="scim-groups-search"),
    path("Users", views.people, name="scim-people"),
    path("Users/<str:public_id>", views.person, name="scim-person"),
    path("Groups", views.groups, name="scim-groups"),
    path("Groups/<str:group_id>", views.group, name="scim-group"),
    path("<path:rest>", views.nothing, name="scim-nothing"),
]
