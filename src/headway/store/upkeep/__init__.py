"""What is seen to now and then, whoever works: what is over, hidden, stranded or from another clock."""
