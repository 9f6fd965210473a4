"""Where everything is mounted: the API, its schema, Swagger UI, sign-in and the pages."""

from django.contrib.auth import views as auth
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("swagger/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="swagger"),
    path("api/", include("headway.http.urls")),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("", include("headway.ui.urls")),
]
