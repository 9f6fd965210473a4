"""`python follow.py KIND ADDRESS HEADERS`: follows a run, a line of JSON for each time that it has changed.

KIND is `python` or `async python`. No settings of Django's are needed.
"""

import asyncio
import json
import os
import sys

from headway.client import AsyncClient, Client, ClientError, NotFound, SignedOut

CODES = {SignedOut: "signed-out", NotFound: "gone"}


def tell(told: object) -> None:
    print(json.dumps(told), flush=True)


def follow(address: str, headers: dict[str, str]) -> None:
    with Client(address, headers=headers) as client:
        for run in client.follow(address):
            tell(run)


async def follow_async(address: str, headers: dict[str, str]) -> None:
    async with AsyncClient(address, headers=headers) as client:
        async for run in client.follow(address):
            tell(run)


def main(kind: str, address: str, headers: str) -> None:
    assert "DJANGO_SETTINGS_MODULE" not in os.environ
    try:
        if kind == "python":
            follow(address, json.loads(headers))
        else:
            asyncio.run(follow_async(address, json.loads(headers)))
    except ClientError as error:
        tell({"error": CODES.get(type(error), repr(error))})


if __name__ == "__main__":
    main(*sys.argv[1:])
