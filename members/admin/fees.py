"""Fees, payments and bank files in the desk's index. Their pages are our own; nothing of them is edited in Django's."""

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse

from members.admin import bank_pages, fee_deeds, fee_pages, frame, payment_pages
from members.models import BankFile, Fee, Payment
from picum.accounts.desk import ReadOnlyAdmin


@admin.register(Fee)
class FeeAdmin(ReadOnlyAdmin):
    def get_urls(self):
        desk = self.admin_site.admin_view
        return [
            path("run/", desk(fee_pages.run), name="members_fee_run"),
            path("notes/", desk(fee_pages.notes), name="members_fee_notes"),
            path("arrears/", desk(fee_pages.arrears), name="members_fee_arrears"),
            path("arrears.csv", desk(fee_pages.arrears_csv), name="members_fee_arrears_csv"),
            path("of/<int:pk>/", desk(fee_pages.of_member), name="members_fee_member"),
            path("<int:pk>/note.pdf", desk(fee_pages.note_pdf), name="members_fee_pdf"),
            path("<int:pk>/amount/", desk(fee_deeds.amount), name="members_fee_amount"),
            path("<int:pk>/waive/", desk(fee_deeds.waive), name="members_fee_waive"),
            path("<int:pk>/note/", desk(fee_deeds.note), name="members_fee_note"),
            path("<int:pk>/pay/", desk(fee_deeds.pay), name="members_fee_pay"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        return fee_pages.listing(request)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Where the trail and the search of the desk lead: the fee among the others of its member."""
        frame.require(request, *fee_pages.READ)
        fee = get_object_or_404(Fee, pk=payment_pages.number(object_id))
        return HttpResponseRedirect(fee_pages.member_page(fee))


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    def get_urls(self):
        desk = self.admin_site.admin_view
        return [
            path("<int:pk>/match/", desk(payment_pages.match), name="members_payment_match"),
            path("<int:pk>/aside/", desk(payment_pages.set_aside), name="members_payment_aside"),
            path("<int:pk>/reopen/", desk(payment_pages.reopen), name="members_payment_reopen"),
            path("<int:pk>/divide/", desk(payment_pages.divide), name="members_payment_divide"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        return payment_pages.listing(request)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        frame.require(request, "members.view_payment", fee_pages.PAY)
        payment = get_object_or_404(Payment.objects.select_related("fee"), pk=payment_pages.number(object_id))
        if payment.fee:
            return HttpResponseRedirect(fee_pages.member_page(payment.fee))
        return HttpResponseRedirect(reverse("admin:members_payment_changelist"))


@admin.register(BankFile)
class BankFileAdmin(ReadOnlyAdmin):
    def get_urls(self):
        desk = self.admin_site.admin_view
        return [path("report/<str:token>/", desk(bank_pages.report), name="members_bank_report"), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        return bank_pages.upload(request)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        frame.require(request, fee_pages.PAY)
        return HttpResponseRedirect(reverse("admin:members_bankfile_changelist"))
