//! The settings of this slice.

use diesel::prelude::*;

use crate::db::schema::settings;
use crate::db::{Reader, Tx};
use crate::error::Result;

/// A setting's value.
pub(crate) fn get(reader: &mut Reader<'_>, name: &str) -> Result<Option<String>> {
    Ok(settings::table.find(name).select(settings::value).first(reader.connection).optional()?)
}

/// Writes a setting.
pub(crate) fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    let changed =
        diesel::update(settings::table.find(name)).set(settings::value.eq(value)).execute(tx.connection)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::name.eq(name), settings::value.eq(value)))
            .execute(tx.connection)?;
    }
    Ok(())
}
