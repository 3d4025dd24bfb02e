//! Header values that both stores hand out.

/// How a browser is to take data of this type: shown in the page, or saved.
pub(super) fn reading_disposition(content_type: &str, file_name: &str) -> String {
    disposition(if opens_safely(content_type) { "inline" } else { "attachment" }, file_name)
}

/// A `Content-Disposition` value; names beyond ASCII are given as RFC 6266 asks.
pub(super) fn disposition(kind: &str, file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    if plain == file_name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Whether a browser may open it on the server's own origin: an uploaded HTML page or SVG could act for the viewer.
fn opens_safely(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (major, minor) = kind.split_once('/').unwrap_or((&kind, ""));
    match major {
        "video" | "audio" => true,
        "image" => !minor.contains("xml"),
        _ => kind == "application/pdf" || kind == "text/plain",
    }
}
