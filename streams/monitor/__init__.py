"""The monitor: judges the city's picture on a schedule, in a process of its own."""
