"""Addresses of the members' part, below the language: the public directory, applying, what members do themselves."""

from django.urls import path

from members.views import (
    applying,
    directory,
    fees,
    invitation,
    logos,
    membership,
    my,
    people,
    profile,
    refereeing,
    reports,
)

app_name = "members"
urlpatterns = [
    # --- the directory ------------------------------------------------------------------------------------------
    path("members/", directory.directory, name="directory"),
    path("members/list.csv", directory.list_csv, name="list_csv"),
    path("members/list.json", directory.list_json, name="list_json"),
    path("members/<slug:slug>/", directory.member, name="member"),
    path("members/logo/<str:name>", logos.public_logo, name="logo"),
    # --- applying -----------------------------------------------------------------------------------------------
    path("apply/", applying.start, name="apply"),
    path("apply/<str:token>/", applying.overview, name="application"),
    path("apply/<str:token>/send/", applying.send, name="application_send"),
    path("apply/<str:token>/withdraw/", applying.withdraw, name="application_withdraw"),
    path("apply/<str:token>/papers/<uuid:handle>/", applying.paper, name="application_paper"),
    path("apply/<str:token>/papers/<uuid:handle>/remove/", applying.remove_paper, name="application_remove_paper"),
    path("apply/<str:token>/<slug:key>/", applying.step, name="application_step"),
    path("referee/<str:token>/", refereeing.referee, name="referee"),
    # --- what members do themselves -----------------------------------------------------------------------------
    path("my/", my.overview, name="my"),
    path("my/<uuid:handle>/fees/", fees.overview, name="fees"),
    path("my/<uuid:handle>/fees/<int:year>/note.pdf", fees.note, name="fee_note"),
    path("my/<uuid:handle>/fees/<int:year>/receipt.pdf", fees.receipt, name="fee_receipt"),
    path("my/<uuid:handle>/profile/", profile.facts, name="profile"),
    path("my/<uuid:handle>/profile/logo/", profile.logo, name="profile_logo"),
    path("my/<uuid:handle>/profile/confirm/", profile.confirm, name="confirm"),
    path("my/<uuid:handle>/profile/<str:language>/", profile.description, name="profile_description"),
    path("my/<uuid:handle>/logo/<str:name>", logos.own_logo, name="own_logo"),
    path("my/<uuid:handle>/directory/", membership.directory, name="my_directory"),
    path("my/<uuid:handle>/conduct/", membership.sign, name="conduct"),
    path("my/<uuid:handle>/documents/", membership.papers, name="documents"),
    path("my/<uuid:handle>/documents/<int:pk>/", membership.paper, name="document"),
    path("my/<uuid:handle>/leave/", membership.leave, name="leave"),
    path("my/<uuid:handle>/reports/", reports.overview, name="reports"),
    path("my/<uuid:handle>/reports/new/", reports.new, name="report_new"),
    path("my/<uuid:handle>/reports/<uuid:report>/", reports.report, name="report"),
    path("my/<uuid:handle>/reports/<uuid:report>/consent/", reports.consent, name="report_consent"),
    path("my/<uuid:handle>/reports/<uuid:report>/withdraw/", reports.withdraw, name="report_withdraw"),
    path("my/account/", my.account, name="account"),
    path("my/invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("my/<uuid:handle>/people/", people.people_list, name="people"),
    path("my/<uuid:handle>/people/<uuid:person>/", people.person, name="person"),
    path("my/<uuid:handle>/people/<uuid:person>/remove/", people.person_remove, name="person_remove"),
    path("my/<uuid:handle>/people/<uuid:person>/invite/", people.person_invite, name="person_invite"),
]
