//! Goes over the words of a policy without building it: for the many policies of which a few words tell that they are of no interest.

/// A word of a policy document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// An element of `Action`.
    Action(&'a str),
    /// An element of `Resource`.
    Resource(&'a str),
}

/// How far [`skim`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skimmed {
    /// Through all of a plain policy.
    Through,
    /// To a word that was to stop it.
    Stopped,
    /// To something that a plain policy does not have. It may be a policy nevertheless, or no document at all.
    NotPlain,
}

/// Hands every action and resource of a *plain* identity policy to `stop`, until that says yes.
///
/// Plain is: an object with `Statement`, `Version` and `Id`; statements with `Effect`, `Action` and at most `Sid`, `Resource` and
/// `Condition`, each once and spelled like this; strings and lists of strings only, without escapes and unknown
/// text. Such a document is one that [`Policy::parse`](super::Policy::parse) reads, with nothing left unread. Words of statements that deny are
/// handed out too.
///
/// ```
/// use mlops_access::aws::{Skimmed, Word, skim};
///
/// let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::models/*"}]}"#;
/// assert_eq!(skim(text, |word| word == Word::Action("s3:*")), Skimmed::Through);
/// assert_eq!(skim(text, |word| word == Word::Action("s3:GetObject")), Skimmed::Stopped);
/// assert_eq!(skim(&text.replace("Action", "NotAction"), |_| false), Skimmed::NotPlain);
/// ```
pub fn skim<'a>(text: &'a str, mut stop: impl FnMut(Word<'a>) -> bool) -> Skimmed {
    let mut reader = Reader { text, at: 0 };
    match policy(&mut reader, &mut stop) {
        Ok(()) => Skimmed::Through,
        Err(early) => early,
    }
}

type Step<T = ()> = Result<T, Skimmed>;

fn policy<'a>(r: &mut Reader<'a>, stop: &mut impl FnMut(Word<'a>) -> bool) -> Step {
    let mut seen = [false; 3];
    r.object(|r, key| {
        let which = ["Version", "Id", "Statement"].iter().position(|k| *k == key);
        let which = which.ok_or(Skimmed::NotPlain)?;
        once(&mut seen, which)?;
        match which {
            0 => plain(matches!(r.string()?, "2012-10-17" | "2008-10-17")),
            1 => r.string().map(drop),
            _ if r.is_at(b'[') => r.list(|r| statement(r, stop)),
            _ => statement(r, stop),
        }
    })?;
    r.space();
    plain(seen[2] && r.at == r.text.len())
}

fn statement<'a>(r: &mut Reader<'a>, stop: &mut impl FnMut(Word<'a>) -> bool) -> Step {
    const EFFECT: usize = 1;
    const ACTION: usize = 2;
    let mut seen = [false; 5];
    r.object(|r, key| {
        let which = ["Sid", "Effect", "Action", "Resource", "Condition"]
            .iter()
            .position(|k| *k == key);
        let which = which.ok_or(Skimmed::NotPlain)?;
        once(&mut seen, which)?;
        match which {
            0 => r.string().map(drop),
            EFFECT => plain(matches!(r.string()?, "Allow" | "Deny")),
            ACTION => r.strings(|s| halt(stop(Word::Action(s)))),
            3 => r.strings(|s| halt(stop(Word::Resource(s)))),
            _ => conditions(r),
        }
    })?;
    plain(seen[EFFECT] && seen[ACTION])
}

/// `{"StringEquals": {"aws:key": ["value"]}}`, no key twice in its object.
fn conditions(r: &mut Reader<'_>) -> Step {
    let mut operators = Keys::default();
    r.object(|r, operator| {
        operators.add(operator)?;
        let mut keys = Keys::default();
        r.object(|r, key| {
            keys.add(key)?;
            r.strings(|_| Ok(()))
        })
    })
}

/// The keys of one small object.
#[derive(Default)]
struct Keys<'a>([&'a str; 6], usize);

impl<'a> Keys<'a> {
    fn add(&mut self, key: &'a str) -> Step {
        let known = self.0.get(..self.1).unwrap_or_default();
        plain(!known.contains(&key))?;
        *self.0.get_mut(self.1).ok_or(Skimmed::NotPlain)? = key;
        self.1 += 1;
        Ok(())
    }
}

