"""A fleet that does not exist, whose updates look like those of one that does.

Nothing in here asks the clock or the machine's randomness: a seed and a start time give the same
updates byte for byte, for tests, benchmarks and the demo.
"""
