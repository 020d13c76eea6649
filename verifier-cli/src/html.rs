//! HTML from texts. Whatever goes in as text comes out as text.

use verifier_core::hazmat::encoding::{base64, sha256};
use verifier_core::hazmat::shown::escape;

const STYLE: &str = include_str!("html/style.css");

/// A page that needs nothing else, runs no script, and may not load anything.
pub(crate) fn document(title: &str, body: Html) -> String {
    let style = format!("sha256-{}", base64(&sha256(STYLE.as_bytes())));
    let rights =
        format!("default-src 'none'; style-src '{style}'; base-uri 'none'; form-action 'none'");
    let title = Html::text(title).into_string();
    let body = body.into_string();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{rights}\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A piece of HTML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Markup of this program.
    pub(crate) fn raw(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    /// Text, fit to be read: hidden characters are escaped, and so is all that HTML reads.
    pub(crate) fn text(text: &str) -> Self {
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
    pub(crate) fn tag(name: &str, class: &str, inside: &Self) -> Self {
        let class = match class {
            "" => String::new(),
            class => format!(" class=\"{class}\""),
        };
        Self(format!("<{name}{class}>{}</{name}>", inside.0))
    }

    pub(crate) fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// `<h2>`.
    pub(crate) fn heading(&mut self, text: &str) {
        self.push(&Self::tag("h2", "", &Self::text(text)));
    }

    /// `<p>`.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.push(&Self::tag("p", "", &Self::text(text)));
    }

    /// A table; its first column names the rows. Nothing without rows.
    pub(crate) fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<Self>>) {
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
    pub(crate) fn data(id: &str, json: &str) -> Self {
        let json = json.replace('<', "\\u003c").replace("\u{2028}", "\\u2028");
        Self(format!(
            "<script type=\"application/json\" id=\"{id}\">{json}</script>\n"
        ))
    }

    pub(crate) fn into_string(self) -> String {
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
    }
}
