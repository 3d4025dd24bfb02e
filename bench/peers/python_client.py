"""The official Python client's own upload, timed: create_component to ftrack.server.

All of it is real, the API calls to a staging server included, but for one thing: the upload addresses lead to the sink.
Starting Python and the session is not timed, since a host has done that already.
"""

import base64
import json
import pathlib
import sys
import time

import ftrack_api
import ftrack_api.symbol


def main(sink, *paths):
    session = ftrack_api.Session(auto_connect_event_hub=False)

    def metadata(component_id, file_name, file_size, checksum=None):
        headers = {"Content-Length": str(file_size), "Content-MD5": checksum, "Content-Disposition": file_name}
        base64.b64decode(checksum, validate=True)
        return {"url": f"{sink}/put/{component_id}", "headers": headers}

    session.get_upload_metadata = metadata
    location = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    files = [file for path in map(pathlib.Path, paths) for file in (sorted(path.glob("[0-9]*")) if path.is_dir() else [path])]
    started = time.perf_counter()
    for file in files:
        session.create_component(str(file), location=location)
    print(json.dumps({"seconds": time.perf_counter() - started}))


main(*sys.argv[1:])
