"""The picture of the demo: balloons over a mountain lake at dusk, written as raw RGB frames to standard output.

    scene.py FRAMES [FIRST]    frames from FIRST (0), 1280x536 pixels, 24 a second

Needs numpy. Everything is drawn from a fixed seed: the same frames come out every time.
"""

import sys

import numpy as np

WIDTH, HEIGHT = 1280, 536
SHORE = 372  # the row at which the lake begins
SUN = (604.0, 276.0)
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


def colour(text):
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255


def mix(a, b, amount):
    return a + (b - a) * amount[..., None]


def smooth(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def noise_1d(x, seed):
    """Smooth noise from 0 to 1, one bump for every unit of x."""
    table = np.random.default_rng(seed).random(4096).astype(np.float32)
    cell = np.floor(x).astype(int)
    t = x - cell
    t = t * t * (3 - 2 * t)
    return table[cell % 4096] * (1 - t) + table[(cell + 1) % 4096] * t


def noise_2d(x, y, seed):
    table = np.random.default_rng(seed).random((256, 256)).astype(np.float32)
    cx, cy = np.floor(x).astype(int), np.floor(y).astype(int)
    tx, ty = x - cx, y - cy
    tx, ty = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty)
    at = lambda i, j: table[(cy + j) % 256, (cx + i) % 256]
    return (at(0, 0) * (1 - tx) + at(1, 0) * tx) * (1 - ty) + (at(0, 1) * (1 - tx) + at(1, 1) * tx) * ty


def ridge(x, seed, size):
    """The height of a mountain range: wide bumps with ever smaller ones on them."""
    return sum(noise_1d(x * 2**octave / size, seed + octave) / 1.9**octave for octave in range(7))


def pines(x, seed, spacing):
    """The height of a line of pines: one tooth for every tree, no two alike."""
    height = np.zeros_like(x)
    for row in range(3):
        cell = np.floor(x / spacing + row / 3)
        random = np.random.default_rng(seed + row).random((2, 4096)).astype(np.float32)
        tall, shift = random[0][cell.astype(int) % 4096], random[1][cell.astype(int) % 4096]
        centre = (cell - row / 3 + 0.5 + 0.3 * (shift - 0.5)) * spacing
        away = np.abs(x - centre) / spacing
        branches = 0.10 * np.abs(np.sin(away * 46))
        height = np.maximum(height, (0.45 + 0.55 * tall) * np.clip(1 - away * 2.3 + branches, 0, 1))
    return height


def sky(time):
    up = np.clip(1 - Y / SHORE, 0, 1)
    picture = mix(colour("ffb26b"), colour("e0698a"), smooth(0.10, 0.42, up))
    picture = mix(picture, colour("5a4a92"), smooth(0.34, 0.72, up))
    picture = mix(picture, colour("1c2452"), smooth(0.62, 1.05, up))
    away = np.hypot(X - SUN[0], (Y - SUN[1]) * 1.1)
    picture = picture + (np.exp(-away / 190) * 0.42)[..., None] * colour("ffb070")
    # Clouds: long streaks that drift, lit from below where the sun is near.
    x, y = X / 210 + time * 0.035, Y / 26
    cloud = 0.55 * noise_2d(x, y, 5) + 0.3 * noise_2d(x * 2.3, y * 2.1, 6) + 0.15 * noise_2d(x * 5, y * 4.2, 7)
    cloud = smooth(0.50, 0.80, cloud) * smooth(0.02, 0.25, up) * (1 - 0.55 * smooth(0.55, 1.0, up))
    lit = mix(colour("8a5a96"), colour("ffc08a"), np.exp(-away / 330))
    picture = mix(picture, lit, cloud * 0.72)
    picture = mix(picture, colour("fff0cf"), smooth(35, 32, away))
    return picture


def mountains(picture, time):
    away = np.abs(X[0] - SUN[0])
    #        seed  size  base   high  speed  dark      haze at the foot
    layers = [
        (11, 420, 318, 175, 7, "a8648c", "f09a80"),
        (31, 330, 352, 165, 15, "74497f", "d27c84"),
        (51, 240, 388, 130, 30, "432f63", "9c5a7c"),
    ]
    for seed, size, base, high, speed, dark, haze in layers:
        top = base - high * (ridge(X[0] + 900 + time * speed, seed, size) - 0.55)
        inside = np.clip(Y - top[None, :] + 0.5, 0, 1)
        depth = smooth(0, 1, (Y - top[None, :]) / 150)
        body = mix(colour(dark), colour(haze), depth * 0.9)
        rim = np.exp(-(Y - top[None, :]) / 3.5) * np.exp(-away / 260)[None, :] * 0.55
        body = body + np.clip(rim, 0, 1)[..., None] * colour("ff9d5c")
        picture = mix(picture, body, inside)
    top = SHORE - 6 - 34 * pines(X[0] + 400 + time * 46, 71, 15) - 10 * ridge(X[0] + time * 46, 75, 300)
    return mix(picture, colour("1f1a3d"), np.clip(Y - top[None, :] + 0.5, 0, 1))