fn plain(yes: bool) -> Step {
    if yes { Ok(()) } else { Err(Skimmed::NotPlain) }
}

fn halt(yes: bool) -> Step {
    if yes { Err(Skimmed::Stopped) } else { Ok(()) }
}

fn once(seen: &mut [bool], which: usize) -> Step {
    plain(!std::mem::replace(&mut seen[which], true))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
    }

    fn is_at(&mut self, byte: u8) -> bool {
        self.space();
        self.text.as_bytes().get(self.at) == Some(&byte)
    }

    fn take(&mut self, byte: u8) -> Step {
        plain(self.is_at(byte))?;
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Step<&'a str> {
        self.take(b'"')?;
        let rest = self.text.get(self.at..).unwrap_or_default();
        // Unknown text (U+FFFC) begins with 0xef, as does little else; an escape may spell anything.
        let end = rest
            .bytes()
            .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f | 0xef))
            .ok_or(Skimmed::NotPlain)?;
        plain(rest.as_bytes()[end] == b'"')?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn strings(&mut self, mut each: impl FnMut(&'a str) -> Step) -> Step {
        if !self.is_at(b'[') {
            return each(self.string()?);
        }
        self.list(|r| each(r.string()?))
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Step) -> Step {
        self.take(b'[')?;
        if self.take(b']').is_ok() {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b',').is_err() {
                return self.take(b']');
            }
        }
    }

    fn object(&mut self, mut each: impl FnMut(&mut Self, &'a str) -> Step) -> Step {
        self.take(b'{')?;
        if self.take(b'}').is_ok() {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.take(b':')?;
            each(self, key)?;
            if self.take(b',').is_err() {
                return self.take(b'}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Policy;

    const PLAIN: &str = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::models/*","Condition":{"StringEquals":{"aws:a":["b"],"aws:c":"d"},"Bool":{"aws:e":"true"}}},{"Effect":"Deny","Action":"iam:*"}]}"#;

    #[test]
    fn every_word_is_handed_out_in_order() {
        let mut words = Vec::new();
        let all = |w: Word<'static>| {
            words.push(w);
            false
        };
        assert_eq!(skim(PLAIN, all), Skimmed::Through);
        assert_eq!(
            words,
            [
                Word::Action("s3:GetObject"),
                Word::Action("s3:ListBucket"),
                Word::Resource("arn:aws:s3:::models/*"),
                Word::Action("iam:*")
            ]
        );
    }

    #[test]
    fn what_is_not_plain_is_not_gone_through() {
        for (from, to) in [
            ("\"Action\":\"iam:*\"", "\"NotAction\":\"iam:*\""),
            ("\"Action\":\"iam:*\"", "\"action\":\"iam:*\""),
            (
                "\"Action\":\"iam:*\"",
                "\"Action\":\"iam:*\",\"Action\":\"iam:Get\"",
            ),
            ("\"Action\":\"iam:*\"", "\"Action\":\"\\u0069am:*\""),
            ("\"Action\":\"iam:*\"", "\"Action\":7"),
            ("\"Action\":\"iam:*\"", "\"Sid\":\"b\""),
            ("\"Action\":\"iam:*\"", "\"Action\":\"iam:*\",\"Principal\":\"*\""),
            ("models/*", "\u{fffc}/*"),
            ("\"Deny\"", "\"deny\""),
            ("2012-10-17", "2013-10-17"),
            ("\"aws:c\"", "\"aws:a\""),
            ("\"Bool\"", "\"StringEquals\""),
            ("\"aws:e\":\"true\"", "\"aws:e\":true"),
            ("\"Id\":\"x\",", ""),
        ] {
            let text = PLAIN.replacen(from, to, 1);
            assert_ne!(text, PLAIN);
            let plain = skim(&text, |_| false) == Skimmed::Through;
            assert_eq!(plain, from == "\"Id\":\"x\",", "{to}");
        }
        for end in 0..PLAIN.len() {
            assert_eq!(skim(&PLAIN[..end], |_| false), Skimmed::NotPlain);
        }
        assert_eq!(skim(&format!("{PLAIN}x"), |_| false), Skimmed::NotPlain);
    }

    #[test]
    fn what_is_gone_through_is_read_whole() {
        let policy = Policy::parse(PLAIN).unwrap();
        assert!(policy.unread.is_empty() && policy.statements.iter().all(|s| s.unread.is_empty()));
    }
}
