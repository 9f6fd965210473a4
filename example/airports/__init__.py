"""The world's airports: real rows with real dirt."""
