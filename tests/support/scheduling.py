"""Which worker of pytest-xdist is handed which file of tests."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class FromBothEnds(LoadFileScheduling):
    """The first worker takes files from the front, which is the browser's, the others from the back.

    A browser alone keeps more than one core busy: two at once wait for each other, and seconds become many.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
