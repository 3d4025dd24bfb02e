//! GIF (CompuServe, version 89a): its size, and whether it moves.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::Facts;
use crate::media::bytes::Numbers;
use crate::media::image::{damaged, take};
use crate::media::{head, unreadable};
use crate::session::{Result, Source};

pub(super) fn read(source: &Source) -> Result<Facts> {
    let header = head(source, 13)?;
    let numbers = Numbers::little(&header);
    let (Some(width), Some(height), Some(flags)) = (numbers.u16(6), numbers.u16(8), numbers.u8(10)) else {
        return Err(damaged("it is cut off in its header"));
    };
    let mut reader = BufReader::new(source.file());
    reader.seek(SeekFrom::Start(13 + table_length(flags))).map_err(unreadable)?;
    let animated = pictures(&mut reader)? > 1;
    Ok(Facts { animated, ..Facts::of(Some((width.into(), height.into()))) })
}

/// Counts pictures, to two at most.
fn pictures(reader: &mut BufReader<impl Read + Seek>) -> Result<u32> {
    let mut pictures = 0;
    loop {
        match take(reader)? {
            // The end of the file.
            [0x3b] => return if pictures == 0 { Err(damaged("there is no picture in it")) } else { Ok(pictures) },
            // An extension: its kind, then blocks.
            [0x21] => skip(reader, 1)?,
            // A picture: place, size and flags, its colours, the size of codes, then blocks.
            [0x2c] => {
                pictures += 1;
                if pictures > 1 {
                    return Ok(pictures);
                }
                let [.., flags] = take::<9>(reader)?;
                skip(reader, table_length(flags) as i64 + 1)?;
            }
            _ => return Err(damaged("something in it is neither a picture nor an extension")),
        }
        loop {
            let [length] = take(reader)?;
            if length == 0 {
                break;
            }
            skip(reader, length.into())?;
        }
    }
}

/// Bytes that a table of colours takes.
fn table_length(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn skip(reader: &mut BufReader<impl Read + Seek>, length: i64) -> Result<()> {
    reader.seek_relative(length).map_err(unreadable)
}