#            x    y   size  drift  phase  stripes
BALLOONS = [
    (250, 150, 62, 15.0, 0.0, ("f4ead8", "d2443c")),
    (446, 222, 30, 9.0, 2.1, ("f7c552", "2f6a86")),
    (1085, 118, 40, 11.0, 4.0, ("e9803c", "5a2f6e")),
    (742, 104, 17, 6.0, 5.2, ("f4ead8", "3d7f74")),
]


def balloons(picture, time):
    for x0, y0, size, drift, phase, (light, dark) in BALLOONS:
        x = x0 + drift * time
        y = y0 - 7 * time * size / 60 + 3 * np.sin(time * 1.1 + phase) * size / 60
        u, v = (X - x) / size, (Y - y) / size
        # Round above, drawn together below, where the basket hangs.
        wide = np.where(v < 0.1, np.sqrt(np.clip(1 - ((v - 0.1) / 1.0) ** 2, 0, 1)), np.cos(np.clip((v - 0.1) / 1.25, 0, 1) * 1.42))
        inside = np.clip((wide - np.abs(u)) * size * 0.8 + 0.5, 0, 1) * (v > -0.9) * (v < 1.22)
        around = np.arcsin(np.clip(u / np.maximum(wide, 0.05), -1, 1)) + time * 0.25
        stripe = smooth(-0.12, 0.12, np.sin(around * 7))
        fabric = mix(np.broadcast_to(colour(light), picture.shape), colour(dark), stripe)
        # The sun is low and to one side; the burner glows inside.
        side = np.sign(SUN[0] - x)
        shade = 0.50 + 0.42 * smooth(-1.0, 1.0, side * u / np.maximum(wide, 0.05)) + 0.10 * smooth(0.4, 1.2, v)
        burner = np.exp(-(((v - 1.1) / 0.55) ** 2) - (u / 0.3) ** 2) * (0.30 + 0.25 * np.sin(time * 5 + phase) ** 2)
        fabric = fabric * shade[..., None] * colour("ffe6d4") + burner[..., None] * colour("ffb347")
        picture = mix(picture, fabric, inside)
        basket = (np.abs(u) < 0.12) & (v > 1.42) & (v < 1.62)
        ropes = (np.abs(np.abs(u) - 0.11 - (1.42 - v) * 0.2) < 0.6 / size) & (v > 1.18) & (v < 1.45)
        picture = mix(picture, colour("2b1c2c"), np.maximum(basket, ropes * 0.7).astype(np.float32))
    return picture


def lake(picture, time):
    deep = Y[SHORE:] - SHORE
    ripple = np.sin(deep * 0.9 - time * 3.2 + 3 * noise_2d(X[SHORE:] / 90 + time * 0.5, deep / 9, 91))
    rows = np.clip(SHORE - 1 - deep * 1.9 + ripple * (0.4 + deep * 0.05), 0, SHORE - 1).astype(int)
    shift = (noise_2d(X[SHORE:] / 40, deep / 3 - time * 1.6, 92) - 0.5) * (1 + deep * 0.11)
    columns = np.clip(X[SHORE:] + shift, 0, WIDTH - 1).astype(int)
    water = picture[rows, columns]
    water = mix(water * 0.86, colour("241f4e"), 0.16 + 0.42 * smooth(0, HEIGHT - SHORE, deep))
    # The sun's road: glitter that is wider the nearer it is.
    road = np.exp(-(((X[SHORE:] - SUN[0]) / (16 + deep * 0.62)) ** 2))
    glitter = smooth(0.62, 0.86, noise_2d(X[SHORE:] / 13, deep / 2.1 - time * 2.4, 93)) * road
    water = water + (glitter * 0.62 * smooth(0, 14, deep))[..., None] * colour("ffc98a")
    picture[SHORE:] = water
    bank = np.exp(-((Y - SHORE) / 5.0) ** 2) * (0.35 + 0.3 * noise_1d(X / 120 + time * 0.3, 95))
    return mix(picture, colour("e8a08c"), bank * 0.5)


def foreground(picture, time):
    """Trees close to the camera, out of focus, passing at both sides."""
    x = X[0] + 300 + time * 120
    clearing = smooth(380, 760, np.abs(X[0] - 560))
    top = HEIGHT + 40 - clearing * (70 + 210 * pines(x, 83, 120)) - 18 * ridge(x, 87, 260)
    return mix(picture, colour("0d0b1e"), np.clip((Y - top[None, :]) / 5, 0, 1))


def frame(number, grain):
    time = number / 24
    picture = foreground(lake(balloons(mountains(sky(time), time), time), time), time)
    vignette = 1 - 0.30 * smooth(0.55, 1.25, np.hypot((X / WIDTH - 0.5) * 1.7, Y / HEIGHT - 0.5))
    picture = np.clip(picture * vignette[..., None], 0, None)
    grey = picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    picture = np.clip(grey[..., None] + (picture - grey[..., None]) * 1.22, 0, None)
    picture = picture * (1 + 0.5 * picture) / (1 + 0.55 * picture**2)  # a soft shoulder instead of clipping
    picture = picture * 255
    if grain:
        picture += np.random.default_rng(number).normal(0, 1.1, (HEIGHT, WIDTH, 1))
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


frames = int(sys.argv[1])
first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
for number in range(first, first + frames):
    sys.stdout.buffer.write(frame(number, grain=frames > 1).tobytes())
