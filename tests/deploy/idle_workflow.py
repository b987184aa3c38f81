"""A workflow for workers that are only to ask for tasks; in a module of its own, since the sandbox imports it again."""

from temporalio import workflow


@workflow.defn
class Idle:
    """Does nothing."""

    @workflow.run
    async def run(self) -> None:
        """Return at once."""
