"""The work that takes longer than a request may."""

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from smtplib import SMTPAuthenticationError, SMTPConnectError, SMTPRecipientsRefused
from socket import gaierror
from urllib.request import urlopen

from django.core.mail import EmailMessage
from django.db import IntegrityError

from headway import File, Operation, Reject, Retry, sources

from . import service
from .forms import ImportForm
from .models import Airport, Check, Neighbourhood
from .nearest import Index, Place
from .rows import airport_from

BUNDLED = Path(str(resources.files("airportsdata") / "airports.csv"))
NEIGHBOURS = 5
NOT_SENT = (gaierror, ConnectionRefusedError, SMTPConnectError, SMTPAuthenticationError)  # they come before the text


class ImportAirports(Operation):
    """Create or update airports from a CSV file."""

    permission = "signed-in"
    params = ImportForm
    error_codes = {IntegrityError: "duplicate"}

    def items(self):
        return sources.csv(self.params["file"] or BUNDLED)

    def process(self, row):
        fields = airport_from(row)
        Airport.objects.update_or_create(icao=fields["icao"], defaults=fields)

    def label(self, row):
        return f"{row['icao']}, line {row.line}"


class ImportAirportsInSets(Operation):
    """Create or update airports from a CSV file, thousands by one statement.

    To the same end as `ImportAirports`, and in a fraction of its time.
    """

    permission = "signed-in"
    params = ImportForm
    error_codes = {IntegrityError: "duplicate"}

    def items(self):
        return sources.csv(self.params["file"] or BUNDLED)

    def process_chunk(self, rows):
        airports, refused = judged(rows)
        Airport.objects.bulk_create(
            airports,
            update_conflicts=True,
            unique_fields=["icao"],
            update_fields=[field.name for field in Airport._meta.fields if not field.primary_key],
        )
        return refused

    def label(self, row):
        return f"{row['icao']}, line {row.line}"


class ExportAirports(Operation):
    """Write all imported airports into a file to take away."""

    permission = "signed-in"
    file = File("airports.csv", columns=("icao", "iata", "name", "city", "country", "latitude", "longitude"))

    def items(self):
        return sources.queryset(Airport.objects.all())

    def process(self, airport):
        self.write({name: getattr(airport, name) for name in self.file.columns})


class NearestNeighbours(Operation):
    """Find the five nearest others of each imported airport.

    Pure computation, so it is prepared outside the transaction, by as many workers as there are parts and cores. Each
    compares the airports as they are when it begins.
    """

    permission = "signed-in"
    parts = 4
    error_codes = {IntegrityError: "gone"}  # it was deleted after it had been read

    def items(self):
        return sources.queryset(Airport.objects.all())

    def prepare(self, airport):
        place = Place(airport.icao, airport.latitude, airport.longitude)
        return index(self.run.id).nearest(place, NEIGHBOURS)

    def process(self, airport, nearest):
        nearest = [[icao, kilometres] for kilometres, icao in nearest]
        Neighbourhood.objects.bulk_create(  # one statement, whether there is a row or not
            [Neighbourhood(airport=airport, nearest=nearest)],
            update_conflicts=True,
            unique_fields=["airport"],
            update_fields=["nearest"],
        )

    def concurrency_key(self):
        return "all airports"  # one table for everybody, so one run at a time


class CheckAirports(Operation):
    """Ask a service how many runways each imported airport with an IATA code has; it is often busy, or down."""

    permission = "signed-in"
    threads = 8
    rate = "100/s"  # what the service allows, over all workers
    retry = Retry(on=OSError, attempts=8, backoff=0.5)  # what urlopen raises, for 429 and 503 too
    error_codes = {IntegrityError: "gone"}  # it was deleted after it had been read

    def items(self):
        return sources.queryset(Airport.objects.exclude(iata=""))

    def prepare(self, airport):
        with urlopen(f"{service.address()}/{airport.icao}", timeout=5) as answer:  # noqa: S310  (HTTP, by its address)
            return json.load(answer)["runways"]

    def process(self, airport, runways):
        check = Check(airport=airport, runways=runways)
        Check.objects.bulk_create([check], update_conflicts=True, unique_fields=["airport"], update_fields=["runways"])


class WriteToAirports(Operation):
    """Send each imported airport a mail that asks whether its data are right; each goes out once."""

    permission = "signed-in"
    one_run_per = "operation"  # two users who start it are one mail-out
    effects = "outside"
    threads = 8
    retry = Retry(on=NOT_SENT)
    error_codes = {SMTPRecipientsRefused: "refused"}  # so it did not go out

    def items(self):
        return sources.queryset(Airport.objects.all())

    def process(self, airport):
        text = f"We have you at {airport.latitude}, {airport.longitude}. Is that right?"
        address = f"{airport.icao.lower()}@airports.example"
        with self.effect("mail") as mail:
            headers = {"Message-ID": f"<{mail.key}@airports.example>"}
            EmailMessage(f"{airport.name}: your data", text, to=[address], headers=headers).send()


def judged(rows):
    """The airports that these rows make, and the rows that make none, each with its reason."""
    names = {row["name"] for row in rows}
    there = Airport.objects.filter(name__in=names).values_list("name", "country", "icao")
    owners = {(name, country): icao for name, country, icao in there}
    airports, refused = {}, []
    for row in rows:
        try:
            airport = Airport(**airport_from(row))
            owner = owners.setdefault((airport.name, airport.country), airport.icao)
            if owner != airport.icao:
                raise Reject("duplicate", f"{owner} has that name in that country already.")
            airports[airport.icao] = airport
        except Reject as reason:
            refused.append((row, reason))
    return list(airports.values()), refused


@lru_cache(maxsize=1)
def index(run_id):
    """The airports as they are now; made once in each process for a run."""
    return Index(map(Place._make, Airport.objects.values_list("icao", "latitude", "longitude")))
