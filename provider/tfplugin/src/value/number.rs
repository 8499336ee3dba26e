//! Numbers without loss.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A number without loss: Terraform's numbers are 512-bit floats, and a decimal fraction such as `0.1` is not any
/// `f64`.
///
/// The variants are spellings: equality, order, and the wire form go by the number meant, so `Int(2)`,
/// `Float(2.0)` and `Decimal("2.00")` are equal. Build one with [`Number::parse`] or `From`; `From<f64>` takes the
/// decimal a person would read (`0.1`), while a literal `Number::Float(0.1)` is the binary fraction next to it, which
/// Terraform holds to be another number.
#[derive(Debug, Clone)]
pub enum Number {
    /// An integer that fits.
    Int(i64),
    /// A finite or infinite float that is exact.
    Float(f64),
    /// Anything else, as canonical decimal text.
    Decimal(String),
}

/// Text that is not a number Terraform could hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number")]
pub struct NotANumber(String);

/// Longest text taken for a number. Terraform writes large numbers out in full, so this is generous.
const MAX_TEXT: usize = 100_000;
/// Largest power of ten, so that arithmetic on exponents cannot overflow.
const MAX_EXPONENT: i64 = 1_000_000;
/// Numbers with more digits than this are written with an exponent, so that a short text cannot become a long one.
const MAX_PLAIN_DIGITS: i64 = 1_000;

/// A finite number: `digits * 10^exponent`, digits without zeros at either end; zero has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exact {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// What a number means, in order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    NaN,
    NegativeInfinity,
    Finite(Exact),
    PositiveInfinity,
    /// A `Decimal` somebody filled with something else.
    Text(String),
}

impl Number {
    /// Reads decimal text, with or without an exponent, into its canonical spelling.
    ///
    /// # Errors
    /// When the text is no decimal number, is longer than 100 000 characters, or its exponent is beyond a million.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        Exact::parse(text).map(Exact::into_number).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            NotANumber(shown)
        })
    }

    /// The same number in the spelling the wire uses: an integer if it fits, a float if it is exactly that fraction,
    /// else decimal text.
    #[must_use]
    pub fn canonical(&self) -> Number {
        match self {
            Number::Int(_) => self.clone(),
            Number::Float(float) if float.is_finite() => Exact::of_float(*float).into_number(),
            Number::Float(_) => self.clone(),
            Number::Decimal(text) => Exact::parse(text).map_or_else(|| self.clone(), Exact::into_number),
        }
    }

    /// The integer this is, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.canonical() {
            Number::Int(int) => Some(int),
            _ => None,
        }
    }

    /// The nearest float; infinite when too large, `None` for text that is no number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)] // The nearest float is what is asked for.
            Number::Int(int) => Some(*int as f64),
            Number::Float(float) => Some(*float),
            Number::Decimal(text) => {
                Exact::parse(text)?;
                text.parse().ok()
            }
        }
    }

    /// Whether Terraform could hold it: not NaN, and the text of a `Decimal` is a number.
    pub fn is_valid(&self) -> bool {
        !matches!(self.meaning(), Meaning::NaN | Meaning::Text(_))
    }

    /// Whether it has no fraction (infinities have none either, but are no integers).
    pub fn is_integer(&self) -> bool {
        matches!(self.meaning(), Meaning::Finite(exact) if exact.exponent >= 0)
    }

    fn meaning(&self) -> Meaning {
        match self {
            Number::Int(int) => Meaning::Finite(Exact::of_int(*int)),
            Number::Float(float) if float.is_nan() => Meaning::NaN,
            Number::Float(float) if *float == f64::INFINITY => Meaning::PositiveInfinity,
            Number::Float(float) if *float == f64::NEG_INFINITY => Meaning::NegativeInfinity,
            Number::Float(float) => Meaning::Finite(Exact::of_float(*float)),
            Number::Decimal(text) => {
                Exact::parse(text).map_or_else(|| Meaning::Text(text.clone()), Meaning::Finite)
            }
        }
    }
}

