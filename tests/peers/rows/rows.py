"""The rows of docs/media.md: publishes each through the C interface, and writes down what a browser is to see of it.

    rows.py FOLDER    with what render.py has made in it, or without

Server, user and key come from the environment; FTREVIEW_ROW is the compiled row.c. Ends with 1 where a row is not as the table says.
"""

import json
import os
import pathlib
import subprocess
import sys

import ftrack_api

import inputs

TASK = "demo/sq010/sh010/compositing"
# Of the header.
AUTO, DIRECT, ENCODE, TRANSCODE = range(4)
MOVIE, IMAGE, PDF, THUMBNAIL, COMPONENT, UNMANAGED, SEQUENCE = range(1, 8)
META_WITHOUT_SIZE, TASK_THUMBNAIL, PARENT_THUMBNAIL, ALL_FRAMES, DISPLAY_REFERRED = 1, 256, 512, 1024, 2048
CREATE_LISTS, CREATE_REVIEW_SESSION, CREATE_ASSET_TYPE, DO_NOT_INVITE = 4, 8, 64, 16
HOLD, LEAVE_OUT = 1, 2
RENDITION_720, RENDITION_1080 = 1, 2
UPLOAD_FRAMES = 1


def movie(frames=10, rate=25, width=320, height=180, **more):
    """What a browser is to see: a movie."""
    return {"view": "movie", "frames": frames, "rate": rate, "width": width, "height": height, **more}


def still(width=320, height=180, **more):
    return {"view": "still", "width": width, "height": height, **more}


def refused(code):
    """Nothing may be left on the server."""
    return {"refused": code}


NOT_RUN = []


def not_run(name, why):
    NOT_RUN.append(f"NOT RUN: {name}: {why}")
    print(NOT_RUN[-1], flush=True)


