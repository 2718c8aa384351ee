//! Clauses that say when a binding counts.

use std::collections::BTreeMap;

use crate::limits::WHEN_DEPTH_MAX;

/// What is so right now: names with values. A name that is not there is false.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    values: BTreeMap<String, String>,
}

impl Context {
    /// Sets whether something is so.
    pub fn set(&mut self, name: &str, is_so: bool) {
        if is_so {
            self.values.insert(name.to_owned(), "true".to_owned());
        } else {
            self.values.remove(name);
        }
    }

    /// Sets a value.
    pub fn set_value(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }
}

/// A clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// A name that has a value.
    Is(String),
    /// A name that has just this value.
    Equals(String, String),
    /// Not so.
    Not(Box<When>),
    /// All of them.
    All(Vec<When>),
    /// One of them.
    Any(Vec<When>),
}

/// Says why a text is not a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the clause is wrong at character {at}: {expected} was expected")]
pub struct WhenError {
    /// Where, counted from 1.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
}

impl When {
    /// Reads a clause: names, `==`, `!=`, `!`, `&&`, `||` and parentheses. An empty one always holds.
    pub fn parse(text: &str) -> Result<Self, WhenError> {
        if text.trim().is_empty() {
            return Ok(Self::Always);
        }
        let mut parser = Parser { text, at: 0 };
        let when = parser.any(0)?;
        parser.skip_space();
        if parser.at < text.len() { Err(parser.error("`&&`, `||` or the end")) } else { Ok(when) }
    }

    /// Tells whether it holds.
    pub fn holds(&self, context: &Context) -> bool {
        match self {
            Self::Always => true,
            Self::Is(name) => !context.get(name).is_empty(),
            Self::Equals(name, value) => context.get(name) == value,
            Self::Not(inner) => !inner.holds(context),
            Self::All(parts) => parts.iter().all(|part| part.holds(context)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(context)),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, expected: &'static str) -> WhenError {
        WhenError { at: self.text[..self.at].chars().count() + 1, expected }
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_space();
        let is_next = self.text[self.at..].starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    fn any(&mut self, depth: usize) -> Result<When, WhenError> {
        let mut parts = vec![self.all(depth)?];
        while self.take("||") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { When::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<When, WhenError> {
        let mut parts = vec![self.one(depth)?];
        while self.take("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { When::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<When, WhenError> {
        if depth > WHEN_DEPTH_MAX {
            return Err(self.error("a simpler clause"));
        }
        if self.take("!") {
            return Ok(When::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.error("`)`")) };
        }
        let name = self.word()?;
        if self.take("==") {
            return Ok(When::Equals(name, self.value()?));
        }
        if self.take("!=") {
            return Ok(When::Not(Box::new(When::Equals(name, self.value()?))));
        }
        Ok(match name.as_str() {
            "true" => When::Always,
            "false" => When::Not(Box::new(When::Always)),
            _ => When::Is(name),
        })
    }

    fn word(&mut self) -> Result<String, WhenError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let is_end = |char: char| char.is_whitespace() || "!=&|()'".contains(char);
        let end = rest.find(is_end).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error("a name"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn value(&mut self) -> Result<String, WhenError> {
        if !self.take("'") {
            return self.word();
        }
        let rest = &self.text[self.at..];
        let Some(end) = rest.find('\'') else { return Err(self.error("`'`")) };
        self.at += end + 1;
        Ok(rest[..end].to_owned())
    }
}
