"""All rows of the table."""

from tests.contract.identity import claim_cases, easy_auth_cases, forgery_cases, good_cases, outage_cases
from tests.contract.identity.case import Case

CASES: tuple[Case, ...] = (
    *good_cases.CASES,
    *claim_cases.CASES,
    *forgery_cases.CASES,
    *outage_cases.CASES,
    *easy_auth_cases.CASES,
)
