"""An airport, as the import leaves it, and those nearest to it."""

from django.db import models


class Airport(models.Model):
    """An airport. Two of the same name in one country are one too many, and the table itself says so."""

    icao = models.CharField("ICAO code", max_length=4, primary_key=True)
    iata = models.CharField("IATA code", max_length=3, blank=True, db_index=True)
    name = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    subdivision = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    elevation_ft = models.IntegerField("elevation in feet")
    latitude = models.FloatField()
    longitude = models.FloatField()
    time_zone = models.CharField(max_length=50)

    class Meta:
        ordering = ["icao"]
        constraints = [models.UniqueConstraint(fields=["name", "country"], name="airport_once_per_country")]

    def __str__(self) -> str:
        return f"{self.icao} {self.name}"


class Check(models.Model):
    """What the service said of an airport."""

    airport = models.OneToOneField(Airport, primary_key=True, on_delete=models.CASCADE, related_name="check_of")
    runways = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.airport_id}: {self.runways}"


class Neighbourhood(models.Model):
    """The airports nearest to an airport: a list of [ICAO code, distance in km], the nearest first."""

    airport = models.OneToOneField(Airport, primary_key=True, on_delete=models.CASCADE, related_name="neighbourhood")
    nearest = models.JSONField()

    def __str__(self) -> str:
        return f"{self.airport_id}: {', '.join(icao for icao, _ in self.nearest)}"
