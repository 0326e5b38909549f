//! Changes of the text of a configuration file: one key, and everything else as it was.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::keys::Form;

/// Why a text cannot be changed. No value is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EditError {
    /// It is no TOML.
    #[error("the file is no TOML: `cc-observe config check` tells where")]
    NotToml,
    /// Something that is no table stands where one is needed.
    #[error("something that is no table stands where the key belongs: `cc-observe config edit`")]
    InTheWay,
    /// The value is not of the key's type.
    #[error("the value is not {0}")]
    Value(&'static str),
}

/// Reads a value of a key. A text needs no quotes.
pub fn value(form: Form, typed: &str) -> Result<Value, EditError> {
    let read = typed.trim().parse::<Value>().ok();
    match (form, read) {
        (Form::Text, Some(Value::String(text))) => Ok(Value::from(text.into_value())),
        (Form::Text, _) if typed.starts_with(['"', '\'']) => Err(EditError::Value("a string: its quotes do not match")),
        (Form::Text, _) => Ok(Value::from(typed)),
        (Form::Number, Some(Value::Integer(number))) => Ok(Value::Integer(number)),
        (Form::Number, _) => Err(EditError::Value("a whole number")),
        (Form::Decimal, Some(number @ (Value::Integer(_) | Value::Float(_)))) => Ok(number),
        (Form::Decimal, _) => Err(EditError::Value("a number such as 5 or 12.5")),
        (Form::Flag, Some(Value::Boolean(flag))) => Ok(Value::Boolean(flag)),
        (Form::Flag, _) => Err(EditError::Value("true or false")),
        (Form::List | Form::Tables, Some(Value::Array(list))) => Ok(Value::Array(list)),
        (Form::List, _) if typed.starts_with('[') => Err(EditError::Value("a list such as [\"a\", \"b\"]")),
        // A list of one word.
        (Form::List, _) => Ok(Value::Array(Array::from_iter([typed]))),
        (Form::Tables, _) => Err(EditError::Value("a list of tables such as [{ id = \"…\", pattern = '…' }]")),
    }
}

/// The text with a key set.
pub fn set(text: &str, path: &[String], value: Value) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::NotToml)?;
    let Some((last, above)) = path.split_last() else { return Err(EditError::InTheWay) };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut inline = false;
    let (mut rest, mut depth) = (above, 0);
    while let Some((name, below)) = rest.split_first() {
        if !table.contains_key(name) {
            // `[destinations.org]`, and what is deeper in braces.
            inline |= depth > usize::from(path.first().is_some_and(|top| top == "destinations"));
            let made = if inline {
                Item::Value(Value::InlineTable(InlineTable::new()))
            } else {
                let mut made = Table::new();
                made.set_implicit(!below.is_empty() && depth == 0 && path.len() > 2);
                Item::Table(made)
            };
            table.insert(name, made);
        }
        let item = table.get_mut(name).ok_or(EditError::InTheWay)?;
        inline |= item.is_inline_table();
        table = item.as_table_like_mut().ok_or(EditError::InTheWay)?;
        (rest, depth) = (below, depth + 1);
    }
    // Attributes can also be written in pieces.
    if above == ["levels"]
        && let Some(found) = in_pieces(table, last)
    {
        *found = Item::Value(as_before(found, value));
        return Ok(document.to_string());
    }
    match table.get_mut(last) {
        Some(item @ Item::Value(_)) => *item = Item::Value(as_before(item, value)),
        // `[[redaction.rules]]`
        Some(item @ Item::ArrayOfTables(_)) => *item = Item::Value(value),
        Some(_) => return Err(EditError::InTheWay),
        None => {
            let mut value = value;
            // What stands behind the last one stands behind the new one then.
            let before = table.iter_mut().last().filter(|_| inline);
            if let Some(decor) = before.and_then(|(_, item)| Some(item.as_value_mut()?.decor_mut())) {
                let behind = decor.suffix().and_then(|it| it.as_str()).unwrap_or_default().to_owned();
                decor.set_suffix("");
                *value.decor_mut() = toml_edit::Decor::new(" ", behind);
            }
            table.insert(last, Item::Value(value));
        }
    }
    Ok(document.to_string())
}

/// A value with the comment and the blanks of the one whose place it takes.
fn as_before(item: &Item, mut value: Value) -> Value {
    if let Some(before) = item.as_value() {
        *value.decor_mut() = before.decor().clone();
    }
    value
}

fn in_pieces<'t>(table: &'t mut dyn TableLike, name: &str) -> Option<&'t mut Item> {
    if table.contains_key(name) {
        return None;
    }
    let first = table
        .iter()
        .map(|(key, _)| key.to_owned())
        .find(|key| name.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.')))?;
    let rest = name.get(first.len() + 1..)?;
    let below = table.get_mut(&first)?.as_table_like_mut()?;
    if below.get(rest).is_some_and(Item::is_value) {
        return below.get_mut(rest);
    }
    in_pieces(below, rest)
}

