//! Random passwords.

use serde_json::json;

use super::invalid_parameter;
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const SIGNS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html>
pub(super) fn draw(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let length = call.count("PasswordLength").unwrap_or(32);
    if !(1..=4096).contains(&length) {
        return Err(invalid_parameter("PasswordLength must be between 1 and 4096."));
    }
    let excluded = call.text("ExcludeCharacters").unwrap_or_default();
    let kinds = [
        (LOWER, "ExcludeLowercase"),
        (UPPER, "ExcludeUppercase"),
        (DIGITS, "ExcludeNumbers"),
        (SIGNS, "ExcludePunctuation"),
    ];
    let mut alphabet: String = kinds
        .into_iter()
        .filter(|(_, switch)| !call.flag(switch))
        .flat_map(|(letters, _)| letters.chars())
        .filter(|letter| !excluded.contains(*letter))
        .collect();
    if call.flag("IncludeSpace") {
        alphabet.push(' ');
    }
    if alphabet.is_empty() {
        return Err(invalid_parameter("Every character is excluded."));
    }
    let password = world.random.text(&alphabet, length);
    Ok(said(json!({"RandomPassword": password})))
}
