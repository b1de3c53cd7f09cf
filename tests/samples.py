"""Small documents with known sentences, and answers that they support."""

from itertools import islice, product

LEASE = """# Lease of the old mill

The monthly rent is 4,250 euros and is due on the third working day of each month.
The tenant may end the lease with six months' notice to the end of a quarter.

## Repairs

Repairs below 300 euros are paid by the tenant. The landlord pays for the roof and the heating.
Heirloom tomatoes may be grown in the yard, but no bees may be kept there.

## Deposit

The deposit is three monthly rents. It is returned within eight weeks after the keys are given back.
"""

WARFARIN = """# Anticoagulation

Warfarin is started at 5 mg a day. The INR is checked on the third day and then twice a week.
Patients older than seventy years start with 2.5 mg a day.

If the INR rises above 4.5, the next dose is left out and the INR is checked on the following day.
"""


def truths(count: int) -> str:
    """An answer of so many sentences, at most 48, that the lease supports; each is said once."""
    months = "January February March April May June July August September October November December"
    openings = product(("In", "Since", "Until", "After"), months.split())
    return " ".join(
        f"{when} {month} the monthly rent is 4,250 euros and is due on the third working day."
        for when, month in islice(openings, count)
    )
