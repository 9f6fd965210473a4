"""The example's addresses below a language and a prefix, as a multilingual project has them."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("deep/", include("example.urls")))