impl Exact {
    fn new(negative: bool, digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        // Lossless: a text is at most MAX_TEXT long.
        #[allow(clippy::cast_possible_wrap)]
        let dropped = (digits.len() - kept.len()) as i64;
        Self {
            negative,
            digits: kept.to_owned(),
            exponent: exponent + dropped,
        }
    }

    fn of_int(int: i64) -> Self {
        Self::new(int < 0, &int.unsigned_abs().to_string(), 0)
    }

    /// Every finite float is a decimal of at most 1074 places, and Rust prints those exactly.
    fn of_float(float: f64) -> Self {
        let text = if float.fract() == 0.0 {
            format!("{float:.0}")
        } else {
            format!("{float:.1074}")
        };
        Self::parse_unlimited(&text).unwrap_or_else(|| Self::new(false, "", 0))
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            None
        } else {
            Self::parse_unlimited(text)
        }
    }

    fn parse_unlimited(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        // Lossless: a text is at most MAX_TEXT long.
        #[allow(clippy::cast_possible_wrap)]
        let places = fraction.len() as i64;
        Some(Self::new(
            negative,
            &format!("{whole}{fraction}"),
            exponent - places,
        ))
    }

    /// Position of the first digit: `0.5` has 0, `5` has 1.
    fn magnitude(&self) -> i64 {
        #[allow(clippy::cast_possible_wrap)] // A text is at most MAX_TEXT long.
        let length = self.digits.len() as i64;
        length + self.exponent
    }

    fn into_number(self) -> Number {
        if self.exponent >= 0
            && self.magnitude() <= 19
            && let Ok(int) = self.to_string().parse()
        {
            return Number::Int(int);
        }
        // A binary fraction ends in 5 when written in decimal, so `0.1` is ruled out without work.
        if (-1074..0).contains(&self.exponent)
            && self.digits.ends_with('5')
            && let Ok(float) = self.to_string().parse::<f64>()
            && float.is_finite()
            && Exact::of_float(float) == self
        {
            return Number::Float(float);
        }
        Number::Decimal(self.to_string())
    }
}

fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|e: &i64| e.abs() <= MAX_EXPONENT)
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let magnitude = self.magnitude();
        if magnitude > MAX_PLAIN_DIGITS || self.exponent < -MAX_PLAIN_DIGITS - 100 {
            return write!(f, "{}e{}", self.digits, self.exponent);
        }
        // The limits above make every count here small and non-negative.
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        if self.exponent >= 0 {
            write!(f, "{}{}", self.digits, zeros(self.exponent))
        } else if magnitude <= 0 {
            write!(f, "0.{}{}", zeros(-magnitude), self.digits)
        } else {
            let (whole, fraction) = self.digits.split_at(usize::try_from(magnitude).unwrap_or(0));
            write!(f, "{whole}.{fraction}")
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |exact: &Exact| match (exact.digits.is_empty(), exact.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_size = || {
            self.magnitude()
                .cmp(&other.magnitude())
                .then_with(|| self.digits.cmp(&other.digits))
        };
        match sign(self).cmp(&sign(other)) {
            Ordering::Equal if self.negative => by_size().reverse(),
            Ordering::Equal => by_size(),
            different => different,
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => left.cmp(right),
            _ => self.meaning().cmp(&other.meaning()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

/// The exact decimal text, without an exponent unless the number is huge or tiny.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Meaning::Finite(exact) => write!(f, "{exact}"),
            Meaning::NaN => f.write_str("NaN"),
            Meaning::NegativeInfinity => f.write_str("-Infinity"),
            Meaning::PositiveInfinity => f.write_str("Infinity"),
            Meaning::Text(text) => f.write_str(&text),
        }
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        Self::parse(text)
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Number::Int(int)
    }
}

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        i64::try_from(int).map_or_else(|_| Number::Decimal(int.to_string()), Number::Int)
    }
}

