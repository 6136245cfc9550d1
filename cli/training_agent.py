"""torchrun's agent for the processes of one machine, which does not start again what would only fail again."""

import logging
import os
from collections.abc import Callable, Collection, Sequence

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous.registry import get_rendezvous_handler

MayHelp = Callable[[Collection[int]], bool]
"""Whether to start again after processes ended with these codes, negative for a signal."""


class AgentStoppedError(Exception):
    """A signal ended the processes."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


class _Agent(LocalElasticAgent):
    def __init__(self, spec: WorkerSpec, *, may_help: MayHelp, stop_seconds: int) -> None:
        super().__init__(spec, DefaultLogsSpecs(), shutdown_timeout=stop_seconds)
        self._may_help = may_help

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        result: RunResult = super()._monitor_workers(worker_group)
        codes = {failure.exitcode for failure in result.failures.values()}
        if result.state is WorkerState.FAILED and not self._may_help(codes):
            self._remaining_restarts = 0
        return result


def run_agent(
    command: Sequence[str], *, count: int, restarts: int, may_help: MayHelp, look_seconds: float, stop_seconds: int
) -> dict[int, int]:
    """Run ``count`` processes of a command until all have succeeded; start all again when one is lost.

    Returns the exit codes of those that failed last, by rank: empty if all succeeded. AgentStoppedError at SIGINT and
    SIGTERM, which are passed on to the processes; after ``stop_seconds`` they are killed.
    """
    for name in ("agent", "multiprocessing", "rendezvous"):  # the processes say in one line what happens
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.CRITICAL)
    os.environ["TORCHELASTIC_SIGNALS_TO_HANDLE"] = "SIGTERM,SIGINT"
    rendezvous = RendezvousParameters(
        backend="c10d", endpoint="localhost:0", run_id=f"moodfeed-{os.getpid()}", min_nodes=1, max_nodes=1
    )
    program, *arguments = command
    spec = WorkerSpec(
        role="train",
        local_world_size=count,
        entrypoint=program,
        args=tuple(arguments),
        rdzv_handler=get_rendezvous_handler(rendezvous),
        max_restarts=restarts,
        monitor_interval=look_seconds,
    )
    try:
        result = _Agent(spec, may_help=may_help, stop_seconds=stop_seconds).run()
    except SignalException as stopped:
        raise AgentStoppedError(int(stopped.sigval)) from None
    finally:
        spec.rdzv_handler.shutdown()
    return {rank: failure.exitcode for rank, failure in result.failures.items()}
