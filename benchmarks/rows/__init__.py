"""One module for each group of rows; `benchmarks.table` puts them in order."""
