"""A site on Flask and Jinja: blueprints, sessions in signed cookies, templates that inherit, a cache of pages."""

from flask import Blueprint, Flask, render_template, request, session
from jinja2 import DictLoader
from telling import Truth, digest


class Entry:
    def __init__(self, number: int) -> None:
        self.number = number
        self.title = f"entry {number}"
        self.body = f"words of {number} " * 40
        self.tags = {f"tag {number % step}" for step in (3, 5, 7)}


ENTRIES = [Entry(number) for number in range(8000)]
PAGES: dict[str, str] = {}
TEMPLATES = {
    "base.html": "<html>{% block main %}{% endblock %}{% macro link(e) %}<a>{{ e.title|e }}</a>{% endmacro %}</html>",
    "list.html": "{% extends 'base.html' %}{% block main %}{% for e in entries %}"
    "<li>{{ loop.index }} {{ e.title|upper }} {{ e.tags|sort|join(', ') }} {{ e.body|truncate(60) }}</li>"
    "{% endfor %}{% endblock %}",
}
blog = Blueprint("blog", __name__)


@blog.route("/page/<int:number>")
def page(number: int) -> str:
    session["seen"] = session.get("seen", 0) + 1
    key = request.path
    if key not in PAGES:
        PAGES[key] = render_template("list.html", entries=ENTRIES[number * 20 : number * 20 + 20])
    return PAGES[key]


@blog.route("/fail")
def fail() -> str:
    raise KeyError(request.args["why"])


app = Flask(__name__)
app.secret_key = "not secret"
app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
app.register_blueprint(blog)
client = app.test_client()
app.logger.disabled = True


def work() -> object:
    pages = [client.get(f"/page/{number}").data for number in range(200)]
    codes = [client.get(f"/fail?why=reason{number}").status_code for number in range(20)]
    with client.session_transaction() as kept:
        kept.clear()
    return digest(*pages, codes)


truth = Truth("flask", "jinja2", "werkzeug")
truth.instances(Entry, Flask, Blueprint)
truth.hand_over(work)
