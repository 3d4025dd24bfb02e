"""Reads every entity back that publishing the rows has made, with the official Python client.

    read_back.py FOLDER    where rows.py has published from and left rows.json

Server, user and key come from the environment. Ends with 1 where something is not as it was published.
"""

import json
import pathlib
import sys

import ftrack_api
import ftrack_api.symbol
import requests

SERVER, UNMANAGED = ftrack_api.symbol.SERVER_LOCATION_ID, ftrack_api.symbol.UNMANAGED_LOCATION_ID


class Reader:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.session = ftrack_api.Session(auto_connect_event_hub=False)
        self.server = self.session.get("Location", SERVER)
        self.unmanaged = self.session.get("Location", UNMANAGED)
        self.read = 0

    def get(self, kind, id):
        entity = self.session.get(kind, id)
        assert entity is not None, f"there is no {kind} {id}"
        self.read += 1
        return entity

    def bytes(self, component):
        """By the two ways that the client has, which must agree."""
        data = self.server.accessor.open(self.server.get_resource_identifier(component), "rb").read()
        answer = requests.get(self.server.get_url(component), timeout=60)
        same("the bytes by the component's address", answer.content == data, True)
        return data

    def version(self, row):
        """What every row has made."""
        version = self.get("AssetVersion", row["version_id"])
        same("published", version["is_published"], True)
        same("number", version["version"], row["version_number"])
        same("asset", (version["asset"]["id"], version["asset"]["name"]), (row["asset_id"], row["asset_name"]))
        same("parent", version["asset"]["parent"]["id"], row["parent_id"])
        same("task", version["task"]["id"], row["task_id"])
        said = {one["id"]: one for one in row["components"]}
        same("components", {one["id"] for one in version["components"]}, set(said))
        for id, one in said.items():
            component = self.get("Component", id)
            same("name", component["name"], one["name"])
            [location] = component["component_locations"]
            self.read += 1
            same("location", location["location_id"], one["location_id"])
            place = self.server if one["location_id"] == SERVER else self.unmanaged
            same("availability", place.get_component_availability(component), 100.0)
            if one["location_id"] == SERVER and component.entity_type == "FileComponent":
                same("size", len(self.bytes(component)), component["size"])
        self.media(row, version)
        return version

    def media(self, row, version):
        wanted, component = row["wanted"], self.get("FileComponent", row["component_id"])
        names = sorted(one["name"] for one in version["components"])
        if "components" in wanted:
            same("names", names, wanted["components"])
        if "same" in wanted:
            same("the file as it is", self.bytes(component) == (self.folder / wanted["same"]).read_bytes(), True)
        if "other" in wanted:
            same("the file as it is", self.bytes(component) == (self.folder / wanted["other"]).read_bytes(), False)
        shown = {"movie": "ftrackreview-mp4", "still": "ftrackreview-image", "pdf": "ftrackreview-pdf"}[wanted["view"]]
        assert shown in names, f"{names} without {shown}"
        meta = json.loads(component["metadata"]["ftr_meta"])
        self.read += 1
        if "meta" in wanted:
            same("ftr_meta", meta, wanted["meta"])
        elif wanted["view"] == "movie":
            same("ftr_meta", (meta["frameIn"], meta["frameOut"]), (0, wanted["frames"] - 1))
            assert abs(meta["frameRate"] - wanted["rate"]) < 0.001, f"the rate is {meta['frameRate']}"
        elif wanted["view"] == "still":
            same("ftr_meta", meta["format"], "image")
        else:
            same("ftr_meta", meta, {"format": "pdf"})
        if wanted.get("thumbnail", True):
            thumbnail = self.get("Component", version["thumbnail_id"])
            beginning = self.bytes(thumbnail)[:4]
            assert beginning[:2] == b"\xff\xd8" or beginning == b"\x89PNG", f"the thumbnail begins with {beginning}"
            same("its address", requests.get(version["thumbnail_url"]["value"], timeout=60).status_code, 200)
        else:
            same("thumbnail", version["thumbnail_id"], None)
        if "encoded" in wanted:
            job = self.get("Job", row["encode_job_id"])
            same("encode job", job["status"], "done")

    def files(self, row, version):
        """What is beside the movie: by path, uploaded, and frames."""
        named = {one["name"]: one for one in version["components"]}
        same("uploaded", self.bytes(named["scene"]), b"Root { }")
        for name, path in {"source": "scene.nk", "project": "project"}.items():
            same("by path", self.unmanaged.get_filesystem_path(named[name]), str(self.folder / path))
        path, uploaded = (self.get("SequenceComponent", named[name]["id"]) for name in ("by path", "uploaded"))
        same("padding", (path["padding"], uploaded["padding"]), (4, 4))
        same("pattern", self.unmanaged.get_filesystem_path(path), str(self.folder / "plate.%04d.png"))
        for sequence, count, files in ((path, 8, "plate.{}.png"), (uploaded, 4, "beauty/beauty.{}.exr")):
            same("members", sorted(one["name"] for one in sequence["members"]), [str(1001 + at) for at in range(count)])
            for member in sequence["members"]:
                self.read += 1
                file = self.folder / files.format(member["name"])
                [location] = member["component_locations"]
                if sequence is path:
                    same("its path", location["resource_identifier"], str(file))
                else:
                    same("its bytes", self.bytes(member) == file.read_bytes(), True)
            same("size", sequence["size"], sum(one["size"] for one in sequence["members"]))
        for entity in (version["task"], version["asset"]["parent"]):
            same("thumbnail of task and shot", entity["thumbnail_id"], version["thumbnail_id"])

    def around(self, row, version, used):
        same("comment", version["comment"], "Softer key light")
        same("status", (version["status"]["name"], version["task"]["status"]["name"]), ("Approved", "Pending Review"))
        same("user and type", (version["user"]["username"], version["asset"]["type"]["name"]), ("anna", "Playblast"))
        same("used versions", [one["id"] for one in version["uses_versions"]], [used])
        same("lists", {one["name"] for one in version["lists"]}, {"Dailies", "For client"})
        for one in version["lists"]:
            assert version in list(one["items"]), f"the list {one['name']} is without it"
        metadata = dict(version["metadata"])
        same("metadata", (metadata["farm job"], json.loads(metadata["frames"])), ("17", [1, 2]))
        attributes = version["custom_attributes"]
        same("custom attributes", (attributes["cut_in"], attributes["vendor"]), (1001, "us"))
        [note] = version["notes"]
        same("note", (note["id"], note["content"], note["frame_number"]), (row["note_id"], 'Softer, as "asked"', 5))
        same("author", note["author"]["username"], "anna")
        same("labels", {one["label"]["name"] for one in note["note_label_links"]}, {"Internal", "Client feedback"})
        hung = {self.bytes(self.get("Component", one["component_id"])) for one in note["note_components"]}
        same("attachments", hung == {(self.folder / name).read_bytes() for name in ("still.png", "scene.nk")}, True)
        review = self.get("ReviewSession", row["review_session_id"])
        [shown] = review["review_session_objects"]
        same("review session", (review["name"], shown["version_id"]), ("Friday", version["id"]))
        invited = {(one["name"], one["email"]) for one in review["review_session_invitees"]}
        same("invitees", invited, {("Bert", "bert@client.com"), ("carla", "carla@client.com")})
        self.read += 10


def same(what, found, wanted):
    assert found == wanted, f"{what}: {found!r} is not {wanted!r}"


def main(folder):
    reader = Reader(folder)
    rows = json.loads((reader.folder / "rows.json").read_text())
    failed = 0
    for row in rows:
        try:
            version = reader.version(row)
            if row["name"] == "files beside it":
                reader.files(row, version)
            if row["wanted"].get("around"):
                reader.around(row, version, rows[0]["version_id"])
            print(f"ok      {row['name']}")
        except Exception as error:  # whatever the client says of it
            failed += 1
            print(f"FAILED  {row['name']}: {type(error).__name__}: {error}")
    print(f"{reader.read} entities read back of {len(rows)} rows, {failed} rows failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
