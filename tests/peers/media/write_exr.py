"""Writes OpenEXR images with OpenEXR's own library into the folder named: every compression, half and float, cropped, tiled, of
several parts. Their names say how large the display window is: `exr-zip-float-48x32.exr`.
"""

import pathlib
import sys

import numpy
import OpenEXR

COMPRESSIONS = {
    "none": OpenEXR.NO_COMPRESSION, "rle": OpenEXR.RLE_COMPRESSION, "zips": OpenEXR.ZIPS_COMPRESSION, "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION, "pxr24": OpenEXR.PXR24_COMPRESSION, "b44": OpenEXR.B44_COMPRESSION, "b44a": OpenEXR.B44A_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION, "dwab": OpenEXR.DWAB_COMPRESSION,
}  # fmt: skip
WIDTH, HEIGHT = 48, 300


def pixels(depth, width=WIDTH, height=HEIGHT):
    return numpy.random.default_rng(1).random((height, width, 3)).astype(depth)


def window(left, top, right, bottom):
    return numpy.array([left, top], dtype="int32"), numpy.array([right, bottom], dtype="int32")


def main(folder):
    folder = pathlib.Path(folder)
    for name, compression in COMPRESSIONS.items():
        for depth in ["float16", "float32"]:
            header = {"compression": compression, "type": OpenEXR.scanlineimage}
            path = folder / f"exr-{name}-{depth}-{WIDTH}x{HEIGHT}.exr"
            OpenEXR.File(header, {"RGB": pixels(depth)}).write(str(path))
    # Only a part of the picture was rendered, and some of it lies outside.
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    header |= {"displayWindow": window(0, 0, 1919, 1079), "dataWindow": window(-10, 20, WIDTH - 11, HEIGHT + 19)}
    OpenEXR.File(header, {"RGB": pixels("float16")}).write(str(folder / "exr-cropped-1920x1080.exr"))
    parts = [OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": pixels("float16")}, name) for name in ["beauty", "depth"]]
    OpenEXR.File(parts).write(str(folder / f"exr-parts-{WIDTH}x{HEIGHT}.exr"))


if __name__ == "__main__":
    main(sys.argv[1])
