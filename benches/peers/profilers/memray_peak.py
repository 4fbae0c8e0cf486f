"""Prints the peak of a recording of memray, in bytes. Without a clean end, it is found in the records."""

import sys

from memray import FileReader

print(FileReader(sys.argv[1]).metadata.peak_memory)