/// The decimal a person reads: `0.1` is a tenth.
impl From<f64> for Number {
    fn from(float: f64) -> Self {
        if float.is_finite() {
            Exact::parse_unlimited(&format!("{float}")).map_or(Number::Float(float), Exact::into_number)
        } else {
            Number::Float(float)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        assert_eq!(number("1.50"), Number::Float(1.5));
        assert_eq!(Number::Int(2), Number::Float(2.0));
        assert_eq!(Number::Int(-200), Number::Decimal("-2.00e2".into()));
        assert_eq!(Number::Float(-0.0), Number::Int(0));
        assert_eq!(Number::Float(2f64.powi(70)), number("1180591620717411303424"));
        assert_ne!(Number::Float(0.1), number("0.1"));
        assert_eq!(Number::from(0.1), number("0.1"));
    }

    #[test]
    fn the_canonical_spelling_is_that_of_the_wire() {
        assert!(matches!(number("1e3"), Number::Int(1000)));
        assert!(matches!(number("-9223372036854775808"), Number::Int(i64::MIN)));
        assert!(matches!(number("1.5"), Number::Float(f) if f == 1.5));
        assert!(matches!(number("0.1"), Number::Decimal(t) if t == "0.1"));
        assert!(
            matches!(Number::Float(2f64.powi(70)).canonical(), Number::Decimal(t) if t == "1180591620717411303424")
        );
        assert!(matches!(number("9223372036854775808"), Number::Decimal(t) if t == "9223372036854775808"));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "1e",
            "e5",
            "0x10",
            "1_000",
            "1.2.3",
            "NaN",
            "inf",
            " 1",
            "1 ",
            "1e9999999",
            "١",
        ] {
            assert!(Number::parse(text).is_err(), "{text:?}");
        }
        assert!(Number::parse(&"9".repeat(MAX_TEXT + 1)).is_err());
        assert!(!Number::Float(f64::NAN).is_valid());
        assert!(!Number::Decimal("abc".into()).is_valid());
    }

    #[test]
    fn a_short_text_never_becomes_a_long_one() {
        assert!(number("1e999999").to_string().len() < 20);
        assert!(number("1e-999999").to_string().len() < 20);
        assert_eq!(number("1e999999"), number("10e999998"));
    }

    #[test]
    fn orders_by_size() {
        let mut numbers = ["3", "-1e50", "0", "-0.5", "1e50", "0.25", "-2", "1e-50"]
            .map(number)
            .to_vec();
        numbers.sort();
        let texts: Vec<_> = numbers.iter().map(|n| n.as_f64().unwrap()).collect();
        assert_eq!(texts, [-1e50, -2.0, -0.5, 0.0, 1e-50, 0.25, 3.0, 1e50]);
        assert!(Number::Float(f64::NEG_INFINITY) < numbers[0]);
        assert!(Number::Float(f64::INFINITY) > numbers[7]);
    }

    proptest! {
        #[test]
        fn every_float_survives_its_text(bits in any::<u64>()) {
            let float = f64::from_bits(bits);
            prop_assume!(float.is_finite());
            let text = Number::Float(float).to_string();
            prop_assert_eq!(Number::parse(&text).unwrap(), Number::Float(float));
            prop_assert_eq!(Number::parse(&text).unwrap().as_f64(), Some(float));
            prop_assert_eq!(Number::from(float).as_f64(), Some(float));
        }

        #[test]
        fn every_integer_survives(int in any::<i64>()) {
            let same = Number::parse(&int.to_string()).unwrap().as_i64();
            prop_assert_eq!(same, Some(int));
        }

        #[test]
        fn order_agrees_with_integers(left in any::<i64>(), right in any::<i64>()) {
            let (l, r) = (Number::Decimal(left.to_string()), Number::Decimal(right.to_string()));
            prop_assert_eq!(l.cmp(&r), left.cmp(&right));
        }

        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,40}") {
            if let Ok(number) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&number.to_string()).unwrap(), number);
            }
        }
    }
}
