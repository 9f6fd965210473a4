"""Where the reference mounts Headway, and an operation for which it has an address."""

from django import forms
from django.urls import include, path

from headway import Operation


class ImportForm(forms.Form):
    file = forms.FileField()
    note = forms.CharField(required=False)


class ImportAirports(Operation):
    """Create or update airports from a CSV file."""

    name = "airports.import_airports"
    params = ImportForm

    def items(self):
        return []

    def process(self, row): ...


urlpatterns = [path("api/", include("headway.http.urls")), path("", include("headway.ui.urls"))]
