"""A signal stops a run where that does no harm. Invariants; the moments are chosen by the code that is stopped."""

import importlib
import os
import signal
import sys
import time

import pytest
import typer

from igfstrat.cli.common import run
from igfstrat.cli.stopping import stoppable

SENT = [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, SystemExit, 143)]


@pytest.fixture(autouse=True)
def heeds_an_interrupt():
    """A shell tells what it runs in the background to ignore it, and children ignore what their parents do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def import_and_wait(name):
    importlib.import_module(name)
    time.sleep(5)


@pytest.mark.parametrize(("sent", "raised", "_"), SENT)
def test_module_that_is_being_imported_is_finished_first(tmp_path, monkeypatch, sent, raised, _):
    (tmp_path / "imported_while_stopped.py").write_text(
        f"import os, time\nos.kill(os.getpid(), {int(sent)})\ntime.sleep(0.1)\nfinished = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with stoppable() as stopping, pytest.raises(raised):
        import_and_wait("imported_while_stopped")
    assert sys.modules.pop("imported_while_stopped").finished
    assert stopping.code is not None


@pytest.mark.parametrize(("sent", "raised", "code"), SENT)
def test_stop_that_a_library_turned_into_another_error_is_a_stop(capsys, sent, raised, code):
    def action():
        try:
            os.kill(os.getpid(), sent)
            time.sleep(5)
        except raised as error:
            raise ImportError("initialization failed") from error

    with pytest.raises(typer.Exit) as ended:
        run(action)()
    assert ended.value.exit_code == code
    assert "bug" not in capsys.readouterr().err


def test_handlers_are_as_before_when_it_ends():
    before = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_signal_that_is_to_be_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as stopping:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        assert stopping.code is None
    finally:
        signal.signal(signal.SIGINT, before)
