"""What is published: the wheel and the source distribution, each with nothing around it but what it says it needs."""
