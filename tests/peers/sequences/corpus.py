"""What fileseq and clique say about a corpus of notations and folders, the same in every run, as JSON into the file named.

`cargo test --test sequences -- --ignored` compares it with what the library says (tests/sequences/peers.rs).
"""

import json
import random
import sys

import clique
import fileseq

SEED = 20261121
TEXTS = 6000
FOLDERS = 600

FOLDER = ["", "/renders/", "renders/v001/", "/a b/c.d/", "//host/share/"]
HEAD = ["shot.", "shot_", "shot", "sh010_comp_v003.", "v2-", "a.b.", "Ä.", "", "max", "take2", "take2.", "x", "s-", "s.1x", "shot 1."]
SIGN = ["#", "##", "####", "######", "@", "@@", "@@@@", "%d", "%04d", "%4d", "%02d", "%01d", "$F", "$F4", "$F2", "#@", "<UDIM>", "%(UDIM)d", "#.#", "$FF", ""]
RANGE = ["", "1-100", "1001-1100", "0001-0100", "1", "1001", "1,5-10", "1-10,20-30", "-10-100", "-10--5", "-1", "1-10x2", "1-9x3", "1-10y2", "1-10:2", "10-1", "5-5",
         "1-", "1,,2", "1-2-3", "1-10x0", "-5-5x5", "0-0", "1-3,2-5"]
TAIL = [".exr", ".tar.gz", "_left.exr", "", ".jp2", ".mp4", "L.exr", ".exr.bak"]
BEHIND = [" [1-5, 7]", " [7]", " []", " [1-5,7]", " 1-50", " [-5-5]", " [1-10x2]", " [5-1]"]


def texts(random):
    """Notations, and paths that are none."""
    for _ in range(TEXTS):
        where = random.random()
        yield {
            "folder": random.choice(FOLDER), "head": random.choice(HEAD), "range": random.choice(RANGE) if where < 0.5 else "",
            "sign": random.choice(SIGN), "tail": random.choice(TAIL), "behind": random.choice(BEHIND) if where > 0.7 or where < 0.03 else "",
        }  # fmt: skip


def folders(random):
    """Names in a folder: sequences with holes, mixed and ambiguous padding, versions, and files that are none."""
    for _ in range(FOLDERS):
        names = set()
        for _ in range(random.randint(1, 3)):
            head = random.choice(["shot.", "shot_", "frame", "shot_v001.", "shot_v002.", "a.b."])
            tail = random.choice([".exr", ".png", ".jp2"])
            padding = random.choice([0, 0, 2, 3, 4, 4, 4, 6])
            first = random.choice([0, 1, 1, 8, 95, 998, 1001, 9998, random.randint(0, 2000)])
            for frame in range(first, first + random.randint(1, 15)):
                if random.random() < 0.9:
                    names.add(f"{head}{frame:0{padding}d}{tail}")
        if random.random() < 0.3:
            names |= {"shot.mov", "readme.txt", "comp_v001.nk", "comp_v002.nk"}
        yield sorted(names)


def fileseq_reads(text):
    try:
        sequence = fileseq.FileSequence(text)
        frames = sequence.frameSet()
        return {
            "folder": sequence.dirname(), "head": sequence.basename(), "tail": sequence.extension(), "sign": sequence.padding(),
            "padding": sequence.zfill(), "frames": None if frames is None else sorted(int(frame) for frame in frames),
        }  # fmt: skip
    except Exception as error:
        return {"error": type(error).__name__}


def clique_reads(text):
    try:
        return clique_told(clique.parse(text))
    except Exception as error:
        return {"error": type(error).__name__}


def clique_told(collection):
    return {
        "head": collection.head, "tail": collection.tail, "padding": collection.padding, "frames": sorted(collection.indexes),
        "shown": str(collection), "names": list(collection),
    }  # fmt: skip


def fileseq_finds(names):
    return [
        {"names": [str(path) for path in sequence], "head": sequence.basename(), "tail": sequence.extension(), "padding": sequence.zfill()}
        for sequence in fileseq.findSequencesInList(names)
    ]  # fmt: skip


def clique_finds(names):
    # The last number before the extension, as in its own pattern for frames, but behind any sign.
    pattern = clique.DIGITS_PATTERN + r"(?=\.\D+\d?$)"
    collections, rest = clique.assemble(names, patterns=[pattern], minimum_items=2, assume_padded_when_ambiguous=True)
    return {"collections": [clique_told(collection) for collection in collections], "rest": list(rest)}


def main(path):
    numbers = random.Random(SEED)
    said = {
        "texts": [
            {"text": text, "parts": parts, "fileseq": fileseq_reads(text), "clique": clique_reads(text)}
            for text, parts in {"".join(parts.values()): parts for parts in texts(numbers)}.items()
        ],
        "folders": [{"names": names, "fileseq": fileseq_finds(names), "clique": clique_finds(names)} for names in folders(numbers)],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(said, file)


if __name__ == "__main__":
    main(sys.argv[1])
