"""The stock service's run: a stocktaking, during which nothing moves."""

from headway import Operation

from .models import Entry, Shelf, admit

WAREHOUSE = "warehouse:1"


class CountStock(Operation):
    """Count what is on each shelf."""

    one_run_per = "operation"
    holds = (WAREHOUSE,)

    def items(self):
        return Shelf.objects.all()

    def process(self, shelf):
        fence = self.fence(WAREHOUSE)
        admit(WAREHOUSE, fence)
        Entry.objects.create(kind="counted", sku=shelf.sku, quantity=shelf.on_hand, fence=fence, run=self.run.id)
