"""What every worker sees to now and then: what is over, hidden, stranded or from another clock."""
