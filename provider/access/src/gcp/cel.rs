//! The part of the Common Expression Language that IAM conditions, attribute mappings and attribute conditions use:
//! a parser and an evaluator whose answer may be that it does not know
//! (<https://cloud.google.com/iam/docs/conditions-overview>, <https://github.com/google/cel-spec>).

use std::fmt;

use crate::verdict::{Doubt, Verdict};

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression, at character {at}: {problem}")]
pub struct CelError {
    /// Characters before the fault.
    pub at: usize,
    /// What was met and what was expected.
    pub problem: String,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// `"text"`
    Text(String),
    /// `42`
    Int(i64),
    /// `true`
    Bool(bool),
    /// `null`
    Null,
    /// `[a, b]`
    List(Vec<Expr>),
    /// A name with what is selected from it: `assertion.sub`, `resource.name`.
    Path(Vec<String>),
    /// `e.field` of something that is not a path.
    Field(Box<Expr>, String),
    /// `e[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `f(a)`, `e.f(a)`
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    /// `!e`
    Not(Box<Expr>),
    /// `a && b`
    And(Box<Expr>, Box<Expr>),
    /// `a || b`
    Or(Box<Expr>, Box<Expr>),
    /// `a == b`
    Equal(Box<Expr>, Box<Expr>),
    /// `a < b` and the like, by operator.
    Compare(Box<Expr>, &'static str, Box<Expr>),
    /// `a in b`
    In(Box<Expr>, Box<Expr>),
    /// `a + b`
    Add(Box<Expr>, Box<Expr>),
    /// `c ? a : b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// Nesting deeper than this is nobody's condition.
const DEEPEST: usize = 64;
/// More words than this do not fit into the 4,096 characters of an attribute condition; chains nest as deep as they are
/// long.
const LONGEST: usize = 2_048;

#[derive(Debug, Clone, PartialEq)]
enum Lexeme {
    Text(String),
    Int(i64),
    Name(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 21] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "?", ":", "(", ")", "[", "]", ".", ",", "{",
    "}",
];

fn lexemes(text: &str) -> Result<Vec<(usize, Lexeme)>, CelError> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        if c.is_whitespace() {
            at += 1;
        } else if c == '"' || c == '\'' {
            at += 1;
            let mut value = String::new();
            loop {
                match chars.get(at) {
                    None => {
                        return Err(CelError {
                            at: start,
                            problem: "this text never ends".to_owned(),
                        });
                    }
                    Some(&q) if q == c => break,
                    Some('\\') => {
                        let escaped = chars.get(at + 1).copied().unwrap_or('\\');
                        value.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other @ ('\\' | '"' | '\'' | '`' | '?') => other,
                            other => {
                                let problem = format!("the escape \\{other} is not understood");
                                return Err(CelError { at, problem });
                            }
                        });
                        at += 2;
                    }
                    Some(&other) => {
                        value.push(other);
                        at += 1;
                    }
                }
            }
            at += 1;
            found.push((start, Lexeme::Text(value)));
        } else if c.is_ascii_digit() {
            while chars.get(at).is_some_and(char::is_ascii_digit) {
                at += 1;
            }
            let digits: String = chars[start..at].iter().collect();
            let number = digits.parse().map_err(|_| CelError {
                at: start,
                problem: format!("{digits} is too large a number"),
            })?;
            found.push((start, Lexeme::Int(number)));
        } else if c.is_ascii_alphabetic() || c == '_' {
            while chars
                .get(at)
                .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
            {
                at += 1;
            }
            found.push((start, Lexeme::Name(chars[start..at].iter().collect())));
        } else {
            let rest: String = chars[at..chars.len().min(at + 2)].iter().collect();
            let Some(sign) = SIGNS.into_iter().find(|s| rest.starts_with(s)) else {
                return Err(CelError {
                    at,
                    problem: format!("{c:?} has no meaning here"),
                });
            };
            at += sign.len();
            found.push((start, Lexeme::Sign(sign)));
        }
    }
    found.push((chars.len(), Lexeme::End));
    Ok(found)
}

