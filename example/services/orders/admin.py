"""To see which orders are sent."""

from django.contrib import admin

from .models import Order

admin.site.register(Order)
