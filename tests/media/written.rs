//! All that the installed ffmpeg can write: recognised, and measured as ffprobe measures it.
