"""Measurements. Workloads are written once, in ``benches.workloads``. Nothing here is part of the package."""
