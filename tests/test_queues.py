"""What nobody waits for stands in a queue of its own, so that mails never stand behind it."""

import pytest
from celery import current_app
from celery.app.amqp import Queues

from picum.pages.management.commands import run


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("newsletter.freeze_issue", "celery"),
        ("newsletter.send_edition", "celery"),
        ("newsletter.send_system_mail", "celery"),
        ("newsletter.reconcile", "celery"),
        ("letters.dispatch", "celery"),
        ("newsletter.upkeep", "upkeep"),
        ("members.upkeep", "upkeep"),
        ("newsletter.check_links", "upkeep"),
        ("newsletter.check_sender", "upkeep"),
        ("newsletter.machine_drafts", "upkeep"),
    ],
)
def test_each_task_is_asked_for_in_its_queue(task, queue):
    current_app.loader.import_default_modules()
    assert task in current_app.tasks
    sent_to = current_app.amqp.router.route({}, task)["queue"]
    assert (sent_to.name, sent_to.exchange.name, sent_to.routing_key) == (queue, queue, queue)


def test_a_worker_that_is_told_nothing_takes_from_all_queues():
    queues: Queues = current_app.amqp.queues
    assert list(queues.consume_from) == ["celery", "upkeep"]


def test_the_two_workers_of_one_process_take_from_a_queue_each():
    mails, upkeep = run.worker(run.another(), "celery"), run.worker(run.another(), "upkeep")
    assert [list(worker.app.amqp.queues.consume_from) for worker in (mails, upkeep)] == [["celery"], ["upkeep"]]
    assert mails.app.tasks.keys() == upkeep.app.tasks.keys() >= {"newsletter.upkeep", "newsletter.send_edition"}
    assert list(current_app.amqp.queues.consume_from) == ["celery", "upkeep"]
