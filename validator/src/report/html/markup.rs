//! Markup that cannot be broken out of: what is written as markup is known when this is compiled, everything else is text.

/// A page in the making.
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn new() -> Self {
        Self(String::with_capacity(1 << 16))
    }

    /// Markup of our own. Nothing of a plan lives as long as this asks for.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere, between tags or between double quotes. Characters that would not be seen, or that turn the direction of
    /// reading so that one name looks like another, are shown by their numbers.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                c if c.is_control() || deceives(c) => {
                    self.0.push_str(&format!("\\u{{{:04x}}}", u32::from(c)));
                }
                c => self.0.push(c),
            }
        }
        self
    }

    pub(super) fn number(&mut self, n: usize) -> &mut Self {
        self.0.push_str(&n.to_string());
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Marks of direction, joiners, and what has no width.
fn deceives(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' |
        '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::Markup;

    #[test]
    fn text_stays_text_and_what_hides_is_shown() {
        let mut m = Markup::new();
        m.raw("<p title=\"")
            .text("\" onload='x'")
            .raw("\">")
            .text("</p><script>&\u{202e}dorp\u{0}")
            .raw("</p>");
        assert_eq!(
            m.finish(),
            "<p title=\"&quot; onload=&#39;x&#39;\">&lt;/p&gt;&lt;script&gt;&amp;\\u{202e}dorp\\u{0000}</p>"
        );
    }
}
