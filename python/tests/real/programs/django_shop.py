"""A shop on Django: models in SQLite, templates, sessions, whole request cycles through the test client."""

import sys

import django
from django.conf import settings
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path
from telling import Truth, digest

# The app that the models belong to is this very module.
sys.modules["shop"] = sys.modules[__name__]
settings.configure(
    SECRET_KEY="not secret",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.sessions", "shop"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
django.setup()


class Article(models.Model):
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        app_label = "shop"


class Sale(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sales")
    pieces = models.IntegerField()

    class Meta:
        app_label = "shop"


PAGE = "{% for a in articles %}<li class='{% cycle 'odd' 'even' %}'>{{ a.name }}: {{ a.price|floatformat:2 }}</li>{% endfor %}"
template = engines["django"].from_string(PAGE)


def articles(request: HttpRequest, first: int) -> HttpResponse:
    request.session["last"] = first
    found = Article.objects.filter(pk__gte=first).order_by("pk")[:50]
    return HttpResponse(template.render({"articles": found}, request))


def sold(request: HttpRequest) -> HttpResponse:
    totals = Article.objects.annotate(total=models.Sum("sales__pieces")).order_by("pk")[:40]
    return HttpResponse(" ".join(f"{article.name}:{article.total}" for article in totals))


urlpatterns = [path("articles/<int:first>", articles), path("sold", sold)]

with connection.schema_editor() as editor:
    editor.create_model(Article)
    editor.create_model(Sale)
Article.objects.bulk_create(Article(name=f"article {number}", price=f"{number % 90}.50") for number in range(4000))
Sale.objects.bulk_create(Sale(article_id=number % 4000 + 1, pieces=number % 7) for number in range(12000))
# A cache that a shop would have.
CATALOGUE = {article.pk: article for article in Article.objects.prefetch_related("sales")}
client = Client()


def work() -> object:
    pages = [client.get(f"/articles/{first}").content for first in range(1, 400, 20)]
    return digest(*pages, client.get("/sold").content, sum(article.price for article in CATALOGUE.values()))


truth = Truth("django")
truth.instances(Article, Sale, Client)
truth.hand_over(work)
