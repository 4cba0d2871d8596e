//! Rows of campaigns and items, and the population: grants joined with what a reviewer must see of them.

mod campaigns;
mod items;
mod population;

use serde::Serialize;

use crate::error::{Error, Result};

pub(super) use campaigns::{campaigns, find_campaign, has_period, insert_campaign, update_campaign};
pub(super) use items::{
    ItemFilter, NewItem, already_items, count_items, count_waiting, find_item, find_item_of_any,
    insert_items, items, items_of_absent_reviewers, items_of_ended_grants, tally, update_item,
};
pub(super) use population::{Subject, population};

/// Reads a word that serde writes, such as a class.
fn word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T> {
    let value = serde_json::Value::from(text);
    serde_json::from_value(value).map_err(|cause| Error::internal("reading a review's row", cause))
}

fn json<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| Error::internal("reading a review's row", cause))
}

/// The word that serde writes for a value, such as a class.
pub(super) fn word_of(value: impl Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        _ => Err(Error::internal("writing a review's row", "not a word")),
    }
}
