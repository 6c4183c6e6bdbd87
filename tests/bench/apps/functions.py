# SPDX-License-Identifier: Apache-2.0
"""What gatehoused serves in the benchmarks."""
import asyncio
import time


def concat(a: str, b: str) -> str:
    return a + b


def echo(value):
    return value


def sleep() -> str:
    time.sleep(0.005)
    return "slept"


async def sleep_async() -> str:
    await asyncio.sleep(0.005)
    return "slept"
