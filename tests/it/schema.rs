//! Schema parity: both databases hold exactly the tables, columns and nullability that `src/db/schema.rs` names.

use std::collections::BTreeMap;

use bailiwick::db::AnyConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use crate::support::House;

type Tables = BTreeMap<String, BTreeMap<String, (String, bool)>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// What `schema.rs` says, read from its text.
fn written() -> Tables {
    let text = include_str!("../../src/db/schema.rs");
    let mut tables = Tables::new();
    for block in text.split("diesel::table! {").skip(1) {
        let (head, rest) = block.split_once(") {").expect("a table");
        let body = rest.split("\n    }\n").next().expect("its columns");
        let name = head.split('(').next().expect("its name").trim().to_owned();
        let columns = body
            .lines()
            .filter_map(|line| line.trim().trim_end_matches(',').split_once(" -> "))
            .map(|(column, kind)| {
                let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
                (column.to_owned(), (inner.unwrap_or(kind).to_owned(), inner.is_some()))
            })
            .collect();
        tables.insert(name, columns);
    }
    assert!(tables.len() > 20, "the tables are found");
    tables
}

/// What a database says of itself.
fn found(connection: &mut AnyConnection) -> Tables {
    let sql = match connection {
        AnyConnection::Sqlite(_) => {
            "SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, c.\"notnull\" = 0 AS nullable \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
        AnyConnection::Postgresql(_) => {
            "SELECT table_name::text, column_name::text, data_type::text AS kind, is_nullable = 'YES' AS nullable \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let columns: Vec<Column> = diesel::sql_query(sql).load(connection).expect("the catalogue");
    let mut tables = Tables::new();
    for column in columns {
        let system = column.table_name.starts_with("sqlite_") || column.table_name.starts_with("__diesel");
        if !system && !column.table_name.starts_with("access_") {
            let kind = diesel_name(&column.kind).to_owned();
            tables.entry(column.table_name).or_default().insert(column.column_name, (kind, column.nullable));
        }
    }
    tables
}

fn diesel_name(kind: &str) -> &str {
    match kind.to_ascii_lowercase().as_str() {
        "text" => "Text",
        "bigint" => "BigInt",
        "integer" => "Integer",
        "boolean" => "Bool",
        "bytea" => "Binary",
        kind if kind.starts_with("timestamp") => "Timestamp",
        _ => "unknown",
    }
}

#[test]
fn both_databases_hold_what_the_schema_names() {
    let house = House::new();
    let in_database = house.app.read_now(|reader| Ok(found(reader.connection))).expect("a look");
    let written = written();
    for (table, columns) in &written {
        assert_eq!(in_database.get(table), Some(columns), "table {table}");
    }
    let unknown: Vec<_> = in_database.keys().filter(|table| !written.contains_key(*table)).collect();
    assert!(unknown.is_empty(), "tables without a place in schema.rs: {unknown:?}");
}
