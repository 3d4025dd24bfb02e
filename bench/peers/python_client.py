"""The official Python client's own upload, timed: create_component to ftrack.server, which is a staging server whose object store
is the sink. Starting Python and the session is not timed, since a host has done that already.
"""

import json
import pathlib
import sys
import time

import ftrack_api
import ftrack_api.symbol


def main(path):
    session = ftrack_api.Session(auto_connect_event_hub=False)
    location = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    path = pathlib.Path(path)
    files = sorted(path.glob("[0-9]*")) if path.is_dir() else [path]
    started = time.perf_counter()
    for file in files:
        session.create_component(str(file), location=location)
    print(json.dumps({"seconds": time.perf_counter() - started}))


main(*sys.argv[1:])
