"""The official Python client's own calls for a review, against the staging server: encode_media, thumbnails, notes, review
sessions, lists, sequences and custom attributes. What is written is read back in a session of its own."""

import json
import os
import pathlib
import shutil
import tempfile
import time
import unittest

import ftrack_api
import ftrack_api.symbol
import requests

from test_peer import MOVIE, STILL, THUMBNAIL, OfficialClient, download

HAS_FFMPEG = shutil.which("ffmpeg") is not None
if not HAS_FFMPEG and os.environ.get("CI"):
    raise RuntimeError("ffmpeg is not installed")


class Review(OfficialClient):
    def setUp(self):
        self.other = ftrack_api.Session(auto_connect_event_hub=False)
        self.addCleanup(self.other.close)

    def again(self, entity):
        """The entity as another client sees it."""
        return self.other.get(entity.entity_type, ftrack_api.inspection.primary_key(entity).values())

    def me(self):
        return self.session.query(f'User where username is "{self.session.api_user}"').one()

    def wait(self, job):
        """The job's last status and data; only a hang gets to the end of patience."""
        for _ in range(600):
            # Every query brings what it names up to date.
            job = self.other.query(f'select status, data, job_components.component_id from Job where id is "{job["id"]}"').one()
            if job["status"] in ("done", "failed"):
                return job["status"], json.loads(job["data"]), {one["component_id"] for one in job["job_components"]}
            time.sleep(0.1)
        raise AssertionError(f"the job {job['id']} does not end")


@unittest.skipUnless(HAS_FFMPEG, "ffmpeg is not installed")
class EncodeMedia(Review):
    def test_a_path_is_encoded_for_a_version_and_the_source_is_gone_at_the_end(self):
        version = self.new_version("python encode path")
        job = version.encode_media(str(MOVIE))
        data = json.loads(job["data"])
        self.assertEqual([one["format"] for one in data["output"]], ["video/mp4", "image/jpeg"])
        self.assertIs(data["keep_original"], False)
        # As the client's own test does, at once.
        for output in data["output"]:
            self.assertEqual(self.session.get("FileComponent", output["component_id"])["version_id"], version["id"])
        status, data, components = self.wait(job)
        self.assertEqual((status, data.get("error")), ("done", None))
        self.assertEqual(components, {one["component_id"] for one in data["output"]})
        seen = self.again(version)
        movie, image = (self.other.get("FileComponent", one["component_id"]) for one in data["output"])
        self.assertEqual((movie["name"], seen["thumbnail_id"]), ("ftrackreview-mp4", image["id"]))
        self.assertEqual(movie["metadata"]["source_component_id"], data["source_component_id"])
        meta = json.loads(movie["metadata"]["ftr_meta"])
        self.assertEqual(meta, {"frameIn": 0, "frameOut": 95, "frameRate": 24.0, "width": 1280, "height": 720})
        self.assertIn(b"ftyp", download(movie)[:16])
        self.assertEqual(download(image)[:2], b"\xff\xd8")
        self.assertIsNone(self.other.query(f'Component where id is "{data["source_component_id"]}"').first())

    def test_a_component_is_encoded_and_kept(self):
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        source = self.session.create_component(str(STILL), location=server)
        self.session.commit()
        status, data, _ = self.wait(self.session.encode_media(source))
        self.assertEqual((status, data["keep_original"]), ("done", True))
        image = self.other.get("FileComponent", data["output"][0]["component_id"])
        self.assertEqual((image["name"], image["version_id"]), ("ftrackreview-image", None))
        self.assertEqual(download(self.again(source)), STILL.read_bytes())

    def test_what_cannot_be_encoded_fails_with_the_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "no movie.mov"
            path.write_text("this is no movie")
            version = self.new_version("python encode failure")
            status, data, components = self.wait(version.encode_media(str(path)))
        self.assertEqual((status, components), ("failed", set()))
        self.assertIn("ffmpeg", data["error"])
        self.assertEqual(list(self.again(version)["components"]), [])

    def test_what_is_not_on_the_server_is_refused(self):
        component = self.session.create_component(str(STILL), location=None)
        self.session.commit()
        with self.assertRaisesRegex(ftrack_api.exception.ServerError, "not in the location ftrack.server"):
            self.session.encode_media(component)


