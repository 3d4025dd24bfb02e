"""Makes what the rows publish, in the folder named: with ffmpeg, with OpenEXR's own library, and by hand what neither writes."""

import pathlib
import subprocess

import numpy
import OpenEXR

CLIP = "-f lavfi -i testsrc2=size=320x180:rate=25 -frames:v 10"
STILL = "-f lavfi -i testsrc2=size=320x180 -frames:v 1"
PLAYS = "-c:v libx264 -pix_fmt yuv420p -movflags +faststart"

# The name of a file, and ffmpeg's arguments.
FFMPEG = {
    "plays.mp4": f"{CLIP} {PLAYS}",
    "plays.mov": f"{CLIP} {PLAYS}",
    "prores.mov": f"{CLIP} -c:v prores_ks",
    "dnxhd.mov": "-f lavfi -i testsrc2=size=1280x720:rate=25 -frames:v 10 -c:v dnxhd -b:v 60M -pix_fmt yuv422p",
    "deep.mp4": f"{CLIP} -c:v libx264 -pix_fmt yuv420p10le",
    "422.mp4": f"{CLIP} -c:v libx264 -pix_fmt yuv422p",
    "odd.mp4": f"{CLIP} -vf crop=319:179:exact=1 -c:v libx264 -pix_fmt yuv444p",
    "h264.mkv": f"{CLIP} -c:v libx264 -pix_fmt yuv420p",
    "vp9.webm": f"{CLIP} -c:v libvpx-vp9 -deadline realtime",
    "mpeg4.avi": f"{CLIP} -c:v mpeg4",
    "mpeg2.mxf": f"{CLIP} -c:v mpeg2video",
    "pieces.mp4": f"{CLIP} -c:v libx264 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov",
    "sound.mov": f"-f lavfi -i sine=duration=0.4 {CLIP} -c:v prores_ks -c:a pcm_s16le",
    "moving.gif": CLIP,
    "moving.webp": f"{CLIP} -c:v libwebp_anim",
    "moving.avif": f"{CLIP} -c:v libaom-av1 -cpu-used 8",
    "still.jpg": STILL,
    "still.png": STILL,
    "large.png": "-f lavfi -i testsrc2=size=640x360 -frames:v 1",
    "still.tif": STILL,
    "still.tga": STILL,
    "still.bmp": STILL,
    "still.gif": STILL,
    "still.webp": STILL,
    "still.dpx": STILL,
    "ffmpeg.exr": f"{STILL} -pix_fmt gbrpf32le",
    "high.mp4": f"-f lavfi -i testsrc2=size=1920x1080:rate=24 -frames:v 10 -preset ultrafast {PLAYS}",
    "low.mp4": f"-f lavfi -i testsrc2=size=640x360:rate=24 -frames:v 10 {PLAYS}",
}
SEQUENCES = {
    "plate.%04d.png": "-f lavfi -i testsrc2=size=320x180 -frames:v 8 -start_number 1001",
    "scan.%04d.dpx": "-f lavfi -i testsrc2=size=160x90 -frames:v 4 -start_number 1",
}

IDENTITY = "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"


def make(folder):
    folder = pathlib.Path(folder)
    for name, arguments in {**FFMPEG, **SEQUENCES}.items():
        command = ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", *arguments.split(), str(folder / name)]
        subprocess.run(command, check=True, timeout=60)
    (folder / "look.cube").write_text(IDENTITY)
    (folder / "scene.nk").write_text("Root { }")
    (folder / "project").mkdir()
    write_exr(folder / "openexr.exr", 0)
    (folder / "beauty").mkdir()
    for frame in range(1001, 1005):
        write_exr(folder / "beauty" / f"beauty.{frame}.exr", frame - 1001)
    (folder / "still.hdr").write_bytes(radiance(16, 8))
    (folder / "still.psd").write_bytes(photoshop(64, 36))
    (folder / "board.pdf").write_bytes(document(""))
    (folder / "locked.pdf").write_bytes(document("/Encrypt 9 0 R"))
    (folder / "take.r3d").write_bytes(b"\0\0\1\0RED2" + bytes(1016))
    (folder / "take.crm").write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(1000))
    holes(folder)


def holes(folder):
    """Frames of which one is missing and one is empty, and some of two sizes."""
    plates = sorted(folder.glob("plate.*.png"))
    (folder / "holes").mkdir()
    for number, plate in enumerate(plates, 1):
        if number != 4:
            (folder / "holes" / f"holes.{number:04}.png").write_bytes(b"" if number == 6 else plate.read_bytes())
    (folder / "mixed").mkdir()
    for number, source in enumerate((plates[0], folder / "large.png"), 1):
        (folder / "mixed" / f"mixed.{number:04}.png").write_bytes(source.read_bytes())
    (folder / "single").mkdir()
    (folder / "single" / "single.0001.png").write_bytes(plates[0].read_bytes())


def write_exr(path, shift):
    """A ramp that brightens from frame to frame."""
    ramp = numpy.linspace(0, 1, 160, dtype="float16") * (0.5 + shift / 8)
    pixels = numpy.stack([numpy.tile(ramp, (90, 1)).astype("float16")] * 3, axis=-1)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": numpy.ascontiguousarray(pixels)}).write(str(path))


def radiance(width, height):
    """Without run lengths, which wider and narrower lines than 8 to 32767 pixels must be, and others may."""
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode()
    return head + bytes((128, 64, 32, 129)) * (width * height)


def photoshop(width, height):
    """Three channels of 8 bits, no layers, not compressed."""
    head = b"8BPS\0\1" + bytes(6) + (3).to_bytes(2, "big") + height.to_bytes(4, "big") + width.to_bytes(4, "big")
    pixels = b"".join(bytes([value]) * (width * height) for value in (200, 60, 90))
    return head + (8).to_bytes(2, "big") + (3).to_bytes(2, "big") + bytes(12) + bytes(2) + pixels


def document(more):
    """A page of one colour."""
    drawing = "0.8 0.2 0.4 rg 0 0 300 200 re f"
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>",
               f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream"]  # fmt: skip
    text, places = "%PDF-1.4\n", ""
    for number, content in enumerate(objects, 1):
        places += f"{len(text):010} 00000 n \n"
        text += f"{number} 0 obj{content}endobj\n"
    trailer = f"trailer<</Size 5/Root 1 0 R{more}>>\nstartxref\n{len(text)}\n%%EOF\n"
    return f"{text}xref\n0 5\n0000000000 65535 f \n{places}{trailer}".encode("latin1")
