//! Rows of `settings`: a name and a value.

use diesel::prelude::*;

use crate::db::schema::settings;
use crate::db::{Reader, Tx};
use crate::error::Result;

pub(super) fn all(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>> {
    Ok(settings::table.select((settings::name, settings::value)).load(reader.connection)?)
}

/// Writes a setting; `false` if it had this value already.
pub(super) fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<bool> {
    let before: Option<String> =
        settings::table.find(name).select(settings::value).first(tx.connection).optional()?;
    match before {
        Some(before) if before == value => return Ok(false),
        Some(_) => diesel::update(settings::table.find(name))
            .set(settings::value.eq(value))
            .execute(tx.connection)?,
        None => diesel::insert_into(settings::table)
            .values((settings::name.eq(name), settings::value.eq(value)))
            .execute(tx.connection)?,
    };
    Ok(true)
}