impl Expr {
    /// Reads an expression.
    ///
    /// ```
    /// use mlops_access::gcp::cel::Expr;
    /// assert!(Expr::parse(r#"assertion.ref == "refs/heads/main" && has(assertion.environment)"#).is_ok());
    /// let error = Expr::parse("assertion.ref == ").unwrap_err();
    /// assert_eq!(error.to_string(), "expression, at character 17: it ends where a value is expected");
    /// ```
    ///
    /// # Errors
    /// When the text is not an expression: where and why.
    pub fn parse(text: &str) -> Result<Self, CelError> {
        let lexemes = lexemes(text)?;
        if lexemes.len() > LONGEST {
            let problem = format!("it has {} words; IAM accepts far shorter ones", lexemes.len());
            return Err(CelError { at: 0, problem });
        }
        let mut parser = Parser {
            lexemes,
            next: 0,
            depth: 0,
        };
        let expr = parser.ternary()?;
        match parser.peek() {
            Lexeme::End => Ok(expr),
            other => Err(parser.unexpected(&other.clone(), "the end")),
        }
    }
}

struct Parser {
    lexemes: Vec<(usize, Lexeme)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Lexeme {
        self.lexemes.get(self.next).map_or(&Lexeme::End, |(_, l)| l)
    }

    fn at(&self) -> usize {
        self.lexemes
            .get(self.next)
            .or(self.lexemes.last())
            .map_or(0, |(at, _)| *at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Lexeme::Sign(s) if *s == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), CelError> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.unexpected(&self.peek().clone(), sign))
        }
    }

    fn unexpected(&self, found: &Lexeme, wanted: &str) -> CelError {
        let problem = match found {
            Lexeme::End => format!("it ends where {wanted} is expected"),
            Lexeme::Sign(sign) => format!("{sign:?} where {wanted} is expected"),
            Lexeme::Name(name) => format!("{name:?} where {wanted} is expected"),
            Lexeme::Text(_) | Lexeme::Int(_) => format!("a literal where {wanted} is expected"),
        };
        CelError {
            at: self.at(),
            problem,
        }
    }

    fn ternary(&mut self) -> Result<Expr, CelError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(CelError {
                at: self.at(),
                problem: "it is nested too deeply".to_owned(),
            });
        }
        let condition = self.or()?;
        let expr = if self.take("?") {
            let yes = self.ternary()?;
            self.expect(":")?;
            let no = self.ternary()?;
            Expr::If(condition.into(), yes.into(), no.into())
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Result<Expr, CelError> {
        let mut left = self.and()?;
        while self.take("||") {
            left = Expr::Or(left.into(), self.and()?.into());
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, CelError> {
        let mut left = self.relation()?;
        while self.take("&&") {
            left = Expr::And(left.into(), self.relation()?.into());
        }
        Ok(left)
    }

    fn relation(&mut self) -> Result<Expr, CelError> {
        let mut left = self.sum()?;
        loop {
            if self.take("==") {
                left = Expr::Equal(left.into(), self.sum()?.into());
            } else if self.take("!=") {
                left = Expr::Not(Expr::Equal(left.into(), self.sum()?.into()).into());
            } else if let Some(sign) = ["<=", ">=", "<", ">"].into_iter().find(|s| self.take(s)) {
                left = Expr::Compare(left.into(), sign, self.sum()?.into());
            } else if matches!(self.peek(), Lexeme::Name(name) if name == "in") {
                self.next += 1;
                left = Expr::In(left.into(), self.sum()?.into());
            } else {
                return Ok(left);
            }
        }
    }

    fn sum(&mut self) -> Result<Expr, CelError> {
        let mut left = self.unary()?;
        while self.take("+") {
            left = Expr::Add(left.into(), self.unary()?.into());
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, CelError> {
        let mut negations = 0usize;
        while self.take("!") {
            negations += 1;
        }
        let expr = self.member()?;
        Ok(if negations % 2 == 1 {
            Expr::Not(expr.into())
        } else {
            expr
        })
    }

    fn member(&mut self) -> Result<Expr, CelError> {
        let mut expr = self.primary()?;
        loop {
            if self.take(".") {
                let Lexeme::Name(name) = self.peek().clone() else {
                    return Err(self.unexpected(&self.peek().clone(), "a name"));
                };
                self.next += 1;
                expr = if self.take("(") {
                    Expr::Call(Some(expr.into()), name, self.items(")")?)
                } else {
                    match expr {
                        Expr::Path(mut path) => {
                            path.push(name);
                            Expr::Path(path)
                        }
                        other => Expr::Field(other.into(), name),
                    }
                };
            } else if self.take("[") {
                let index = self.ternary()?;
                self.expect("]")?;
                expr = match (expr, index) {
                    (Expr::Path(mut path), Expr::Text(key)) => {
                        path.push(key);
                        Expr::Path(path)
                    }
                    (other, index) => Expr::Index(other.into(), index.into()),
                };
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, CelError> {
        let lexeme = self.peek().clone();
        match lexeme {
            Lexeme::Text(text) => {
                self.next += 1;
                Ok(Expr::Text(text))
            }
            Lexeme::Int(number) => {
                self.next += 1;
                Ok(Expr::Int(number))
            }
            Lexeme::Name(name) => {
                self.next += 1;
                Ok(match name.as_str() {
                    "true" => Expr::Bool(true),
                    "false" => Expr::Bool(false),
                    "null" => Expr::Null,
                    _ if self.take("(") => Expr::Call(None, name, self.items(")")?),
                    _ => Expr::Path(vec![name]),
                })
            }
            Lexeme::Sign("(") => {
                self.next += 1;
                let expr = self.ternary()?;
                self.expect(")")?;
                Ok(expr)
            }
            Lexeme::Sign("[") => {
                self.next += 1;
                Ok(Expr::List(self.items("]")?))
            }
            other => Err(self.unexpected(&other, "a value")),
        }
    }

    fn items(&mut self, close: &'static str) -> Result<Vec<Expr>, CelError> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.ternary()?);
            if self.take(close) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }
}

/// A value during evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
    /// A truth.
    Bool(bool),
    /// Nothing.
    Null,
    /// A list.
    List(Vec<Value>),
}

/// Tokens are known here by their claims as texts: whether `true` was a truth or a text that says so is not.
impl Value {
    fn truth(&self) -> Result<bool, Stop> {
        match self {
            Self::Bool(flag) => Ok(*flag),
            Self::Text(text) if text == "true" || text == "false" => Err(Self::kind_unknown(text)),
            _ => Err(Stop::Fails(format!("{self:?} is not a truth"))),
        }
    }

    fn is(&self, other: &Self) -> Result<bool, Stop> {
        let spelled = match (self, other) {
            (Self::Text(_), Self::Bool(flag)) | (Self::Bool(flag), Self::Text(_)) => flag.to_string(),
            (Self::Text(_), Self::Int(number)) | (Self::Int(number), Self::Text(_)) => number.to_string(),
            _ => return Ok(self == other),
        };
        match (self, other) {
            (Self::Text(text), _) | (_, Self::Text(text)) if *text == spelled => {
                Err(Self::kind_unknown(text))
            }
            _ => Ok(false),
        }
    }

    fn kind_unknown(text: &str) -> Stop {
        Stop::Unknown(Doubt::new(format!(
            "whether a claim that says {text} is a text is not known"
        )))
    }
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The expression fails, for example because it reads a claim that is missing. A condition that fails does not hold.
    Fails(String),
    /// It depends on what nobody knows here.
    Unknown(Doubt),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(why) => f.write_str(why),
            Self::Unknown(doubt) => doubt.fmt(f),
        }
    }
}

/// Where an expression finds what it names.
pub trait Names {
    /// The value of a path such as `assertion.sub`; [`Stop::Fails`] when it is missing.
    fn value(&self, path: &[String]) -> Result<Value, Stop>;
}

impl<F: Fn(&[String]) -> Result<Value, Stop>> Names for F {
    fn value(&self, path: &[String]) -> Result<Value, Stop> {
        self(path)
    }
}

impl Expr {
    /// Whether a condition holds.
    pub fn holds(&self, names: &dyn Names) -> Verdict {
        match self.evaluate(names) {
            Ok(value) => match value.truth() {
                Ok(holds) => holds.into(),
                Err(Stop::Fails(_)) => Verdict::No,
                Err(Stop::Unknown(doubt)) => Verdict::Unknown(doubt),
            },
            Err(Stop::Fails(_)) => Verdict::No,
            Err(Stop::Unknown(doubt)) => Verdict::Unknown(doubt),
        }
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// [`Stop`], when there is none.
    pub fn evaluate(&self, names: &dyn Names) -> Result<Value, Stop> {
        Ok(match self {
            Self::Text(text) => Value::Text(text.clone()),
            Self::Int(number) => Value::Int(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Null => Value::Null,
            Self::List(items) => Value::List(
                items
                    .iter()
                    .map(|e| e.evaluate(names))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Path(path) => names.value(path)?,
            Self::Not(e) => Value::Bool(!e.evaluate(names)?.truth()?),
            Self::And(a, b) => either(a, b, names, false)?,
            Self::Or(a, b) => either(a, b, names, true)?,
            Self::Equal(a, b) => Value::Bool(a.evaluate(names)?.is(&b.evaluate(names)?)?),
            Self::Compare(a, sign, b) => {
                let order = match (a.evaluate(names)?, b.evaluate(names)?) {
                    (Value::Int(a), Value::Int(b)) => a.cmp(&b),
                    (Value::Text(a), Value::Text(b)) => a.cmp(&b),
                    _ => return Err(Stop::Fails(format!("{sign} compares values of different kinds"))),
                };
                Value::Bool(match *sign {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Self::In(a, b) => match &**b {
                // A key in a map of claims: whether the claim is there.
                Self::Path(path) if matches!(**a, Self::Text(_)) => {
                    let Self::Text(key) = &**a else {
                        return Ok(Value::Bool(false));
                    };
                    match names.value(path) {
                        Ok(Value::List(items)) => Value::Bool(items.contains(&Value::Text(key.clone()))),
                        _ => Value::Bool(present(
                            &[path.as_slice(), std::slice::from_ref(key)].concat(),
                            names,
                        )?),
                    }
                }
                list => match list.evaluate(names)? {
                    Value::List(items) => {
                        let wanted = a.evaluate(names)?;
                        let found: Vec<_> = items.iter().map(|item| wanted.is(item)).collect();
                        match found.iter().find(|f| f.is_err()) {
                            Some(Err(stop)) if !found.contains(&Ok(true)) => return Err(stop.clone()),
                            _ => Value::Bool(found.contains(&Ok(true))),
                        }
                    }
                    _ => {
                        return Err(Stop::Fails(
                            "in looks into something that is not a list".to_owned(),
                        ));
                    }
                },
            },
            Self::Add(a, b) => match (a.evaluate(names)?, b.evaluate(names)?) {
                (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
                (Value::Int(a), Value::Int(b)) => Value::Int(
                    a.checked_add(b)
                        .ok_or_else(|| Stop::Fails("the sum overflows".to_owned()))?,
                ),
                _ => return Err(Stop::Fails("+ joins values of different kinds".to_owned())),
            },
            Self::If(condition, yes, no) => {
                if condition.evaluate(names)?.truth()? {
                    yes.evaluate(names)?
                } else {
                    no.evaluate(names)?
                }
            }
            Self::Field(_, name) => {
                return Err(Stop::Unknown(Doubt::new(format!(
                    "the field {name} is not evaluated here"
                ))));
            }
            Self::Index(list, index) => match (list.evaluate(names)?, index.evaluate(names)?) {
                (Value::List(items), Value::Int(i)) => usize::try_from(i)
                    .ok()
                    .and_then(|i| items.get(i).cloned())
                    .ok_or_else(|| Stop::Fails(format!("there is no item {i}")))?,
                _ => return Err(Stop::Fails("[] needs a list and a number".to_owned())),
            },
            Self::Call(None, name, args) if name == "has" => match args.as_slice() {
                [Self::Path(path)] => Value::Bool(present(path, names)?),
                _ => return Err(Stop::Fails("has() takes one path".to_owned())),
            },
            Self::Call(None, name, args) if name == "string" && args.len() == 1 => {
                match args[0].evaluate(names)? {
                    Value::Int(number) => Value::Text(number.to_string()),
                    Value::Bool(flag) => Value::Text(flag.to_string()),
                    text @ Value::Text(_) => text,
                    _ => return Err(Stop::Fails("string() takes a text or a number".to_owned())),
                }
            }
            Self::Call(target, name, args) => call(target.as_deref(), name, args, names)?,
        })
    }
}

fn present(path: &[String], names: &dyn Names) -> Result<bool, Stop> {
    match names.value(path) {
        Ok(_) => Ok(true),
        Err(Stop::Fails(_)) => Ok(false),
        Err(unknown) => Err(unknown),
    }
}

/// `||` (with `decides` true) and `&&`: one side that decides is enough, even beside a failure.
fn either(a: &Expr, b: &Expr, names: &dyn Names, decides: bool) -> Result<Value, Stop> {
    let truth = |e: &Expr| e.evaluate(names)?.truth().map(Value::Bool);
    let a = truth(a);
    if a == Ok(Value::Bool(decides)) {
        return a;
    }
    let b = truth(b);
    match (&a, &b) {
        (_, Ok(Value::Bool(flag))) if *flag == decides => b,
        (Err(Stop::Unknown(one)), Err(Stop::Unknown(two))) => {
            Err(Stop::Unknown(one.clone().and(two.clone())))
        }
        (Err(unknown @ Stop::Unknown(_)), _) | (_, Err(unknown @ Stop::Unknown(_))) => Err(unknown.clone()),
        (Err(_), _) => a,
        (Ok(Value::Bool(_)), _) => b,
        _ => Err(Stop::Fails("&& and || need truths".to_owned())),
    }
}

fn call(target: Option<&Expr>, name: &str, args: &[Expr], names: &dyn Names) -> Result<Value, Stop> {
    let unknown = || Stop::Unknown(Doubt::new(format!("the function {name} is not evaluated here")));
    let Some(target) = target else {
        return Err(unknown());
    };
    let known = [
        "startsWith",
        "endsWith",
        "contains",
        "extract",
        "lowerAscii",
        "upperAscii",
        "split",
        "size",
        "hasOnly",
    ];
    if !known.contains(&name) {
        return Err(unknown());
    }
    let subject = match target.evaluate(names)? {
        Value::Text(text) => text,
        Value::List(items) if name == "size" => return Ok(Value::Int(items.len() as i64)),
        Value::List(items) if name == "hasOnly" => {
            return match args {
                [list] => match list.evaluate(names)? {
                    Value::List(allowed) => Ok(Value::Bool(items.iter().all(|item| allowed.contains(item)))),
                    _ => Err(Stop::Fails("hasOnly takes a list".to_owned())),
                },
                _ => Err(unknown()),
            };
        }
        _ => return Err(Stop::Fails(format!("{name} needs a text"))),
    };
    let argument = match args {
        [] => None,
        [one] => match one.evaluate(names)? {
            Value::Text(text) => Some(text),
            _ => return Err(Stop::Fails(format!("{name} takes a text"))),
        },
        _ => return Err(unknown()),
    };
    Ok(match (name, argument) {
        ("startsWith", Some(text)) => Value::Bool(subject.starts_with(&text)),
        ("endsWith", Some(text)) => Value::Bool(subject.ends_with(&text)),
        ("contains", Some(text)) => Value::Bool(subject.contains(&text)),
        ("extract", Some(template)) => Value::Text(extract(&subject, &template)),
        ("split", Some(separator)) if !separator.is_empty() => Value::List(
            subject
                .split(&separator)
                .map(|s| Value::Text(s.to_owned()))
                .collect(),
        ),
        ("lowerAscii", None) => Value::Text(subject.to_ascii_lowercase()),
        ("upperAscii", None) => Value::Text(subject.to_ascii_uppercase()),
        ("size", None) => Value::Int(subject.chars().count() as i64),
        _ => return Err(unknown()),
    })
}

/// `"a/x/b".extract("a/{name}/")` is `"x"`; no match is the empty text
/// (<https://cloud.google.com/iam/docs/conditions-attribute-reference#extract>).
fn extract(subject: &str, template: &str) -> String {
    let (Some(open), Some(close)) = (template.find('{'), template.find('}')) else {
        return String::new();
    };
    let (before, after) = (&template[..open], &template[close.max(open) + 1..]);
    let Some(start) = subject.find(before) else {
        return String::new();
    };
    let rest = &subject[start + before.len()..];
    if after.is_empty() {
        return rest.to_owned();
    }
    rest.find(after)
        .map_or_else(String::new, |end| rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(text: &str) -> Verdict {
        let names = |path: &[String]| match path.join(".").as_str() {
            "assertion.ref" => Ok(Value::Text("refs/tags/v1".to_owned())),
            "assertion" => Err(Stop::Unknown(Doubt::new("a map"))),
            "request.time" => Err(Stop::Unknown(Doubt::new("the time is not known"))),
            other => Err(Stop::Fails(format!("there is no {other}"))),
        };
        Expr::parse(text).unwrap().holds(&names)
    }

    #[test]
    fn evaluates_what_conditions_are_made_of() {
        for yes in [
            r#"assertion.ref == "refs/tags/v1""#,
            r#"assertion["ref"].startsWith('refs/tags/')"#,
            r#"assertion.ref in ["x", "refs/tags/v1"]"#,
            r#"!has(assertion.environment)"#,
            r#"(has(assertion.environment) ? "env" : "ref") + ":x" == "ref:x""#,
            r#"assertion.missing == "x" || true"#,
            r#"assertion.ref.extract("refs/tags/{tag}") == "v1""#,
            r#"assertion.ref != "refs/heads/main""#,
            r#""ref" in assertion"#,
        ] {
            assert_eq!(truth(yes), Verdict::Yes, "{yes}");
        }
        assert_eq!(
            truth(r#"assertion.missing != "x""#),
            Verdict::No,
            "a missing claim fails the condition"
        );
        assert!(truth(r#"request.time < timestamp("2030-01-01T00:00:00Z")"#).is_unknown());
        assert!(truth(r#"assertion.ref.matches("refs/.*")"#).is_unknown());
        assert_eq!(
            truth(r#"request.time == "x" && false"#),
            Verdict::No,
            "the doubt does not matter"
        );
    }

    /// Found by fuzzing: what looks for tokens took such a claim for a truth, what judges them for a text.
    #[test]
    fn a_claim_that_says_true_may_be_a_truth_or_a_text() {
        let verdict = |text: &str| {
            let names = |path: &[String]| match path.last().map(String::as_str) {
                Some("verified") => Ok(Value::Text("true".to_owned())),
                Some("id") => Ok(Value::Text("2".to_owned())),
                _ => Ok(Value::Text("x".to_owned())),
            };
            Expr::parse(text).unwrap().holds(&names)
        };
        for doubtful in [
            "assertion.verified",
            "assertion.verified == true",
            "assertion.verified ? true : false",
            "assertion.id == 2",
            "assertion.id in [1, 2]",
        ] {
            assert!(verdict(doubtful).is_unknown(), "{doubtful}");
        }
        for no in [
            "assertion.name",
            "assertion.name == true",
            "assertion.verified == false",
            "assertion.id == 3",
            "assertion.verified && false",
        ] {
            assert!(verdict(no).is_no(), "{no}");
        }
        assert!(verdict(r#"assertion.verified == "true" && assertion.id in ["2", "3"]"#).is_yes());
    }

    #[test]
    fn says_where_an_expression_is_wrong() {
        for (text, at) in [
            ("a == ", 5),
            ("a && (b", 7),
            ("\"open", 0),
            ("a # b", 2),
            ("a b", 2),
        ] {
            assert_eq!(Expr::parse(text).unwrap_err().at, at, "{text}");
        }
        assert!(Expr::parse(&"(".repeat(10_000)).is_err(), "no stack is harmed");
        assert!(Expr::parse(&"!".repeat(100_000)).is_err());
    }
}
