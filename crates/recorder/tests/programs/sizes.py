"""One block of each size, all kept."""

kept = [bytes(size) for size in range(9000)]
