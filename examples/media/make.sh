#!/bin/sh
# Makes the demo's media: review.mp4 (frames 1001 to 1096 at 24 a second), thumbnail.jpg (frame 1049) and still.png.
# Needs ffmpeg with libx264 and drawtext, python3 with numpy, and the fonts Inter and DejaVu Sans Mono.
# The files are checked in; run this only to change them. It takes about five minutes.
set -eu
cd "$(dirname "$0")"

raw="-f rawvideo -pixel_format rgb24 -video_size 1280x536 -framerate 24"
text="fontcolor=0xd8d4cc:fontsize=24"
sans="$text:font='Inter Medium'"
mono="$text:font='DejaVu Sans Mono'"

# The picture in the middle of the frame, and what a review shows in the bars above and below it.
burn_in="pad=1280:720:0:92:0x08080a"
burn_in="$burn_in,drawtext=$sans:x=32:y=36:text='demo   sq010   sh010'"
burn_in="$burn_in,drawtext=$sans:x=(w-tw)/2:y=36:text='compositing':fontcolor=0x8f8b84"
burn_in="$burn_in,drawtext=$sans:x=w-tw-32:y=36:text='v003':fontcolor=0xffb26b"
burn_in="$burn_in,drawtext=$sans:x=32:y=664:text='Softer key light':fontcolor=0x8f8b84"
burn_in="$burn_in,drawtext=$mono:x=(w-tw)/2:y=664:text='%{eif\:n+1001\:d}'"
burn_in="$burn_in,drawtext=$mono:x=w-tw-32:y=664:timecode='00\:00\:41\:17':timecode_rate=24"

# What every browser plays: 8-bit 4:2:0, television range, tagged as BT.709, index first.
# A key frame every twelve frames makes stepping through it quick.
python3 scene.py 96 | ffmpeg -y -loglevel error $raw -i - \
    -vf "$burn_in,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p" \
    -c:v libx264 -preset veryslow -profile:v high -b:v 2200k -maxrate 4000k -bufsize 4000k -g 12 -bf 2 \
    -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv \
    -map_metadata -1 -fflags +bitexact -flags:v +bitexact -movflags +faststart review.mp4

ffmpeg -y -loglevel error -i review.mp4 -vf "select=eq(n\,48),scale=640:-2" -frames:v 1 -q:v 3 thumbnail.jpg

# The still has no grain, which a png would keep at any price.
python3 scene.py 1 24 | ffmpeg -y -loglevel error $raw -i - -vf "pad=1280:720:0:92:0x08080a" -frames:v 1 \
    -pred mixed -compression_level 100 still.png
