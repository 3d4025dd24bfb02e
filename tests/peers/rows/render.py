"""Renders twelve frames of a turning cube with Blender into the folder named, once as PNG and once as EXR: Cycles with one sample,
160x90. Needs bpy, Blender as a module."""

import pathlib
import sys

import bpy


def main(folder):
    folder = pathlib.Path(folder)
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.use_persistent_data = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 160, 90, 100
    scene.frame_start, scene.frame_end = 1001, 1012
    cube = bpy.data.objects["Cube"]
    for frame, turn in ((1001, 0), (1012, 1.5)):
        cube.rotation_euler[2] = turn
        cube.keyframe_insert("rotation_euler", frame=frame)
    for ending, format in (("png", "PNG"), ("exr", "OPEN_EXR")):
        scene.render.image_settings.file_format = format
        scene.render.filepath = str(folder / f"cube_{ending}" / "cube.####")
        bpy.ops.render.render(animation=True)


if __name__ == "__main__":
    main(sys.argv[-1])
