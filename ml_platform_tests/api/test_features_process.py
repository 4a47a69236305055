"""The process of features as of now ends quietly, whoever is connected to it."""

import asyncio
import os
import signal
import threading

from ml_platform.adapters.serving.feature_socket import SOCKET_NAME
from ml_platform.api.features import _Features
from ml_platform_tests.api.services import Home


def test_the_end_says_nothing_of_workers_that_are_connected(tmp_path, caplog):
    home = Home(tmp_path)
    place = home.folder / "serving" / SOCKET_NAME

    async def run():
        process = asyncio.create_task(_Features(home.options()).run())
        while not place.exists():
            await asyncio.sleep(0.01)
        connected = [await asyncio.open_unix_connection(str(place)) for _ in range(2)]
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(process, 20)
        return connected

    assert threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        asyncio.run(run())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [each.getMessage() for each in caplog.records if each.name == "asyncio"] == []
