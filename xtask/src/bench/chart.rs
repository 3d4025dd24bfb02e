//! The bars: seconds of each sender, a panel a scenario, shorter is better.

use std::fmt::Write as _;

use super::numbers::median;
use super::scenario::Measured;

/// One group of bars with an axis of its own.
pub struct Panel {
    title: String,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    seconds: f64,
    note: String,
}

const WIDTH: f64 = 760.0;
/// Where bars begin, after the names.
const LEFT: f64 = 190.0;
/// Room for the value after the longest bar.
const RIGHT: f64 = 150.0;
const BAR: f64 = 16.0;
const STEP: f64 = 23.0;
const TITLE: f64 = 46.0;

const STYLE: &str = "
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .note { fill: #59636e; }
  .bar { fill: #9aa4b0; }
  .own { fill: #0969da; }
  .axis { stroke: #59636e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .bar { fill: #656c76; }
    .own { fill: #4493f8; }
    .axis { stroke: #9198a1; }
  }
";

/// A panel for each scenario that compares senders.
pub fn panels(measured: &[Measured]) -> Vec<Panel> {
    measured.iter().filter(|one| one.senders.len() > 1).map(panel).collect()
}

fn panel(measured: &Measured) -> Panel {
    let gib = measured.bytes as f64 / (1u64 << 30) as f64;
    let bars = measured.senders.iter().filter_map(|sender| {
        let seconds = median(&sender.figures(|run| run.seconds))?;
        let cpu = median(&sender.figures(|run| run.cpu_seconds))?;
        let note = match measured.files {
            1 => format!("{:.2} CPU s/GiB", cpu / gib),
            files => format!("{:.0} files/s", f64::from(files) / seconds),
        };
        Some(Bar { name: sender.name.to_owned(), seconds, note })
    });
    let mut bars: Vec<Bar> = bars.collect();
    bars.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Panel { title: measured.title.clone(), bars }
}

/// The drawing. Its axes are linear and begin at nothing, so that lengths can be compared.
pub fn draw(panels: &[Panel]) -> String {
    let mut body = String::new();
    let mut y = 8.0;
    for panel in panels {
        let most = panel.bars.iter().map(|bar| bar.seconds).fold(f64::MIN_POSITIVE, f64::max);
        text(&mut body, 8.0, y + 22.0, "title", &format!("{}, seconds", panel.title));
        y += TITLE - 10.0;
        let top = y;
        for bar in &panel.bars {
            let class = if bar.name.starts_with("ftreview") { "own" } else { "bar" };
            let width = (bar.seconds / most * (WIDTH - LEFT - RIGHT)).max(1.0);
            let (baseline, value_x) = (y + BAR - 3.5, LEFT + width + 6.0);
            text(&mut body, 8.0, baseline, "", &bar.name);
            // Writing to a String cannot fail.
            let _ =
                writeln!(body, r#"<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{BAR}"/>"#);
            let value = format!("{:.2}", bar.seconds);
            let _ = writeln!(
                body,
                r#"<text x="{value_x:.1}" y="{baseline:.1}">{value} <tspan class="note">{}</tspan></text>"#,
                escaped(&bar.note)
            );
            y += STEP;
        }
        let _ =
            writeln!(body, r#"<line class="axis" x1="{LEFT}" y1="{top:.1}" x2="{LEFT}" y2="{:.1}"/>"#, y - STEP + BAR);
    }
    let height = y + 6.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">
<title>Seconds that each sender takes; shorter is better</title>
<style>{STYLE}</style>
{body}</svg>
"#
    )
}

fn text(body: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let _ = writeln!(body, r#"<text class="{class}" x="{x}" y="{y:.1}">{}</text>"#, escaped(words));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> String {
        let bar = |name: &str, seconds| Bar { name: name.into(), seconds, note: "1 < 2 & 3".into() };
        let bars = vec![bar("ftreview", 0.5), bar("a <slow> one & more", 8.0)];
        draw(&[Panel { title: "2 GiB".into(), bars }, Panel { title: "nothing".into(), bars: vec![] }])
    }

    /// Elements are closed in the order in which they were opened, and no character is left that means something.
    #[test]
    fn the_drawing_is_well_formed() {
        let svg = example();
        let mut open = Vec::new();
        let mut rest = svg.as_str();
        while let Some((text, after)) = rest.split_once('<') {
            let entities = ["&amp;", "&lt;", "&gt;"].iter().map(|entity| text.matches(entity).count()).sum::<usize>();
            assert_eq!(text.matches('&').count(), entities, "{text}");
            let (tag, after) = after.split_once('>').unwrap();
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            rest = after;
        }
        assert!(open.is_empty(), "{open:?}");
        assert_eq!(rest.trim(), "");
    }

    #[test]
    fn lengths_are_in_proportion_and_everything_is_inside() {
        let svg = example();
        let widths: Vec<f64> = svg
            .split("<rect ")
            .skip(1)
            .map(|rect| rect.split_once("width=\"").unwrap().1.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(widths.len(), 2);
        assert!((widths[1] / widths[0] - 16.0).abs() < 0.1, "{widths:?}");
        assert!(LEFT + widths[1] + RIGHT <= WIDTH);
    }
}
