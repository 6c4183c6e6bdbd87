# SPDX-License-Identifier: Apache-2.0
"""One file of Django, as an ASGI and as a WSGI app."""
import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path, reverse

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only for tests",
                   USE_TZ=True, DEBUG=False)
django.setup()


def hello(request, name):
    return JsonResponse({"name": name, "url": reverse("hello", args=["x"]), "path": request.path,
                         "body": request.body.decode()})


urlpatterns = [path("hello/<name>", hello, name="hello")]

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

asgi = get_asgi_application()
wsgi = get_wsgi_application()
