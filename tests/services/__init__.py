"""The two services of example/services, with everything killed by turns."""
