"""Addresses of the pages about oneself, about people, and of help."""

from django.urls import path

from assistant.accounts import views, views_factors, views_sign_on, views_stepup

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/oidc/", views_sign_on.oidc, name="sign-in-oidc"),
    path("sign-in/oidc/return/", views_sign_on.oidc_return, name="sign-in-oidc-return"),
    path("sign-in/saml/", views_sign_on.saml, name="sign-in-saml"),
    path("sign-in/saml/metadata/", views_sign_on.saml_metadata, name="saml-metadata"),
    path("sign-in/saml/response/", views_sign_on.saml_response, name="sign-in-saml-response"),
    path("sign-in/saml/finish/", views_sign_on.saml_finish, name="sign-in-saml-finish"),
    path("sign-in/ldap/", views_sign_on.ldap, name="sign-in-ldap"),
    path("sign-in/certificate/", views_sign_on.certificate, name="sign-in-certificate"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("second-factor/", views_factors.second_factor, name="second-factor"),
    path("second-factor/set-up/", views_factors.choose, name="set-up-second-factor"),
    path("second-factor/set-up/app/", views_factors.set_up_app, name="set-up-app"),
    path("second-factor/set-up/passkey/", views_factors.set_up_passkey, name="set-up-passkey"),
    path("second-factor/passkey/", views_factors.passkey_options, name="passkey-options"),
    path("second-factor/recovery/", views_factors.recovery_codes, name="recovery-codes"),
    path("step-up/", views_stepup.step_up, name="step-up"),
    path("step-up/go-on/", views_stepup.go_on, name="step-up-go-on"),
    path("account/", views.account, name="account"),
    path("account/sessions/<uuid:public_id>/end/", views.end_session, name="end-session"),
    path("account/sessions/end-others/", views.end_other_sessions, name="end-other-sessions"),
    path("account/browser/", views.name_browser, name="name-browser"),
    path(
        "account/second-factors/<uuid:factor_id>/remove/",
        views_factors.remove,
        name="remove-second-factor",
    ),
    path("help/", views.help_page, name="help"),
]
