"""A seeded, reproducible city: 126 wards whose dossiers are simulated, never real.

plan ─▶ lifecycle ─▶ city ─▶ replay ─▶ outbox     (a profile: a stretch of days with exact totals)
                  └▶ live ─────────────▶ outbox     (the city at the real pace)

Volumes, shares, office hours and delays are the simulation's own choices, not statistics of a real city.
"""
