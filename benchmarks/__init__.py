"""The speed of the send engine, measured against floors, aims and peers in one run: `python -m benchmarks`."""
