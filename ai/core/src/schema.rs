//! From a JSON schema to the grammar that a model is held to.
//!
//! The notation is that of llama.cpp's `grammars/README.md`. What is understood: `type` (also a list), `properties` with
//! `required`, `items`, `prefixItems`, `enum`, `const`, `anyOf`, `oneOf`, `$ref` into `$defs` or `definitions`,
//! `minItems`, `maxItems`, `minLength`, `maxLength`. Anything else that narrows is refused by name: what is accepted holds.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Value};

use crate::limits::{GRAMMAR_BYTES_MAX, SCHEMA_DEPTH_MAX, SCHEMA_REPEAT_MAX};

/// Why a schema has no grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is no JSON.
    #[error("the schema is no JSON: {0}")]
    NotJson(String),
    /// It uses something that is not known here.
    #[error("the schema uses {0:?}, which is not supported")]
    Unsupported(String),
    /// It makes no sense.
    #[error("the schema has a wrong {0}")]
    Wrong(String),
    /// It is too large, or too deep.
    #[error("the schema is too large: {0}")]
    TooLarge(&'static str),
}

/// What JSON is made of.
const BASICS: &str = r#"ws ::= | " " | "\n" [ \t]{0,20}
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt/] | "u" [0-9a-fA-F]{4})
string ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?
boolean ::= "true" | "false"
null ::= "null"
value ::= object | array | string | number | boolean | null
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? ws "}"
array ::= "[" ws (value ("," ws value)*)? ws "]"
"#;

/// Keywords that narrow nothing.
const NOTES: [&str; 9] =
    ["$schema", "$id", "title", "description", "default", "examples", "$defs", "definitions", "$comment"];

/// Gives the grammar with the rule `root` for a schema.
///
/// # Errors
/// When the schema asks for more than a grammar of this kind can hold a model to.
pub fn grammar(schema: &str) -> Result<String, SchemaError> {
    let root: Value =
        serde_json::from_str(schema).map_err(|error| SchemaError::NotJson(error.to_string()))?;
    let mut maker = Maker { root: &root, rules: String::new(), count: 0, references: BTreeMap::new() };
    let body = maker.any(&root, 0)?;
    let text = format!("root ::= {body}\n{}{BASICS}", maker.rules);
    if text.len() > GRAMMAR_BYTES_MAX {
        return Err(SchemaError::TooLarge("its grammar"));
    }
    Ok(text)
}

struct Maker<'schema> {
    root: &'schema Value,
    rules: String,
    count: usize,
    /// The rule of each `$ref`, which may name itself.
    references: BTreeMap<String, String>,
}

