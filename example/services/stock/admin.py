"""To see what is there, and what has become of it."""

from django.contrib import admin

from .models import Entry, Shelf, Told, Warehouse

admin.site.register([Entry, Shelf, Told, Warehouse])
