"""What every worker of a process has in common: the files it works on, and what it is called in Temporal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from contracts.worker_identity import WorkerIdentity
from settings import Settings
from storage.protocol import Storage

HEARTBEAT_THROTTLE: Final = timedelta(seconds=1)
"""A cancel comes with the answer to a heartbeat. They are sent every two seconds, so none of them is held back."""

_NO_DEPLOYMENT: Final = "rushes"
"""Name beside the version of a worker that takes part in no versioning; Temporal wants one."""


@dataclass(frozen=True)
class Place:
    """What the workers of a process stand in.

    Attributes:
        storage: The files.
        identity: The same for all who see the same files.
        watching: Told of every step.
    """

    storage: Storage
    identity: str
    watching: tuple[Interceptor, ...] = ()


def deployment_of(
    settings: Settings, behavior: VersioningBehavior = VersioningBehavior.PINNED
) -> WorkerDeploymentConfig:
    """Which version of which deployment the worker is, so that a video ends on the version that began it.

    Without a deployment it says its version and no more: any worker takes any video.
    """
    if settings.deployment is None:
        return WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(_NO_DEPLOYMENT, settings.worker_version), use_worker_versioning=False
        )
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.worker_version),
        use_worker_versioning=True,
        default_versioning_behavior=behavior,
    )


def identity_of(queue: str, settings: Settings, place: Place, *, sandbox: str = "") -> str:
    """Whom Temporal shows as the one who took a task of the queue, and what is around the programs that it runs."""
    label = settings.worker_label
    return str(WorkerIdentity.of_this_process(queue, label=label, storage=place.identity, sandbox=sandbox))


def steps_of(workers: Iterable[Worker]) -> Iterator[str]:
    """The names of the activities that they run: each is that of its function."""
    for worker in workers:
        for step in worker.config().get("activities", []):
            yield step.__name__
