"""Where everything is mounted: the API, its schema, Swagger UI, sign-in and the pages."""

from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from example.airports.views import StartImport

# Swagger UI's stylesheet has its icons as data: URLs.
swagger = csp_update({"img-src": ["'self'", "data:"]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="swagger.html")
)

urlpatterns = [
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("swagger/", swagger, name="swagger"),
    path("api/", include("headway.http.urls")),
    path("admin/", admin.site.urls),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("start/airports.import_airports/", StartImport.as_view()),
    path("", include("headway.ui.urls")),
]

# Django's own errors as problems under /api/, as pages elsewhere.
handler400 = "headway.http.handlers.bad_request"
handler403 = "headway.http.handlers.permission_denied"
handler404 = "headway.http.handlers.not_found"
handler500 = "headway.http.handlers.server_error"