class Media(Review):
    def test_a_thumbnail_is_set_on_version_task_and_shot(self):
        version = self.new_version("python thumbnails")
        for entity in (version, version["task"], version["task"]["parent"]):
            thumbnail = entity.create_thumbnail(str(THUMBNAIL))
            self.assertEqual(self.again(entity)["thumbnail_id"], thumbnail["id"])
            shown = requests.get(self.again(entity)["thumbnail_url"]["value"], timeout=60)
            self.assertEqual((shown.status_code, shown.content), (200, THUMBNAIL.read_bytes()))

    def test_a_part_of_a_component_is_read_with_the_key_and_without_it_nothing(self):
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = self.session.create_component(str(MOVIE), location=server)
        self.session.commit()
        whole, url = MOVIE.read_bytes(), server.get_url(component)
        part = requests.get(url, headers={"Range": "bytes=1000-1999"}, timeout=60)
        self.assertEqual((part.status_code, part.content), (206, whole[1000:2000]))
        self.assertEqual(part.headers["Content-Range"], f"bytes 1000-1999/{len(whole)}")
        end = requests.get(url, headers={"Range": f"bytes={len(whole) - 10}-"}, timeout=60)
        self.assertEqual((end.status_code, end.content), (206, whole[-10:]))
        beyond = requests.get(url, headers={"Range": f"bytes={len(whole)}-"}, timeout=60)
        self.assertEqual(beyond.status_code, 416)
        self.assertEqual(requests.get(url.split("&")[0], timeout=60).status_code, 403)

    def test_a_sequence_has_members_and_a_place_in_the_file_system(self):
        with tempfile.TemporaryDirectory() as folder:
            for number in (1001, 1002, 1003, 1005):
                (pathlib.Path(folder) / f"plate.{number}.png").write_bytes(bytes(number))
            pattern = f"{folder}/plate.%04d.png [1001-1003, 1005]"
            version = self.new_version("python sequence")
            unmanaged = self.session.get("Location", ftrack_api.symbol.UNMANAGED_LOCATION_ID)
            sequence = version.create_component(pattern, {"name": "plate"}, location=unmanaged)
            self.session.commit()
        seen = self.again(sequence)
        self.assertEqual((seen.entity_type, seen["padding"], seen["size"]), ("SequenceComponent", 4, 4011))
        self.assertEqual(sorted(member["name"] for member in seen["members"]), ["1001", "1002", "1003", "1005"])
        self.assertEqual({member["container"]["id"] for member in seen["members"]}, {seen["id"]})
        place = self.other.get("Location", ftrack_api.symbol.UNMANAGED_LOCATION_ID)
        self.assertEqual(place.get_component_availability(seen), 100.0)
        self.assertEqual(place.get_resource_identifier(seen), f"{folder}/plate.%04d.png")
        # A sequence goes with its members.
        members = [member["id"] for member in seen["members"]]
        self.session.delete(sequence)
        self.session.commit()
        for member in members:
            self.assertIsNone(self.session.query(f'Component where id is "{member}"').first())

    def test_a_container_holds_components_that_go_with_it(self):
        version = self.new_version("python container")
        container = self.session.create("ContainerComponent", {"name": "package", "version": version})
        inside = [self.session.create("FileComponent", {"name": name, "container": container}) for name in ("a", "b")]
        self.session.commit()
        self.assertEqual({one["name"] for one in self.again(container)["members"]}, {"a", "b"})
        self.session.delete(version)
        self.session.commit()
        for one in [container, *inside]:
            self.assertIsNone(self.session.query(f'Component where id is "{one["id"]}"').first())

    def test_data_go_with_their_component_and_by_the_location(self):
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        deleted, removed = (self.session.create_component(str(STILL), location=server) for _ in range(2))
        self.session.commit()
        urls = [server.get_url(one) for one in (deleted, removed)]
        server.remove_component(removed)
        self.session.delete(deleted)
        self.session.commit()
        self.assertEqual([requests.get(url, timeout=60).status_code for url in urls], [404, 404])
        self.assertEqual(list(self.again(removed)["component_locations"]), [])