impl Maker<'_> {
    /// Makes a rule of its own and gives its name.
    fn rule(&mut self, body: &str) -> Result<String, SchemaError> {
        self.count += 1;
        let name = format!("r{}", self.count);
        self.add(&name, body)?;
        Ok(name)
    }

    fn add(&mut self, name: &str, body: &str) -> Result<(), SchemaError> {
        // Writing to a string does not fail.
        let _written = writeln!(self.rules, "{name} ::= {body}");
        if self.rules.len() > GRAMMAR_BYTES_MAX { Err(SchemaError::TooLarge("its grammar")) } else { Ok(()) }
    }

    fn any(&mut self, schema: &Value, depth: usize) -> Result<String, SchemaError> {
        if depth > SCHEMA_DEPTH_MAX {
            return Err(SchemaError::TooLarge("its depth"));
        }
        let schema = match schema {
            Value::Bool(true) => return Ok("value".to_owned()),
            Value::Object(schema) => schema,
            _ => return Err(SchemaError::Wrong("schema in a schema".to_owned())),
        };
        if let Some(reference) = schema.get("$ref") {
            only(schema, &["$ref"])?;
            return self.reference(reference.as_str().ok_or_else(|| wrong("$ref"))?, depth);
        }
        if let Some(value) = schema.get("const") {
            only(schema, &["const", "type"])?;
            return Ok(literal(&value.to_string()));
        }
        if let Some(values) = schema.get("enum") {
            only(schema, &["enum", "type"])?;
            let values =
                values.as_array().filter(|values| !values.is_empty()).ok_or_else(|| wrong("enum"))?;
            let literals: Vec<String> = values.iter().map(|value| literal(&value.to_string())).collect();
            return Ok(format!("({})", literals.join(" | ")));
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(name) {
                only(schema, &[name])?;
                let choices =
                    choices.as_array().filter(|choices| !choices.is_empty()).ok_or_else(|| wrong(name))?;
                let bodies: Result<Vec<_>, _> =
                    choices.iter().map(|choice| self.any(choice, depth + 1)).collect();
                return Ok(format!("({})", bodies?.join(" | ")));
            }
        }
        match schema.get("type") {
            None if schema.contains_key("properties") => self.object(schema, depth),
            None => {
                only(schema, &[])?;
                Ok("value".to_owned())
            }
            Some(Value::String(kind)) => self.typed(kind, schema, depth),
            Some(Value::Array(kinds)) if !kinds.is_empty() => {
                let mut bodies = Vec::new();
                for kind in kinds {
                    let mut one = schema.clone();
                    one.insert("type".to_owned(), kind.clone());
                    let kind = kind.as_str().ok_or_else(|| wrong("type"))?;
                    retain_for(kind, &mut one);
                    bodies.push(self.typed(kind, &one, depth + 1)?);
                }
                Ok(format!("({})", bodies.join(" | ")))
            }
            Some(_) => Err(wrong("type")),
        }
    }

    fn typed(
        &mut self,
        kind: &str,
        schema: &Map<String, Value>,
        depth: usize,
    ) -> Result<String, SchemaError> {
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => {
                only(schema, &["type", "minLength", "maxLength"])?;
                let repeat = repeat(schema, "minLength", "maxLength")?;
                Ok(if repeat == "*" { "string".to_owned() } else { format!(r#"("\"" char{repeat} "\"")"#) })
            }
            "integer" | "number" | "boolean" | "null" => {
                only(schema, &["type"])?;
                Ok(kind.to_owned())
            }
            _ => Err(wrong("type")),
        }
    }

    /// The properties come in one order, that of their names as the schema is kept; those that need not be there may be left out.
    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Result<String, SchemaError> {
        only(schema, &["type", "properties", "required", "additionalProperties"])?;
        let Some(properties) = schema.get("properties") else {
            return match schema.get("additionalProperties") {
                None | Some(Value::Bool(true)) => Ok("object".to_owned()),
                Some(Value::Bool(false)) => Ok(r#""{" ws "}""#.to_owned()),
                Some(values) => {
                    let value = self.any(values, depth + 1)?;
                    let pair = self.rule(&format!(r#"string ":" ws {value}"#))?;
                    Ok(format!(r#"("{{" ws ({pair} ("," ws {pair})*)? ws "}}")"#))
                }
            };
        };
        let properties = properties.as_object().ok_or_else(|| wrong("properties"))?;
        let required: Vec<&str> = match schema.get("required") {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(wrong("required")),
        };
        if required.iter().any(|name| !properties.contains_key(*name)) {
            return Err(wrong("required"));
        }
        let mut pairs = Vec::new();
        for (name, value) in properties {
            let value = self.any(value, depth + 1)?;
            let key = literal(&Value::String(name.clone()).to_string());
            let pair = self.rule(&format!(r#"{key} ":" ws {value}"#))?;
            pairs.push((pair, required.contains(&name.as_str())));
        }
        let inside = self.in_order(&pairs)?;
        Ok(format!(r#"("{{" ws {inside} ws "}}")"#))
    }

    /// Any of the pairs in their order, with commas between: a rule for what may follow each.
    fn in_order(&mut self, pairs: &[(String, bool)]) -> Result<String, SchemaError> {
        // From the end: what may come behind a pair, with the comma before it.
        let mut behind = String::from("\"\"");
        let mut first = String::from("\"\"");
        for (pair, is_required) in pairs.iter().rev() {
            let here = format!("{pair} {behind}");
            let (next_behind, next_first) = if *is_required {
                (format!(r#""," ws {here}"#), here)
            } else {
                (format!(r#"("," ws {here} | {behind})"#), format!("({here} | {first})"))
            };
            behind = self.rule(&next_behind)?;
            first = self.rule(&next_first)?;
        }
        Ok(first)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Result<String, SchemaError> {
        only(schema, &["type", "items", "prefixItems", "minItems", "maxItems"])?;
        if let Some(items) = schema.get("prefixItems") {
            let items =
                items.as_array().filter(|items| !items.is_empty()).ok_or_else(|| wrong("prefixItems"))?;
            let bodies: Result<Vec<_>, _> = items.iter().map(|item| self.any(item, depth + 1)).collect();
            return Ok(format!(r#"("[" ws {} ws "]")"#, bodies?.join(r#" "," ws "#)));
        }
        let item = match schema.get("items") {
            None => "value".to_owned(),
            Some(items) => {
                let body = self.any(items, depth + 1)?;
                self.rule(&body)?
            }
        };
        let (least, most) = (bound(schema, "minItems")?, bound(schema, "maxItems")?);
        if most == Some(0) {
            return Ok(r#"("[" ws "]")"#.to_owned());
        }
        let least = least.unwrap_or(0);
        let upper = most.map_or(String::new(), |most| (most - 1).to_string());
        if most.is_some_and(|most| most < least) {
            return Err(wrong("maxItems"));
        }
        let more = format!(r#"("," ws {item}){{{},{upper}}}"#, least.saturating_sub(1));
        let inside = if least == 0 { format!("({item} {more})?") } else { format!("{item} {more}") };
        Ok(format!(r#"("[" ws {inside} ws "]")"#))
    }

    fn reference(&mut self, reference: &str, depth: usize) -> Result<String, SchemaError> {
        if let Some(rule) = self.references.get(reference) {
            return Ok(rule.clone());
        }
        let pointer =
            reference.strip_prefix('#').ok_or_else(|| SchemaError::Unsupported(reference.to_owned()))?;
        let target = self.root.pointer(pointer).ok_or_else(|| wrong("$ref"))?.clone();
        self.count += 1;
        let name = format!("r{}", self.count);
        self.references.insert(reference.to_owned(), name.clone());
        let body = self.any(&target, depth + 1)?;
        // A rule that is only itself would never end.
        if body == name {
            return Err(wrong("$ref"));
        }
        self.add(&name, &body)?;
        Ok(name)
    }
}

fn wrong(what: &str) -> SchemaError {
    SchemaError::Wrong(what.to_owned())
}

/// Refuses what is not among these and not a note.
fn only(schema: &Map<String, Value>, known: &[&str]) -> Result<(), SchemaError> {
    let stranger = schema.keys().find(|key| !known.contains(&key.as_str()) && !NOTES.contains(&key.as_str()));
    stranger.map_or(Ok(()), |stranger| Err(SchemaError::Unsupported(stranger.clone())))
}

/// Takes off what belongs to the other types of a list of types.
fn retain_for(kind: &str, schema: &mut Map<String, Value>) {
    let own: &[&str] = match kind {
        "object" => &["properties", "required", "additionalProperties"],
        "array" => &["items", "prefixItems", "minItems", "maxItems"],
        "string" => &["minLength", "maxLength"],
        _ => &[],
    };
    let all = [
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
    ];
    schema.retain(|key, _| own.contains(&key.as_str()) || !all.contains(&key.as_str()));
}

fn bound(schema: &Map<String, Value>, name: &str) -> Result<Option<u64>, SchemaError> {
    match schema.get(name) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) if number <= SCHEMA_REPEAT_MAX => Ok(Some(number)),
            Some(_) => Err(SchemaError::TooLarge("a number of repetitions")),
            None => Err(wrong(name)),
        },
    }
}

fn repeat(schema: &Map<String, Value>, least: &str, most: &str) -> Result<String, SchemaError> {
    Ok(match (bound(schema, least)?, bound(schema, most)?) {
        (None, None) => "*".to_owned(),
        (least_value, Some(most_value)) if least_value.unwrap_or(0) > most_value => return Err(wrong(most)),
        (least, most) => {
            format!("{{{},{}}}", least.unwrap_or(0), most.map_or(String::new(), |most| most.to_string()))
        }
    })
}

/// A text of a grammar that is exactly this.
fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(schema: &str) -> String {
        let text = grammar(schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
        text.strip_suffix(BASICS).expect("the basics").to_owned()
    }

    #[test]
    fn schemas_become_rules() {
        assert_eq!(root(r#"{"type":"string"}"#), "root ::= string\n");
        assert_eq!(
            root(r#"{"enum":["a",1,"x\"y"]}"#),
            "root ::= (\"\\\"a\\\"\" | \"1\" | \"\\\"x\\\\\\\"y\\\"\")\n"
        );
        assert_eq!(
            root(
                r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"}},"required":["a"]}"#
            ),
            "root ::= (\"{\" ws r6 ws \"}\")\n\
             r1 ::= \"\\\"a\\\"\" \":\" ws integer\n\
             r2 ::= \"\\\"b\\\"\" \":\" ws null\n\
             r3 ::= (\",\" ws r2 \"\" | \"\")\n\
             r4 ::= (r2 \"\" | \"\")\n\
             r5 ::= \",\" ws r1 r3\n\
             r6 ::= r1 r3\n"
        );
        assert_eq!(
            root(r#"{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3}"#),
            "root ::= (\"[\" ws r1 (\",\" ws r1){0,2} ws \"]\")\nr1 ::= boolean\n"
        );
        assert_eq!(
            root(r#"{"type":["string","null"],"maxLength":4}"#),
            "root ::= ((\"\\\"\" char{0,4} \"\\\"\") | null)\n"
        );
    }

    #[test]
    fn a_schema_may_name_itself() {
        let tree =
            r##"{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"array","items":{"$ref":"#/$defs/tree"}}}}"##;
        let text = root(tree);
        assert!(
            text.starts_with("root ::= r1\n")
                && text.contains("r1 ::= (\"[\" ws (r2 (\",\" ws r2){0,})? ws \"]\")\n"),
            "{text}"
        );
        assert!(grammar(r##"{"$ref":"#"}"##).is_err());
    }

    #[test]
    fn what_would_not_hold_is_refused() {
        assert_eq!(
            grammar(r#"{"type":"string","pattern":"a"}"#),
            Err(SchemaError::Unsupported("pattern".into()))
        );
        assert_eq!(
            grammar(r#"{"type":"integer","minimum":1}"#),
            Err(SchemaError::Unsupported("minimum".into()))
        );
        assert!(matches!(grammar("{"), Err(SchemaError::NotJson(_))));
        assert_eq!(grammar(r#"{"type":"car"}"#), Err(wrong("type")));
        assert_eq!(grammar(r#"{"type":"object","properties":{},"required":["a"]}"#), Err(wrong("required")));
    }

    #[test]
    fn large_schemas_are_refused() {
        let deep = |depth: usize| {
            format!("{}true{}", r#"{"type":"array","items":"#.repeat(depth), "}".repeat(depth))
        };
        assert!(grammar(&deep(SCHEMA_DEPTH_MAX)).is_ok());
        assert_eq!(grammar(&deep(SCHEMA_DEPTH_MAX + 1)), Err(SchemaError::TooLarge("its depth")));
        let items = |count: u64| format!(r#"{{"type":"array","maxItems":{count}}}"#);
        assert!(grammar(&items(SCHEMA_REPEAT_MAX)).is_ok());
        assert!(grammar(&items(SCHEMA_REPEAT_MAX + 1)).is_err());
        let words: Vec<String> = (0..GRAMMAR_BYTES_MAX / 8).map(|number| format!("\"w{number}\"")).collect();
        assert_eq!(
            grammar(&format!(r#"{{"enum":[{}]}}"#, words.join(","))),
            Err(SchemaError::TooLarge("its grammar"))
        );
    }
}
