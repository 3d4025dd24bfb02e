#!/bin/sh
# Writes small files with the encoders, containers and image formats that the installed ffmpeg has, into the folder given:
# with "all" behind it with every one of them, which takes minutes, else with those that studios use. What it cannot write is
# left out. The tests run this themselves.
set -u
cd "$1"
which=${2:-usual}

export QUIET="-nostdin -y -loglevel quiet"
export PICTURE="-f lavfi -i testsrc2=size=176x144:rate=25"
export SOUND="-f lavfi -i sine=duration=0.2:sample_rate=48000"
three="-frames:v 3"

# A line is a name and the arguments; several run at once. What failed leaves nothing behind.
run() {
    xargs -P 4 -I LINE sh -c '
        set -- LINE
        out=$1; shift
        timeout -k 5 60 ffmpeg $QUIET "$@" "$out" || rm -f "$out"
        [ -s "$out" ] || rm -f "$out"' 2>/dev/null
}

ours() { grep -vE '_(qsv|vaapi|nvenc|omx|v4l2m2m|mf|amf|cuvid)$' | grep -vE '^(a64multi5?|wrapped_avframe|=)$'; }
encoders() { ffmpeg -hide_banner -encoders 2>/dev/null | awk -v kind="^$1" '$1 ~ kind { print $2 }' | ours; }
muxers() { ffmpeg -hide_banner -muxers 2>/dev/null | awk '$1 == "E" { split($2, names, ","); print names[1] }'; }
# What shows or sends rather than writes, and what writes sums, texts and many files.
silent='^(alsa|caca|fbdev|opengl|oss|pulse|sdl|xv|video4linux2|v4l2|null|rtp.*|rtsp|sap|tee|fifo.*|chromaprint|decklink.*|dash|hls|hds|smoothstreaming|segment|stream_segment|image2|image2pipe|ssegment|streamhash|.*md5|.*hash|.*crc|uncodedframecrc|ff.*|=)$'

# The rest of the formats that ffmpeg has, and every codec in every container.
all() {
    for encoder in $(encoders V); do
        for format in mov matroska avi mxf; do
            echo "codec-$encoder.$format $PICTURE $three -c:v $encoder -strict -2 -g 2 -f $format"
        done
    done
    for sound in $(encoders A); do
        for format in mov mp4 matroska avi; do
            echo "sound-$sound.$format $PICTURE $SOUND -shortest -c:v mpeg4 -c:a $sound -strict -2 -f $format"
        done
    done
    for muxer in $(muxers | grep -vE "$silent"); do
        echo "format-$muxer.$muxer $PICTURE $SOUND -shortest $three -strict -2 -f $muxer"
    done
    for image in jxl j2k jpeg ljpg jls apng ppm pgm pbm pam pfm phm pgmyuv pcx qoi sgi ras xbm xwd xface fits vbn avif; do
        images $image
    done
}

images() {
    echo "image.$1 -f lavfi -i testsrc2=size=176x144 -frames:v 1"
    echo "odd.$1 -f lavfi -i testsrc2=size=33x17 -frames:v 1"
    for format in rgb24 rgba rgb48le rgba64be gray gray16le gbrpf32le gbrapf32le gbrp10le gbrp12le pal8 yuv420p yuv444p; do
        [ $which = all ] && echo "image-$format.$1 -f lavfi -i testsrc2=size=48x32 -frames:v 1 -pix_fmt $format"
    done
}

usual() {
    for image in exr tif tga dpx bmp gif webp jp2 jpg png; do
        images $image
    done
    for depth in half float; do
        for compression in none rle zip1 zip16; do
            echo "image-$compression-$depth.exr -f lavfi -i testsrc2=size=48x40 -frames:v 1 -compression $compression -format $depth"
        done
    done
    for compression in raw packbits lzw deflate; do
        echo "image-$compression.tif -f lavfi -i testsrc2=size=48x40 -frames:v 1 -compression_algo $compression"
    done
    echo "moving.gif -f lavfi -i testsrc2=size=32x32 $three"
    echo "moving.webp -f lavfi -i testsrc2=size=48x48 $three -c:v libwebp_anim"
    # DV takes a size of its own only.
    echo "dv.mov -f lavfi -i testsrc2=size=720x576:rate=25 -frames:v 2 -c:v dvvideo -pix_fmt yuv420p"
    echo "dv.avi -f lavfi -i testsrc2=size=720x576:rate=25 -frames:v 2 -c:v dvvideo -pix_fmt yuv420p"
    echo "dnxhd.mxf -f lavfi -i testsrc2=size=1280x720:rate=25 -frames:v 1 -c:v dnxhd -b:v 60M -pix_fmt yuv422p"
    for profile in 0 3 4; do
        echo "prores$profile.mov $PICTURE $three -c:v prores_ks -profile:v $profile"
    done
    for format in yuv420p yuv422p yuv444p yuvj420p yuv420p10le gray; do
        echo "x264-$format.mp4 $PICTURE $three -c:v libx264 -pix_fmt $format -movflags +faststart"
    done
    for flags in frag_keyframe+empty_moov rtphint; do
        echo "flags-$flags.mp4 $PICTURE $three -c:v libx264 -pix_fmt yuv420p -movflags +$flags"
    done
    for format in mov matroska avi mxf webm mpegts flv asf; do
        echo "sound.$format $PICTURE $SOUND -shortest $three -f $format"
    done
    for sound in pcm_s16le pcm_s24be aac ac3 alac flac mp3; do
        echo "sound-$sound.mov $PICTURE $SOUND -shortest $three -c:v mpeg4 -c:a $sound -strict -2"
    done
}

{
    usual
    [ "$which" = all ] && all
} | run
exit 0
