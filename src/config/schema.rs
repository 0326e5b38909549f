//! The JSON Schema of configuration files, made from the types that read them.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::user::File;

/// The schema, in draft 7, which is what editors understand. Keys whose values are not shown are `writeOnly`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().for_deserialize().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<File>().to_value()
}

/// TOML has no null: what may be left out is left out.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &**types {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if choices.len() == 1
            && let Some(choices) = object.remove("anyOf")
        {
            object.insert("allOf".to_owned(), choices);
        }
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
}
