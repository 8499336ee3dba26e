//! Pages of lists. A token names the last entry that was given, so that what comes and goes meanwhile is neither given
//! twice nor left out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub entries: Vec<T>,
    /// Where the next one begins; `None` on the last page.
    pub next: Option<String>,
}

/// A token that no list gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token is not one that a list gave out")]
pub struct BadToken;

/// The page after `token`.
///
/// `entries` come in the order of their keys, which must differ. `asked` is what the caller wants at most, `usual` what the
/// service gives to who wants nothing in particular, `cap` the sandbox's own limit ([`crate::world::Behaviour::page`]; 0 =
/// none).
///
/// # Errors
/// [`BadToken`].
pub fn page<K: AsRef<str>, T>(
    entries: impl IntoIterator<Item = (K, T)>,
    token: Option<&str>,
    asked: Option<usize>,
    usual: usize,
    cap: usize,
) -> Result<Page<T>, BadToken> {
    let after = token.map(read).transpose()?;
    let mut size = asked.unwrap_or(usual).max(1);
    if cap > 0 {
        size = size.min(cap);
    }
    let mut page = Page {
        entries: Vec::new(),
        next: None,
    };
    let mut last = String::new();
    for (key, entry) in entries {
        if after.as_ref().is_some_and(|after| key.as_ref() <= after.as_str()) {
            continue;
        }
        if page.entries.len() == size {
            page.next = Some(URL_SAFE_NO_PAD.encode(last));
            break;
        }
        key.as_ref().clone_into(&mut last);
        page.entries.push(entry);
    }
    Ok(page)
}

fn read(token: &str) -> Result<String, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
    String::from_utf8(bytes).map_err(|_| BadToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Vec<(String, char)> {
        ('a'..='e').map(|letter| (letter.to_string(), letter)).collect()
    }

    #[test]
    fn pages_give_everything_once() {
        for size in 1..7 {
            let (mut token, mut all) = (None, Vec::new());
            loop {
                let page = page(letters(), token.as_deref(), Some(size), 100, 0).unwrap();
                assert!(page.entries.len() <= size);
                all.extend(page.entries);
                token = page.next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(all, ['a', 'b', 'c', 'd', 'e'], "{size}");
        }
    }

    #[test]
    fn what_goes_meanwhile_leaves_no_gap() {
        let first = page(letters(), None, Some(2), 100, 0).unwrap();
        let rest = letters().into_iter().filter(|(_, letter)| *letter != 'b');
        let second = page(rest, first.next.as_deref(), Some(2), 100, 0).unwrap();
        assert_eq!(second.entries, ['c', 'd']);
    }

    #[test]
    fn the_sandboxs_cap_beats_what_is_asked() {
        let page = page(letters(), None, Some(4), 100, 1).unwrap();
        assert_eq!(page.entries, ['a']);
    }

    #[test]
    fn a_made_up_token_is_refused() {
        assert_eq!(page(letters(), Some("?"), None, 100, 0), Err(BadToken));
    }
}
