"""The official Python client against the staging server, and against what the C program published there."""

import json
import os
import pathlib
import subprocess
import unittest
import unittest.mock

import ftrack_api
import ftrack_api.symbol
import requests

from counting_proxy import CountingProxy

MEDIA = pathlib.Path(os.environ["FTREVIEW_MEDIA"])
MOVIE = MEDIA / "review.mp4"
STILL = MEDIA / "still.png"
THUMBNAIL = MEDIA / "thumbnail.jpg"
TASK = 'Task where name is "compositing" and parent.name is "sh010" and project.name is "demo"'
# What examples/media/make.sh made.
MOVIE_META = {"frameIn": 0, "frameOut": 95, "frameRate": 24.0, "width": 1280, "height": 720}
STILL_META = {"format": "image", "width": 1280, "height": 720}


def publish(path, *options, **environment):
    """Publishes with the C program; returns the ids that it prints."""
    command = [os.environ["FTREVIEW_PUBLISH"], "--context", "demo/sq010/sh010/compositing", *options, str(path)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


def download(component):
    """A component's bytes by the two ways that the client has: its accessor, and the URL for others."""
    location = component.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    data = location.accessor.open(location.get_resource_identifier(component), "rb").read()
    answer = requests.get(location.get_url(component), timeout=60)
    answer.raise_for_status()
    if answer.content != data:
        raise AssertionError("the component's URL gives other bytes than the accessor")
    return data


class OfficialClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.session = ftrack_api.Session(auto_connect_event_hub=False)
        cls.addClassCleanup(cls.session.close)

    def new_version(self, name):
        task = self.session.query(TASK).one()
        asset_type = self.session.query('AssetType where name is "Upload"').one()
        asset = self.session.create("Asset", {"name": name, "type": asset_type, "parent": task["parent"]})
        version = self.session.create("AssetVersion", {"asset": asset, "task": task, "comment": "From Python"})
        self.session.commit()
        return version


class StagingServer(OfficialClient):
    def test_a_session_starts_and_knows_the_entity_types(self):
        self.assertLessEqual({"Project", "Task", "AssetVersion", "FileComponent"}, set(self.session.types))
        self.assertTrue(self.session.server_information["version"])

    def test_a_strict_session_starts_and_queries(self):
        with ftrack_api.Session(auto_connect_event_hub=False, strict_api=True) as session:
            self.assertEqual(session.query(TASK).one()["name"], "compositing")

    def test_a_wrong_key_is_refused_as_a_server_error(self):
        with self.assertRaises(ftrack_api.exception.ServerError):
            ftrack_api.Session(api_key="not-a-key", auto_connect_event_hub=False)

    def test_a_query_follows_relations_both_ways(self):
        task = self.session.query("select name, parent.parent.name, project.name, status.name, type.name from " + TASK).one()
        with self.session.auto_populating(False):
            self.assertEqual(task["parent"]["parent"]["name"], "sq010")
            self.assertEqual(task["project"]["name"], "demo")
            self.assertTrue(task["status"]["name"])
        self.assertIn(task, task["parent"]["children"])
        self.assertEqual([link["name"] for link in task["link"]], [task["project"]["full_name"], "sq010", "sh010", "compositing"])

    def test_an_unknown_attribute_is_refused(self):
        with self.assertRaises(ftrack_api.exception.ServerError):
            self.session.query('Task where no_such_attribute is "x"').all()

    def test_what_is_created_is_numbered_found_changed_and_deleted(self):
        version = self.new_version("python life")
        self.assertEqual(version["version"], 1)
        status = self.session.query('Status where name is "Approved"').one()
        version["comment"], version["status"], version["metadata"]["shift"] = "Changed", status, "night"
        self.session.commit()
        with ftrack_api.Session(auto_connect_event_hub=False) as other:
            found = other.query(f'AssetVersion where id is "{version["id"]}"').one()
            self.assertEqual((found["comment"], found["status"]["name"]), ("Changed", "Approved"))
            self.assertEqual(dict(found["metadata"]), {"shift": "night"})
        self.session.delete(version)
        self.session.commit()
        self.assertIsNone(self.session.query(f'AssetVersion where id is "{version["id"]}"').first())

    def test_an_upload_comes_back_byte_for_byte(self):
        version = self.new_version("python upload")
        server = self.session.query('Location where name is "ftrack.server"').one()
        component = version.create_component(str(MOVIE), {"name": "ftrackreview-mp4"}, location=server)
        component["metadata"]["ftr_meta"] = json.dumps(MOVIE_META)
        self.session.commit()
        thumbnail = version.create_thumbnail(str(THUMBNAIL))
        self.assertEqual(download(component), MOVIE.read_bytes())
        self.assertEqual(download(thumbnail), THUMBNAIL.read_bytes())
        self.assertEqual(component["size"], MOVIE.stat().st_size)
        shown = requests.get(version["thumbnail_url"]["value"], timeout=60)
        self.assertEqual((shown.status_code, shown.headers["Content-Type"].split("/")[0]), (200, "image"))


class PublishedFromC(OfficialClient):
    def assert_published(self, ids, name, path, meta):
        version = self.session.get("AssetVersion", ids["version_id"])
        self.assertEqual(version["asset"]["id"], ids["asset_id"])
        self.assertEqual(version["task"]["id"], ids["task_id"])
        self.assertEqual(version["asset"]["parent"]["id"], version["task"]["parent"]["id"])
        self.assertEqual(version["project"]["id"] if "project" in version.keys() else ids["project_id"], ids["project_id"])
        self.assertTrue(version["is_published"])
        component = self.session.get("FileComponent", ids["component_id"])
        self.assertIn(component, version["components"])
        self.assertEqual((component["name"], component["file_type"]), (name, path.suffix))
        self.assertEqual(json.loads(component["metadata"]["ftr_meta"]), meta)
        server = self.session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        self.assertEqual(server.get_component_availability(component), 100.0)
        self.assertEqual(download(component), path.read_bytes())
        return version

    def test_a_movie_is_read_back_byte_for_byte(self):
        ids = publish(MOVIE, "--asset", "c movie", "--comment", "From C", "--status", "Approved",
                      "--thumbnail", str(THUMBNAIL))
        version = self.assert_published(ids, "ftrackreview-mp4", MOVIE, MOVIE_META)
        self.assertEqual((version["comment"], version["status"]["name"]), ("From C", "Approved"))
        self.assertEqual(download(self.session.get("FileComponent", ids["thumbnail_id"])), THUMBNAIL.read_bytes())
        self.assertEqual(version["thumbnail_id"], ids["thumbnail_id"])

    def test_a_still_is_read_back_byte_for_byte(self):
        version = self.assert_published(publish(STILL, "--asset", "c still"), "ftrackreview-image", STILL, STILL_META)
        self.assertTrue(version["thumbnail_id"])

    def test_both_clients_count_versions_of_one_asset_together(self):
        first = self.new_version("shared asset")
        second = publish(STILL, "--asset", "shared asset")
        self.assertEqual(second["asset_id"], first["asset"]["id"])
        self.assertEqual(self.session.get("AssetVersion", second["version_id"])["version"], 2)


class Requests(unittest.TestCase):
    """What one publish costs: a movie with a thumbnail, comment and status, as a new asset of a task known by name."""

    def test_the_c_program_needs_fewer_requests_than_the_official_client(self):
        # The client keeps the server's schemas on disk; it is counted as it runs every time but the first.
        ftrack_api.Session(auto_connect_event_hub=False).close()
        ours = self.count(self.publish_with_c)
        theirs = self.count(self.publish_as_documented)
        for name, made in (("C program", ours), ("official Python client", theirs)):
            print(f"\nRequests of the {name}: {len(made)}, of these to storage: {sum(m == 'PUT' for m, _ in made)}")
            print("\n".join(f"    {method:<4} {asked if method == 'POST' else 'to storage'}" for method, asked in made))
        self.assertEqual(sum(method == "PUT" for method, _ in ours), 2, "a movie and a thumbnail are two uploads")
        self.assertLess(len(ours), len(theirs))

    def count(self, flow):
        with CountingProxy() as proxy:
            environment = {"http_proxy": proxy.url, "HTTP_PROXY": proxy.url}
            flow(environment)
            return proxy.requests

    def publish_with_c(self, environment):
        publish(MOVIE, "--asset", "counted c", "--comment", "Counted", "--status", "Approved",
                "--thumbnail", str(THUMBNAIL), **environment)

    def publish_as_documented(self, environment):
        """The flow of the client's own documentation, pages "Publishing" and "Preparing media for web review", with an
        asset that is only made when there is none, as the C program does it."""
        with unittest.mock.patch.dict(os.environ, environment):
            with ftrack_api.Session(auto_connect_event_hub=False) as session:
                task = session.query(TASK).one()
                asset_type = session.query('AssetType where name is "Upload"').one()
                status = session.query('Status where name is "Approved"').one()
                parent = task["parent"]
                asset = session.query(f'Asset where name is "counted python" and type.id is "{asset_type["id"]}" '
                                      f'and parent.id is "{parent["id"]}"').first()
                if asset is None:
                    asset = session.create("Asset", {"name": "counted python", "type": asset_type, "parent": parent})
                version = session.create("AssetVersion",
                                         {"asset": asset, "task": task, "comment": "Counted", "status": status})
                session.commit()
                server = session.query('Location where name is "ftrack.server"').one()
                component = version.create_component(str(MOVIE), {"name": "ftrackreview-mp4"}, location=server)
                component["metadata"]["ftr_meta"] = json.dumps(MOVIE_META)
                session.commit()
                version.create_thumbnail(str(THUMBNAIL))
                session.commit()


if __name__ == "__main__":
    unittest.main()