class Notes(Review):
    def test_a_note_has_labels_recipients_attachments_a_frame_and_replies(self):
        version = self.new_version("python note")
        labels = self.session.query("NoteLabel").all()[:2]
        note = version.create_note("On the left", self.me(), recipients=[self.me()], labels=labels)
        note["frame_number"], note["is_todo"] = 1042, True
        note["metadata"]["tool"] = "python"
        self.session.commit()
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = self.session.create_component(str(STILL), {"name": "drawing"}, location=server)
        self.session.create("NoteComponent", {"component_id": component["id"], "note_id": note["id"]})
        reply = note.create_reply("Seen", self.me())
        self.session.commit()
        seen = self.again(note)
        self.assertEqual((seen["parent_id"], seen["parent_type"]), (version["id"], "AssetVersion"))
        self.assertEqual((seen["content"], seen["frame_number"], seen["is_todo"]), ("On the left", 1042, True))
        self.assertEqual(seen["author"]["username"], self.session.api_user)
        self.assertEqual({link["label"]["name"] for link in seen["note_label_links"]}, {one["name"] for one in labels})
        self.assertEqual([one["recipient"]["username"] for one in seen["recipients"]], [self.session.api_user])
        self.assertEqual([one["content"] for one in seen["replies"]], ["Seen"])
        self.assertEqual(self.again(reply)["in_reply_to"], seen)
        [attached] = seen["note_components"]
        self.assertEqual(requests.get(attached["url"]["value"], timeout=60).content, STILL.read_bytes())
        self.assertEqual(requests.get(attached["thumbnail_url"]["value"], timeout=60).status_code, 200)
        found = self.other.query(f'Note where parent_id is "{version["id"]}" and note_label_links any (label.name is "{labels[0]["name"]}")')
        self.assertEqual(found.one(), seen)
        self.session.delete(note)
        self.session.commit()
        for expression in (f'Note where id is "{reply["id"]}"', f'NoteComponent where note_id is "{note["id"]}"',
                           f'NoteLabelLink where note_id is "{note["id"]}"', f'Recipient where note_id is "{note["id"]}"'):
            self.assertIsNone(self.session.query(expression).first(), expression)

    def test_tasks_and_review_session_objects_have_notes_too(self):
        version = self.new_version("python other notes")
        task_note = version["task"].create_note("To the artist", self.me())
        review = self.session.create("ReviewSession", {"name": "With notes", "project": version["task"]["project"]})
        shown = self.session.create("ReviewSessionObject", {"name": "one", "review_session": review, "asset_version": version})
        self.session.commit()
        note = shown.create_note("From the client", self.me())
        self.session.commit()
        self.assertEqual(self.again(task_note)["parent_type"], "TypedContext")
        self.assertEqual([one["content"] for one in self.again(shown)["notes"]], ["From the client"])
        self.assertEqual(self.again(note)["project"]["id"], version["task"]["project"]["id"])


