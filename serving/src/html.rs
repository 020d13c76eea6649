//! HTML from texts. Whatever goes in as text comes out as text.

mod days;

pub use days::{DAY_MILLIS, Day, Days, first};

use verifier_core::hazmat::shown::escape;

/// A page; `head` is markup for it beside title and colours.
pub fn document(title: &str, head: &Html, body: &Html) -> String {
    let Html(title) = Html::text(title);
    let (Html(head), Html(body)) = (head, body);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         {head}</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A piece of HTML.
#[derive(Clone, Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup of this program.
    pub fn raw(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    /// Text, fit to be read: hidden characters are escaped, and so is all that HTML reads.
    pub fn text(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for c in escape(text).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
        Self(out)
    }

    /// An element with one class, or none where it is empty.
    pub fn tag(name: &str, class: &str, inside: &Self) -> Self {
        let class = match class {
            "" => String::new(),
            class => format!(" class=\"{class}\""),
        };
        Self(format!("<{name}{class}>{}</{name}>", inside.0))
    }

    /// Adds a piece.
    pub fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// `<h2>`.
    pub fn heading(&mut self, text: &str) {
        self.push(&Self::tag("h2", "", &Self::text(text)));
    }

    /// `<p>`.
    pub fn paragraph(&mut self, text: &str) {
        self.push(&Self::tag("p", "", &Self::text(text)));
    }

    /// A table; its first column names the rows. Nothing without rows.
    pub fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<Self>>) {
        let mut body = String::new();
        for cells in rows {
            body.push_str("<tr>");
            for (index, cell) in cells.iter().enumerate() {
                let kind = if index == 0 { "th scope=\"row\"" } else { "td" };
                let end = if index == 0 { "th" } else { "td" };
                body.push_str(&format!("<{kind}>{}</{end}>", cell.0));
            }
            body.push_str("</tr>\n");
        }
        if body.is_empty() {
            return;
        }
        let head = columns
            .iter()
            .map(|text| format!("<th scope=\"col\">{}</th>", Self::text(text).0));
        let head: String = head.collect();
        self.0.push_str(&format!(
            "<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"
        ));
    }

    /// JSON for programs. No text in it ends the element that it stands in.
    pub fn data(id: &str, json: &str) -> Self {
        let json = json.replace('<', "\\u003c").replace("\u{2028}", "\\u2028");
        Self(format!(
            "<script type=\"application/json\" id=\"{id}\">{json}</script>\n"
        ))
    }

    /// The markup.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let bad = "</script><img src=x onerror=\"a('b')\">&\u{202e}\n";
        let text = Html::text(bad).into_string();
        assert!(
            !text.contains(['<', '>', '"', '\'', '\u{202e}', '\n']),
            "{text}"
        );
        let data = Html::data("rows", bad).into_string();
        assert_eq!(data.matches('<').count(), 2, "{data}");
        let mut table = Html::default();
        table.table(&["a<"], [vec![Html::text("<b>")]]);
        assert!(!table.into_string().contains("<b>"));
        let page = document("<b>", &Html::default(), &Html::text(bad));
        assert!(page.contains("<title>&lt;b&gt;</title>"), "{page}");
    }
}