/// The text without a key or a table. `None`: it is not there.
pub fn unset(text: &str, path: &[String]) -> Result<Option<String>, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::NotToml)?;
    Ok(remove(document.as_table_mut(), path).then(|| document.to_string()))
}

fn remove(table: &mut dyn TableLike, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if rest.is_empty() && table.contains_key(first) {
        table.remove(first);
        return true;
    }
    let Some(below) = table.get_mut(first).and_then(Item::as_table_like_mut) else {
        // Attributes can also be written in pieces.
        return match first.split_once('.') {
            Some((first, more)) if rest.is_empty() => remove(table, &[first.to_owned(), more.to_owned()]),
            _ => false,
        };
    };
    let removed = remove(below, rest);
    // A table with nothing in it says nothing.
    if removed && below.is_empty() {
        table.remove(first);
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn a_key_is_set_and_everything_else_stays_as_it_was() {
        for (before, key, new, after) in [
            ("", "capture", "x", "capture = \"x\"\n"),
            (
                "# Mine.\ncapture = 'a' # why\n\n[spool]\n",
                "capture",
                "x",
                "# Mine.\ncapture = \"x\" # why\n\n[spool]\n",
            ),
            ("[spool]\nmax_age = '2h'\n", "capture", "x", "capture = \"x\"\n[spool]\nmax_age = '2h'\n"),
            ("", "destinations/org/endpoint", "x", "[destinations.org]\nendpoint = \"x\"\n"),
            ("", "identity/email", "x", "[identity]\nemail = \"x\"\n"),
            ("identity.host = 'a'\n", "identity/email", "x", "identity.host = 'a'\nidentity.email = \"x\"\n"),
            (
                "[destinations.org] # o\nendpoint = 'a'\n",
                "destinations/org/auth/token",
                "x",
                "[destinations.org] # o\nendpoint = 'a'\nauth = { token = \"x\" }\n",
            ),
            (
                "[destinations.org]\nheaders = { a = 'b' }\n",
                "destinations/org/headers/c",
                "x",
                "[destinations.org]\nheaders = { a = 'b', c = \"x\" }\n",
            ),
            ("[levels]\na.b.c = 'drop' # c\n", "levels/a.b.c", "x", "[levels]\na.b.c = \"x\" # c\n"),
            ("[levels]\n\"a.b\" = 'drop'\n", "levels/a.c", "x", "[levels]\n\"a.b\" = 'drop'\n\"a.c\" = \"x\"\n"),
        ] {
            assert_eq!(set(before, &path(key), Value::from(new)).as_deref(), Ok(after), "{before} {key}");
        }
        assert_eq!(set("spool = 1", &path("spool/max_age"), Value::from("x")), Err(EditError::InTheWay));
        assert_eq!(set("= 1", &path("capture"), Value::from("x")), Err(EditError::NotToml));
    }

    #[test]
    fn a_key_is_unset_with_the_table_that_nothing_is_left_in() {
        for (before, key, after) in [
            ("a = 1 # one\n# Two.\nb = 2\n", "a", Some("# Two.\nb = 2\n")),
            ("[spool]\nmax_age = '2h'\n", "spool/max_age", Some("")),
            ("[d.org]\nauth = { token = 'a' }\nx = 1\n", "d/org/auth/token", Some("[d.org]\nx = 1\n")),
            ("[d.org]\nx = 1\n[d.b]\nx = 2\n", "d/org", Some("[d.b]\nx = 2\n")),
            ("[levels]\na.b.c = 'drop'\n\"a.b\" = 'x'\n", "levels/a.b.c", Some("[levels]\n\"a.b\" = 'x'\n")),
            ("a = 1", "b", None),
            ("a = 1", "a/b", None),
        ] {
            assert_eq!(unset(before, &path(key)), Ok(after.map(str::to_owned)), "{before} {key}");
        }
    }

    #[test]
    fn a_value_is_read_as_its_key_takes_it() {
        for (form, typed, want) in [
            (Form::Text, "metadata", Ok("\"metadata\"")),
            (Form::Text, "'a b'", Ok("\"a b\"")),
            (Form::Text, "7", Ok("\"7\"")),
            (Form::Text, "true", Ok("\"true\"")),
            (Form::Text, "\"a", Err("the value is not a string: its quotes do not match")),
            (Form::Number, "1_000", Ok("1_000")),
            (Form::Number, "many", Err("the value is not a whole number")),
            (Form::Decimal, "12.50", Ok("12.50")),
            (Form::Decimal, "5", Ok("5")),
            (Form::Decimal, "$5", Err("the value is not a number such as 5 or 12.5")),
            (Form::List, "['a', 'b']", Ok("['a', 'b']")),
            (Form::List, "files", Ok("[\"files\"]")),
            (Form::List, "['a'", Err("the value is not a list such as [\"a\", \"b\"]")),
            (Form::Flag, "true", Ok("true")),
        ] {
            let got = value(form, typed).map(|value| value.to_string().trim().to_owned()).map_err(|it| it.to_string());
            assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{typed}");
        }
    }
}