class ReviewSessions(Review):
    def review(self, name):
        version = self.new_version(name)
        project = version["task"]["project"]
        review = self.session.create("ReviewSession", {"name": name, "description": "Dailies", "project": project})
        shown = self.session.create("ReviewSessionObject", {
            "name": "comp", "version": "Version 1", "description": "First", "review_session": review,
            "asset_version": version, "sort_order": 1})
        invitee = self.session.create("ReviewSessionInvitee", {
            "name": "Client", "email": "client@example.com", "review_session": review})
        self.session.commit()
        return version, review, shown, invitee

    def test_an_invitee_is_written_to_once_committed(self):
        _, review, _, invitee = self.review("python invitation")
        self.assertIsNone(self.again(invitee)["last_sent_at"])
        self.session.send_review_session_invite(invitee)
        with ftrack_api.Session(auto_connect_event_hub=False) as fresh:
            seen = fresh.get("ReviewSessionInvitee", invitee["id"])
            self.assertIsNotNone(seen["last_sent_at"])
            self.assertEqual([one["email"] for one in fresh.get("ReviewSession", review["id"])["review_session_invitees"]],
                             ["client@example.com"])

    def test_a_bad_address_is_refused_and_nothing_of_the_commit_stays(self):
        _, review, _, invitee = self.review("python bad address")
        bad = self.session.create("ReviewSessionInvitee", {
            "name": "Typo", "email": "client at example.com", "review_session": review})
        with self.assertRaisesRegex(ftrack_api.exception.ServerError, "ValidationError.*email"):
            self.session.commit()
        self.session.rollback()
        self.assertIsNone(self.session.query(f'ReviewSessionInvitee where id is "{bad["id"]}"').first())

    def test_answers_are_given_for_invitees_and_users_and_other_answers_are_refused(self):
        _, _, shown, invitee = self.review("python answers")
        self.session.create("ReviewSessionObjectStatus", {
            "review_session_object": shown, "invitee": invitee, "status": "approved"})
        self.session.create("ReviewSessionObjectStatus", {
            "review_session_object": shown, "resource_id": self.me()["id"], "status": "require_changes"})
        self.session.commit()
        self.assertEqual({one["status"] for one in self.again(shown)["statuses"]}, {"approved", "require_changes"})
        found = self.other.query('ReviewSessionObject where statuses any (status is "approved" and '
                                 f'invitee.email is "client@example.com") and id is "{shown["id"]}"')
        self.assertEqual(found.one()["id"], shown["id"])
        self.session.create("ReviewSessionObjectStatus", {"review_session_object": shown, "invitee": invitee, "status": "maybe"})
        with self.assertRaisesRegex(ftrack_api.exception.ServerError, "approved, require_changes"):
            self.session.commit()
        self.session.rollback()

    def test_what_is_shown_goes_with_its_version_and_everything_goes_with_the_session(self):
        version, review, shown, invitee = self.review("python cascade")
        note = shown.create_note("Gone soon", self.me())
        status = self.session.create("ReviewSessionObjectStatus", {
            "review_session_object": shown, "invitee": invitee, "status": "approved"})
        self.session.commit()
        self.session.delete(version)
        self.session.commit()
        for gone in (shown, note, status):
            self.assertIsNone(self.session.query(f'{gone.entity_type} where id is "{gone["id"]}"').first())
        self.assertEqual(list(self.again(review)["review_session_objects"]), [])
        self.session.delete(review)
        self.session.commit()
        self.assertIsNone(self.session.query(f'ReviewSessionInvitee where id is "{invitee["id"]}"').first())

    def test_a_session_is_found_by_name_and_project(self):
        version, review, _, _ = self.review("python found")
        project = version["task"]["project"]["id"]
        found = self.other.query(f'select id, is_open from ReviewSession where name is "python found" and project.id is "{project}"')
        self.assertEqual(found.one()["id"], review["id"])