def reads_radiance():
    """Whether the installed ffmpeg has a decoder for Radiance HDR, which that of Debian 12 has not."""
    said = subprocess.run(["ffmpeg", "-hide_banner", "-decoders"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return any(line.split()[1:2] == ["hdr"] for line in said.splitlines())


def file(role, path, name="", flags=0):
    return f"{role},{flags},{name},{path}"


def table(at, has_blender):
    """A name, the options, and what is to be seen."""
    frames = dict(frame_rate="24")
    yield "h264 mp4", dict(path=at / "plays.mp4"), movie(same="plays.mp4")
    yield "h264 mov", dict(path=at / "plays.mov"), movie(same="plays.mov")
    for name in ("prores.mov", "deep.mp4", "422.mp4", "h264.mkv", "vp9.webm", "mpeg4.avi", "mpeg2.mxf", "pieces.mp4", "sound.mov"):
        yield name, dict(path=at / name), movie()
    yield "dnxhd.mov", dict(path=at / "dnxhd.mov"), movie(width=1280, height=720)
    yield "odd size", dict(path=at / "odd.mp4"), movie()
    yield "gif that moves", dict(path=at / "moving.gif"), movie()
    for name in ("still.jpg", "still.png"):
        yield name, dict(path=at / name), still(same=name)
    for name in ("still.tif", "still.tga", "still.bmp", "still.gif", "still.webp"):
        yield name, dict(path=at / name), still()
    yield "still.psd", dict(path=at / "still.psd"), still(64, 36)

    linear = {"openexr.exr": (160, 90), "ffmpeg.exr": (320, 180), "still.hdr": (16, 8), "still.dpx": (320, 180)}
    if has_blender:
        linear["cube_exr/cube.1003.exr"] = (160, 90)
    for name, size in linear.items():
        yield name, dict(path=at / name), refused("FTR_E_SCENE_LINEAR")
        if name == "still.hdr" and not reads_radiance():
            not_run("still.hdr with a LUT, and as it looks", "this ffmpeg does not read Radiance HDR")
            continue
        yield f"{name} with a LUT", dict(path=at / name, lut=at / "look.cube"), still(*size)
        yield f"{name} as it looks", dict(path=at / name, flags=DISPLAY_REFERRED), still(*size)

    yield "pdf", dict(path=at / "board.pdf"), {"view": "pdf", "same": "board.pdf", "thumbnail": False}
    yield "pdf and image", dict(path=at / "board.pdf", file=[file(0, at / "still.jpg")]), {"view": "pdf", "same": "board.pdf"}

    notations = ("%04d", "####", "@@@@", "$F4")
    for notation in notations:
        yield f"frames {notation}", dict(path=at / f"plate.{notation}.png", **frames), movie(8, 24)
    yield "frames [range]", dict(path=at / "plate.[1001-1005].png", **frames), movie(5, 24)
    yield "frames clique", dict(path=at / "plate.%04d.png [1001-1004, 1006]", holes=LEAVE_OUT, **frames), movie(5, 24)
    yield "one frame of all", dict(path=at / "plate.1003.png", flags=ALL_FRAMES, **frames), movie(8, 24)
    yield "one frame alone", dict(path=at / "plate.1003.png"), still(same="plate.1003.png")
    yield "frames without a rate", dict(path=at / "plate.####.png"), refused("FTR_E_FRAME_RATE_NEEDED")
    yield "frames at 23.976", dict(path=at / "plate.####.png", frame_rate="24000/1001"), movie(8, 24000 / 1001)
    holes = at / "holes" / "holes.####.png"
    yield "holes", dict(path=holes, **frames), refused("FTR_E_SEQUENCE_HOLES")
    yield "holes held", dict(path=holes, holes=HOLD, **frames), movie(8, 24)
    yield "holes left out", dict(path=holes, holes=LEAVE_OUT, **frames), movie(6, 24)
    yield "mixed sizes", dict(path=at / "mixed" / "mixed.####.png", **frames), refused("FTR_E_SEQUENCE_MIXED")
    yield "single frame", dict(path=at / "single" / "single.####.png", **frames), refused("FTR_E_SEQUENCE_SINGLE")
    yield "no frame", dict(path=at / "none.####.png", **frames), refused("FTR_E_SEQUENCE_EMPTY")
    linear = {"OpenEXR": ("beauty/beauty.%04d.exr", 4), "dpx": ("scan.%04d.dpx", 4)}
    if has_blender:
        yield "Blender frames png", dict(path=at / "cube_png" / "cube.####.png", **frames), movie(12, 24, 160, 90)
        linear["Blender"] = ("cube_exr/cube.####.exr", 12)
    for name, (pattern, count) in linear.items():
        yield f"{name} frames", dict(path=at / pattern, **frames), refused("FTR_E_SCENE_LINEAR")
        yield f"{name} frames with a LUT", dict(path=at / pattern, lut=at / "look.cube", **frames), movie(count, 24, 160, 90)
    look = dict(path=at / "beauty" / "beauty.%04d.exr", flags=DISPLAY_REFERRED, **frames)
    yield "OpenEXR frames as they look", look, movie(4, 24, 160, 90)

    yield "RED", dict(path=at / "take.r3d"), refused("FTR_E_MOVIE_CONTAINER")
    yield "Canon raw", dict(path=at / "take.crm"), refused("FTR_E_NOT_MEDIA")
    yield "encrypted pdf", dict(path=at / "locked.pdf"), refused("FTR_E_NOT_MEDIA")

    none = dict(ffmpeg_path="")
    yield "movie without ffmpeg", dict(path=at / "prores.mov", **none), movie(encoded=True)
    yield "still without ffmpeg", dict(path=at / "still.tga", **none), refused("FTR_E_NOT_MEDIA")
    yield "frames without ffmpeg", dict(path=at / "plate.####.png", **frames, **none), refused("FTR_E_NOT_MEDIA")
    yield "avif that moves", dict(path=at / "moving.avif"), movie(encoded=True)
    # The staging server encodes with ffmpeg, which reads no animated webp: it is asked, and says so.
    yield "webp that moves", dict(path=at / "moving.webp"), refused("FTR_E_ENCODE_FAILED")
    yield "mode encode", dict(path=at / "h264.mkv", mode=ENCODE), movie(encoded=True)
    yield "mode direct", dict(path=at / "plays.mp4", mode=DIRECT), movie(same="plays.mp4")
    yield "mode direct of a ProRes", dict(path=at / "prores.mov", mode=DIRECT), refused("FTR_E_MOVIE_CODEC")
    yield "mode transcode", dict(path=at / "plays.mp4", mode=TRANSCODE), movie(other="plays.mp4")

    made = dict(path=at / "high.mp4", mode=TRANSCODE, renditions=RENDITION_720 | RENDITION_1080)
    sizes = ["ftrackreview-mp4", "ftrackreview-mp4-1080", "thumbnail"]
    yield "renditions made", made, movie(10, 24, 1920, 1080, components=sizes, qualities=2)
    given = dict(path=at / "high.mp4", file=[file(0, at / "low.mp4")])
    yield "renditions given", given, movie(10, 24, 1920, 1080, components=sizes, qualities=2)
    two = dict(path=at / "still.png", file=[file(IMAGE, at / "large.png")])
    yield "two images", two, still(640, 360, components=["ftrackreview-image", "ftrackreview-image-high"], qualities=2)
    beside = [file(THUMBNAIL, at / "still.jpg"), file(COMPONENT, at / "scene.nk"), file(UNMANAGED, at / "scene.nk", "source"),
              file(UNMANAGED, at / "project"), file(SEQUENCE, at / "plate.%04d.png", "by path"),
              file(SEQUENCE, at / "beauty" / "beauty.####.exr", "uploaded", UPLOAD_FRAMES)]  # fmt: skip
    names = ["by path", "ftrackreview-mp4", "project", "scene", "source", "thumbnail", "uploaded"]
    flags = TASK_THUMBNAIL | PARENT_THUMBNAIL
    yield "files beside it", dict(path=at / "plays.mp4", flags=flags, file=beside), movie(same="plays.mp4", components=names)

    meta = dict(path=at / "plays.mp4", first_frame=1001, meta_frame_out=1, meta='{"studio": "us", "frameRate": 25}', flags=META_WITHOUT_SIZE)
    said = {"frameIn": 1001, "frameOut": 1011, "frameRate": 25, "studio": "us"}
    yield "what the player is told", meta, movie(meta=said, notices=True)
    around = dict(
        path=at / "plays.mp4", thumbnail=at / "still.jpg", comment="Softer key light", status="approved", task_status="pending review",
        user="anna", lists='["Dailies", "For client"]', metadata='{"farm job": "17", "frames": [1, 2]}', asset_type="Playblast",
        custom_attributes='{"cut_in": 1001, "vendor": "us"}', note="Softer, as \"asked\"", note_labels='["internal", "Client feedback"]',
        note_attachments=json.dumps([str(at / "still.png"), str(at / "scene.nk")]), note_frame=5, review_session="Friday",
        invitees='[{"name": "Bert", "email": "bert@client.com"}, {"email": "carla@client.com"}]',
        flags=CREATE_LISTS | CREATE_REVIEW_SESSION | CREATE_ASSET_TYPE | DO_NOT_INVITE,
    )  # fmt: skip
    yield "all around it", around, movie(same="plays.mp4", around=True)


def publish(options):
    """What the C program says of how the job ended."""
    words = [f"{name}={value}" for name, values in options.items() for value in (values if isinstance(values, list) else [values])]
    done = subprocess.run([os.environ["FTREVIEW_ROW"], *words], stdout=subprocess.PIPE, text=True, timeout=150)
    if done.returncode != 0:
        return {"refused": f"exit code {done.returncode}", "message": ""}
    return json.loads(done.stdout)


def refusal(said):
    """The code, if it was refused, and the words."""
    if "refused" in said:
        return said["refused"], said["message"]
    error = said["result"]["error"]
    return (error["name"], error["message"]) if error else (None, "")


def census(session):
    """What must not be left of a publish that failed. An asset may: others may have found it meanwhile."""
    return [len(session.query(f"select id from {kind}").all()) for kind in ("AssetVersion", "Component", "ComponentLocation")]


def prepare(session):
    """What a publish names and does not make: somebody, attributes, and a version that it uses."""
    session.create("User", {"username": "anna", "is_active": True})
    for key, kind in (("cut_in", "number"), ("vendor", "text")):
        kind = session.query(f'CustomAttributeType where name is "{kind}"').one()
        session.create("CustomAttributeConfiguration", {
            "key": key, "label": key, "entity_type": "assetversion", "type_id": kind["id"], "config": "{}"})  # fmt: skip
    session.commit()


def main(folder):
    folder = pathlib.Path(folder)
    inputs.make(folder)
    has_blender = (folder / "cube_png").is_dir()
    session = ftrack_api.Session(auto_connect_event_hub=False)
    prepare(session)
    rows, failed = [], 0
    before = census(session)
    for number, (name, options, wanted) in enumerate(table(folder, has_blender)):
        options = {"context": TASK, "asset_name": f"row {number} {name}", **options}
        if wanted.get("around"):
            options["uses_versions"] = json.dumps([rows[0]["version_id"]])
        said = publish(options)
        code, message = refusal(said)
        after = census(session)
        if code != wanted.get("refused"):
            failed += 1
            print(f"FAILED  {name}: {code or 'published'} where {wanted.get('refused') or 'a publish'} was expected. {message}", flush=True)
        elif code and after != before:
            failed += 1
            print(f"FAILED  {name}: refused, and left {after} of {before} on the server", flush=True)
        elif code:
            print(f"ok      {name}: {code}", flush=True)
        else:
            result = said["result"]
            print(f"ok      {name}: {', '.join(sorted(one['name'] for one in result['components']))}", flush=True)
            rows.append({"name": name, "wanted": wanted, **{key: value for key, value in result.items() if value is not None}})
        before = after
    if not has_blender:
        not_run("the rows of Blender", "bpy is not installed")
    (folder / "rows.json").write_text(json.dumps(rows, indent=1))
    (folder / "not-run.txt").write_text("; ".join(NOT_RUN))
    print(f"{len(rows)} rows published, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
