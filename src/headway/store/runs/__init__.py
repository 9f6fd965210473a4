"""What concerns more than one part, decided under the run's row lock: wishes, ends, who comes next."""
