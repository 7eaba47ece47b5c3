//! SVG: one self-contained picture, with the names as text so that it can be searched.

use super::layout::places;
use crate::graph::{EdgeKind, Graph, Role};
use std::fmt::Write;

/// Pixels a character takes at the picture's font size, about.
const CHAR_WIDTH: f64 = 7.5;
const BOX_HEIGHT: f64 = 30.0;
const COLUMN_GAP: f64 = 70.0;
const ROW_HEIGHT: f64 = 70.0;
const MARGIN: f64 = 20.0;

pub(super) fn write(graph: &Graph) -> String {
    let places = places(graph);
    let longest = graph
        .nodes()
        .map(|(_, node)| node.name.chars().count())
        .max()
        .unwrap_or(0);
    let box_width = longest as f64 * CHAR_WIDTH + 20.0;
    let columns = places.iter().map(|p| p.0 + 1).max().unwrap_or(0);
    let rows = places.iter().map(|p| p.1 + 1).max().unwrap_or(0);
    let mut in_column = vec![0usize; columns];
    places.iter().for_each(|&(column, _)| in_column[column] += 1);
    let centre = |v: usize| -> (f64, f64) {
        let (x, y) = places[v];
        // Columns are centred, and every second one stands half a row lower, so that edges pass between boxes.
        let shift = (rows - in_column[x]) as f64 / 2.0 + if x % 2 == 1 { 0.35 } else { 0.0 };
        (
            MARGIN + box_width / 2.0 + x as f64 * (box_width + COLUMN_GAP),
            MARGIN + BOX_HEIGHT + (y as f64 + shift) * ROW_HEIGHT,
        )
    };
    let width = 2.0 * MARGIN + columns as f64 * (box_width + COLUMN_GAP)
        - COLUMN_GAP.min(columns as f64 * COLUMN_GAP);
    let height = 2.0 * MARGIN + BOX_HEIGHT + (rows as f64 + 0.35) * ROW_HEIGHT;
    // Writing to a string cannot fail.
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto-start-reverse\"><path d=\"M0 0 8 4 0 8z\"/></marker></defs>"
    );
    for edge in graph.edges() {
        let (Some(a), Some(b)) = (graph.id(&edge.from), graph.id(&edge.to)) else {
            continue;
        };
        let (from, to) = (centre(a.index()), centre(b.index()));
        let both = edge.kind == EdgeKind::Bidirected;
        let far = places[a.index()].0.abs_diff(places[b.index()].0) > 1;
        // Common causes and edges that skip columns are bent, so that they do not run through boxes.
        let bend = match (both, far) {
            (true, _) => 0.28,
            (false, true) => -0.12,
            (false, false) => 0.0,
        };
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let control = (
            (from.0 + to.0) / 2.0 + bend * dy,
            (from.1 + to.1) / 2.0 - bend * dx,
        );
        let start = border(from, control, box_width);
        let end = border(to, control, box_width);
        let style = if both {
            " stroke-dasharray=\"5 4\" marker-start=\"url(#head)\""
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} {:.1} Q{:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"#444\" \
             marker-end=\"url(#head)\"{style}/>",
            start.0, start.1, control.0, control.1, end.0, end.1
        );
    }
    for (id, node) in graph.nodes() {
        let (x, y) = centre(id.index());
        let fill = match node.role {
            _ if node.latent => "#fff",
            Some(Role::Treatment) => "#cfe8cf",
            Some(Role::Outcome) => "#cfe0f5",
            _ => "#f2f2f2",
        };
        let stroke = match (node.latent, node.selected) {
            (true, _) => " stroke-dasharray=\"5 4\"",
            (_, true) => " stroke-width=\"3\"",
            _ => "",
        };
        let title = if node.description.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escaped(&node.description))
        };
        let _ = writeln!(
            out,
            "<g>{title}<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{box_width:.1}\" height=\"{BOX_HEIGHT:.1}\" rx=\"6\" \
             fill=\"{fill}\" stroke=\"#444\"{stroke}/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            x - box_width / 2.0,
            y - BOX_HEIGHT / 2.0,
            y + 4.5,
            escaped(&node.name)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Where the line from a box's centre towards a point leaves the box.
fn border(centre: (f64, f64), towards: (f64, f64), box_width: f64) -> (f64, f64) {
    let (dx, dy) = (towards.0 - centre.0, towards.1 - centre.1);
    let reach = (dx.abs() / (box_width / 2.0)).max(dy.abs() / (BOX_HEIGHT / 2.0));
    if reach == 0.0 {
        centre
    } else {
        (centre.0 + dx / reach, centre.1 + dy / reach)
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no place for other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
