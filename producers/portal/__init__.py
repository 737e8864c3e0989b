"""What one-stop systems already send to the National Public Service Portal, turned into events.

VERIFIED in public code of two one-stop systems (OpenCPS; a provincial system): the two services and their
members, dates as `yyyyMMddHHmmss` in Vietnam's time, `isUpdating` "True"/"False", an envelope with `data`
or the bare array, and how they read the answer. Everything else is our choice and is marked so where it
stands."""

from producers.portal.answer import Answer, Outcome
from producers.portal.findings import FINDINGS, Finding
from producers.portal.intake import PortalIntake, Service
from producers.portal.state import StoredFinding

__all__ = ["FINDINGS", "Answer", "Finding", "Outcome", "PortalIntake", "Service", "StoredFinding"]