class AroundTheVersion(Review):
    def test_a_version_is_listed_and_linked(self):
        used, version = self.new_version("python used"), self.new_version("python user")
        project = version["task"]["project"]
        category = self.session.query("ListCategory").first()
        dailies = self.session.create("AssetVersionList", {"name": "Monday", "project": project, "category": category})
        dailies["items"].append(version)
        version["uses_versions"].append(used)
        self.session.commit()
        self.session.create("ListObject", {"list_id": dailies["id"], "entity_id": used["id"]})
        self.session.commit()
        self.assertEqual({one["id"] for one in self.again(dailies)["items"]}, {version["id"], used["id"]})
        self.assertEqual([one["id"] for one in self.again(version)["uses_versions"]], [used["id"]])
        self.assertEqual([one["id"] for one in self.again(used)["used_in_versions"]], [version["id"]])
        found = self.other.query(f'AssetVersion where lists any (name is "Monday" and id is "{dailies["id"]}")').all()
        self.assertEqual(len(found), 2)
        self.session.delete(version)
        self.session.commit()
        with ftrack_api.Session(auto_connect_event_hub=False) as fresh:
            self.assertEqual([one["id"] for one in fresh.get("AssetVersionList", dailies["id"])["items"]], [used["id"]])
            self.assertEqual(list(fresh.get("AssetVersion", used["id"])["used_in_versions"]), [])

    def test_links_are_made_by_their_own_type_too(self):
        used, version = self.new_version("python linked"), self.new_version("python linking")
        self.session.create("AssetVersionLink", {"from_id": used["id"], "to_id": version["id"]})
        self.session.commit()
        self.assertEqual([one["from"]["id"] for one in self.again(version)["incoming_links"]], [used["id"]])

    def test_custom_attributes_of_a_version_are_set_found_and_have_defaults(self):
        kinds = {one["name"]: one for one in self.session.query("CustomAttributeType")}
        for key, kind, default in (("py_note", "text", "none yet"), ("py_takes", "number", 1), ("py_hero", "boolean", False)):
            self.session.create("CustomAttributeConfiguration", {
                "key": key, "label": key, "entity_type": "assetversion", "type": kinds[kind], "default": default,
                "config": json.dumps({"isdecimal": False} if kind == "number" else {})})
        self.session.commit()
        # Sessions look for the attributes that there are once.
        self.session.reset()
        version, plain = self.new_version("python custom"), self.new_version("python custom default")
        values = {"py_note": 'with "quotes" and ü', "py_takes": 12, "py_hero": True}
        for key, value in values.items():
            version["custom_attributes"][key] = value
        self.session.commit()
        seen = self.again(version)["custom_attributes"]
        self.assertEqual({key: seen[key] for key in values}, values)
        self.assertEqual(self.again(plain)["custom_attributes"]["py_note"], "none yet")
        for criteria in ('key is "py_takes" and value is 12', 'key is "py_takes" and value > 11', 'key is py_hero and value is true',
                         'key is "py_note" and value like "%quotes%"'):
            found = self.other.query(f'AssetVersion where custom_attributes any ({criteria}) and id is "{version["id"]}"')
            self.assertEqual(found.one()["id"], version["id"], criteria)
        self.assertIsNone(self.other.query('AssetVersion where custom_attributes any (key is "py_takes" and value is 13)').first())

    def test_a_tasks_statuses_come_from_the_project_schema_and_are_recorded(self):
        version = self.new_version("python statuses")
        task, schema = version["task"], version["task"]["project"]["project_schema"]
        statuses = schema.get_statuses("Task", task["type_id"])
        self.assertIn("Pending Review", [one["name"] for one in statuses])
        self.assertTrue(schema.get_statuses("AssetVersion") and schema.get_statuses("Shot") and schema.get_types("Task"))
        task["status"] = next(one for one in statuses if one["name"] != task["status"]["name"])
        self.session.commit()
        self.assertEqual(self.again(task)["status"]["id"], task["status"]["id"])
        self.assertIn(task["status"]["id"], [one["status_id"] for one in self.again(task)["status_changes"]])

    def test_a_job_of_the_client_shows_its_progress_and_a_file(self):
        job = self.session.create("Job", {"user": self.me(), "status": "running", "data": json.dumps({"description": "Upload"})})
        self.session.commit()
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = self.session.create_component(str(STILL), location=server)
        self.session.create("JobComponent", {"component_id": component["id"], "job_id": job["id"]})
        job["status"] = "done"
        self.session.commit()
        seen = self.again(job)
        self.assertEqual((seen["status"], json.loads(seen["data"])["description"]), ("done", "Upload"))
        self.assertEqual(requests.get(seen["job_components"][0]["url"]["value"], timeout=60).content, STILL.read_bytes())


if __name__ == "__main__":
    unittest.main()
