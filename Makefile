# The commands of this project. `make help` lists them; README.md says more.
#
#   make run PORT=8080 MAIL_PORT=2626      other ports
#   make test ARGS="-k unsubscribe"        anything pytest understands; `make run` takes ARGS too
#   make chaos RECIPIENTS=5000 KILLS=30 SEED=7
#   make env PYTHON=/path/to/python3.12    another Python

.DEFAULT_GOAL := help
.PHONY: help env tools run test chaos lint messages lock bench
MAKEFLAGS += --no-print-directory

export PYTHON
PY := .venv/bin/python
LANGUAGES := de nl es fr it pt
COMPILE := uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q

help: ## What can be done here
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 15

env: ## Prepare .venv, a .env for development and the compiled translations; start nothing
	@bin/setup

tools:
	@bin/setup dev

run: env ## Start the whole site on this machine: web, worker, beat and a local mail box
	@exec $(PY) manage.py run $(strip $(if $(PORT),--port $(PORT)) $(if $(MAIL_PORT),--mail-port $(MAIL_PORT)) $(ARGS))

test: tools ## Run the tests that need no service and no browser
	@$(PY) -m pytest -n auto --maxprocesses 4 -m "not service and not browser" $(ARGS)

chaos: env ## Kill, cut and hang all that sends, in a site of its own, and count who got the mail
	@exec $(PY) manage.py chaos $(strip $(if $(RECIPIENTS),--recipients $(RECIPIENTS)) $(if $(KILLS),--kills $(KILLS)) \
		$(if $(SEED),--seed $(SEED)) $(ARGS))

lint: tools ## Check style and templates
	@failed=0; \
	$(PY) -m ruff check . || failed=1; \
	$(PY) -m ruff format --check . || failed=1; \
	$(PY) -m djlint --lint --quiet templates || failed=1; \
	exit $$failed

bench: env ## Measure the send engine and the heavy pages beside their peers; ARGS="smtp --quick" for one row in short, --write into docs/
	@$(PY) -m benchmarks $(ARGS)

messages: tools ## Collect new texts into locale/ (for maintainers; needs GNU gettext)
	@command -v xgettext >/dev/null || { echo "GNU gettext is needed for this: apt-get install gettext" >&2; exit 1; }
	@$(PY) manage.py makemessages $(addprefix -l ,$(LANGUAGES)) --add-location=file --ignore 'var/*'
	@$(PY) manage.py makemessages -d djangojs $(addprefix -l ,$(LANGUAGES)) --add-location=file --ignore 'var/*'

lock: ## Compile the locked requirements anew from pyproject.toml (for maintainers; needs uv)
	@command -v uv >/dev/null || { echo "uv is needed for this" >&2; exit 1; }
	@$(COMPILE) -o requirements/base.txt
	@$(COMPILE) --group dev --group e2e -c requirements/base.txt -o requirements/dev.txt
