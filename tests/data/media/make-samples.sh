#!/bin/sh
# Makes the samples that tests/media reads. Needs ffmpeg with libx264 and libx265 (made with 5.1).
# The samples are checked in; run this only to add one or to change what one shows.
set -eu
cd "$(dirname "$0")"

# picture SIZE RATE FRAMES -> the input options for a small moving picture
picture() { echo "-f lavfi -i testsrc2=size=$1:rate=$2 -frames:v $3"; }
make() { ffmpeg -y -loglevel error -fflags +bitexact "$@"; }
exact="-flags:v +bitexact -map_metadata -1"
h264="-c:v libx264 -preset veryslow -crf 40 -pix_fmt yuv420p $exact"
fast="-movflags +faststart"

# What plays, at the rates that reviews use.
make $(picture 160x90 24 24) $h264 $fast h264.mp4
make $(picture 160x90 24 24) $h264 index-at-end.mp4
make $(picture 160x90 24000/1001 48) $h264 $fast 23976.mp4
make $(picture 160x90 30000/1001 30) $h264 $fast 2997.mp4
make $(picture 160x90 25 25) $h264 $fast 25.mp4
# A clock of milliseconds, too coarse for the rate.
make $(picture 160x90 24000/1001 48) $h264 $fast -video_track_timescale 1000 23976-milliseconds.mp4
make -f lavfi -i testsrc2=size=160x90:rate=24:duration=1 -f lavfi -i sine=duration=1 $h264 -c:a aac -b:a 32k $fast sound.mp4
make -f lavfi -i testsrc2=size=160x90:rate=24:duration=1 -f lavfi -i sine=duration=1 $h264 -c:a ac3 -b:a 64k $fast ac3.mp4
make $(picture 160x90 24 24) $h264 $fast h264.mov
# Every fourth frame dropped.
make $(picture 160x90 24 40) -vf "select=mod(n\,4)" -vsync vfr $h264 $fast variable-rate.mp4
make $(picture 160x96 24 8) $h264 -x264-params tff=1:interlaced=1 $fast interlaced.mp4
make $(picture 160x90 24 8) -vf setsar=2 $h264 $fast anamorphic.mp4
# ffmpeg counts against the clock: a player turns this by 270 degrees clockwise.
make -i h264.mp4 -c copy -metadata:s:v:0 rotate=90 $fast rotated.mp4
make $(picture 4128x32 24 2) $h264 $fast large.mp4

# What browsers do not play.
make $(picture 160x90 24 8) -c:v libx264 -crf 40 -pix_fmt yuv444p $exact $fast 444.mp4
make $(picture 160x90 24 8) -c:v libx264 -crf 40 -pix_fmt yuv422p $exact $fast 422.mp4
make $(picture 160x90 24 8) -c:v libx264 -crf 40 -pix_fmt yuv420p10le $exact $fast 10-bit.mp4
make $(picture 160x90 24 8) -c:v libx264 -crf 40 -pix_fmt gray $exact $fast gray.mp4
make $(picture 160x90 24 8) -vf scale=161:91 -c:v libx264 -crf 40 -pix_fmt yuv444p $exact $fast odd-size.mp4
make $(picture 64x36 24 4) -c:v libx264 -qp 0 -pix_fmt yuv420p $exact $fast lossless.mp4
make $(picture 160x90 24 8) -c:v libx265 -crf 40 -x265-params log-level=none:info=0 -tag:v hvc1 $exact $fast hevc.mp4
make $(picture 160x90 24 8) -c:v mpeg4 -q:v 20 $exact $fast mpeg4.mp4
make $(picture 64x36 24 4) -c:v prores_ks -profile:v hq -qscale:v 31 $exact -timecode 00:00:41:17 prores.mov
make $(picture 64x36 24 4) -c:v mjpeg -q:v 20 $exact mjpeg.mov
make $(picture 256x120 24 2) -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p $exact dnxhr.mov
make $(picture 160x90 24 24) $h264 -movflags +frag_keyframe+empty_moov fragmented.mp4
make -f lavfi -i sine=duration=0.2 -c:a aac -b:a 32k -map_metadata -1 sound-only.m4a

# Containers that browsers do not play.
make $(picture 64x36 24 4) -c:v mjpeg -q:v 20 $exact container.avi
make $(picture 160x90 24 4) $h264 container.mkv
make $(picture 64x36 24 4) -c:v libvpx -b:v 20k $exact container.webm
make $(picture 64x36 25 4) -c:v mpeg2video -q:v 20 $exact container.mxf
make $(picture 64x36 24 2) $h264 container.ts

# Images.
make $(picture 120x68 24 1) -q:v 20 $exact still.jpg
make $(picture 120x68 24 1) $exact still.png
make $(picture 16x16 24 1) $exact still.tif
make $(picture 16x16 24 1) $exact still.exr
make $(picture 16x16 24 1) $exact still.dpx
make $(picture 16x16 24 1) -rle 0 $exact still.tga
make $(picture 16x16 24 1) $exact still.bmp
make $(picture 16x16 24 1) -c:v libwebp -quality 20 $exact still.webp
make $(picture 16x16 24 1) $exact still.gif
make $(picture 16x16 24 3) $exact moving.gif
make $(picture 16x16 24 3) -vf hue=h=90*n -c:v libwebp_anim -quality 20 $exact moving.webp

# A movie that says all about itself: colour, timecode, key frames every five frames, sound in stereo.
make -f lavfi -i testsrc2=size=64x36:rate=24:duration=1 -f lavfi -i sine=duration=1:sample_rate=48000 $h264 \
  -g 5 -keyint_min 5 -sc_threshold 0 -bf 0 -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1 \
  -c:a aac -b:a 32k -ac 2 -timecode 00:00:41:17 $fast tagged.mp4
