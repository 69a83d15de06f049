# One image for web, worker and beat; docker-compose.yml gives each its command.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 VAR_DIR=/var/lib/picum
WORKDIR /srv/picum
RUN useradd --system --home-dir /var/lib/picum --create-home picum

COPY requirements/base.txt requirements/
RUN pip install --require-hashes -r requirements/base.txt

COPY . .
RUN pybabel --quiet compile -d locale -D "django djangojs" \
    && python -m compileall -q manage.py members newsletter picum
USER picum
RUN mkdir /var/lib/picum/continuity /var/lib/picum/erasures /var/lib/picum/imports /var/lib/picum/members
# collectstatic sends and signs nothing: these values only let the settings load.
RUN SECRET_KEY=unused SITE_URL=http://unused EMAIL_URL=smtp://unused DEFAULT_FROM_EMAIL=unused@unused \
    python manage.py collectstatic --no-input

EXPOSE 8000
# No access log: it would hold readers' tokens. Let the proxy log, without the paths below /…/newsletter/.
CMD ["gunicorn", "picum.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4"]
