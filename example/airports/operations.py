"""The work that takes longer than a request may."""

from importlib import resources
from pathlib import Path

from django.db import IntegrityError

from headway import Operation, sources

from .forms import ImportForm
from .models import Airport
from .rows import airport_from

BUNDLED = Path(str(resources.files("airportsdata") / "airports.csv"))


class ImportAirports(Operation):
    """Create or update airports from a CSV file."""

    params = ImportForm
    error_codes = {IntegrityError: "duplicate"}

    def items(self):
        return sources.csv(self.params["file"] or BUNDLED)

    def process(self, row):
        fields = airport_from(row)
        Airport.objects.update_or_create(icao=fields["icao"], defaults=fields)

    def label(self, row):
        return f"{row['icao']}, line {row.line}"
