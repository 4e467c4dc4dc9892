//! Writing rows, as each database takes them fastest: on SQLite one prepared statement a row, on PostgreSQL one prepared statement for all rows of
//! a table, each column an array. Written out because diesel parses an UPDATE or an upsert anew each time, and cannot insert several rows on a
//! [`Database`] at all.

#[cfg(feature = "postgres")]
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::Database;
use crate::error::Result;

/// What a column holds, and its type in SQL.
pub(super) trait Cell {
    /// The type in SQL.
    type Sql;
}
impl Cell for String {
    type Sql = Text;
}
impl Cell for Option<String> {
    type Sql = Nullable<Text>;
}
impl Cell for i64 {
    type Sql = BigInt;
}
impl Cell for Vec<u8> {
    type Sql = Binary;
}

/// A row of one table.
pub(super) trait Row: Sized + 'static {
    /// The table.
    const TABLE: &'static str;
    /// Its columns, those of the key first.
    const COLUMNS: &'static [&'static str];
    /// How many columns the key has.
    const KEY: usize;
    /// Binds the value of one column.
    fn bind<'b>(&'b self, column: usize, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
    /// Many rows, column by column.
    #[cfg(feature = "postgres")]
    type Columns: From<Vec<Self>>;
    /// Binds all values of one column.
    #[cfg(feature = "postgres")]
    fn bind_all<'b>(columns: &'b Self::Columns, column: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// A row of a table that is derived from the log: such rows may be rewritten and removed. The log's own rows never are.
pub(super) trait Derived: Row {}

/// Implements [`Row`] for a struct: the table, how many of the first columns are its key, and every column with its type.
macro_rules! row_of {
    ($row:ident, $table:ident, $key:literal, $($column:ident: $type:ty),+) => {
        const _: () = {
            use $crate::store::rows::{Cell, Row};
            impl Row for $row {
                const TABLE: &'static str = stringify!($table);
                const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];
                const KEY: usize = $key;
                fn bind<'b>(
                    &'b self,
                    column: usize,
                    out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
                ) -> diesel::QueryResult<()> {
                    let mut others = 0..column;
                    $(if others.next().is_none() {
                        return out.push_bind_param::<<$type as Cell>::Sql, $type>(&self.$column);
                    })+
                    Ok(())
                }
                #[cfg(feature = "postgres")]
                type Columns = Columns;
                #[cfg(feature = "postgres")]
                fn bind_all<'b>(
                    columns: &'b Columns,
                    column: usize,
                    out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
                ) -> diesel::QueryResult<()> {
                    let mut others = 0..column;
                    $(if others.next().is_none() {
                        return out.push_bind_param::<diesel::sql_types::Array<<$type as Cell>::Sql>, Vec<$type>>(&columns.$column);
                    })+
                    Ok(())
                }
            }
            #[cfg(feature = "postgres")]
            pub struct Columns { $($column: Vec<$type>),+ }
            #[cfg(feature = "postgres")]
            impl From<Vec<$row>> for Columns {
                fn from(rows: Vec<$row>) -> Self {
                    let mut columns = Self { $($column: Vec::with_capacity(rows.len())),+ };
                    for row in rows {
                        $(columns.$column.push(row.$column);)+
                    }
                    columns
                }
            }
        };
    };
}
pub(super) use row_of;

/// What a statement does with rows.
const INSERT: u8 = 0;
const UPSERT: u8 = 1;
const REMOVE: u8 = 2;
const TOUCH: u8 = 3;
const ADD: u8 = 4;
const MOVE: u8 = 5;
const LABEL: u8 = 6;

/// One row on SQLite.
struct One<'a, R, const VERB: u8>(&'a R);

impl<R: Row, const VERB: u8> QueryId for One<'_, R, VERB> {
    type QueryId = One<'static, R, VERB>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R: Row, const VERB: u8> QueryFragment<Sqlite> for One<'_, R, VERB> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if VERB == REMOVE {
            out.push_sql("DELETE FROM ");
            out.push_sql(R::TABLE);
            for (n, column) in R::COLUMNS.iter().enumerate().take(R::KEY) {
                out.push_sql(if n == 0 { " WHERE " } else { " AND " });
                out.push_sql(column);
                out.push_sql(" = ");
                self.0.bind(n, &mut out)?;
            }
            return Ok(());
        }
        if let TOUCH | LABEL | MOVE = VERB {
            let set: &[&str] = match VERB {
                TOUCH => &TOUCHED,
                LABEL => &LABELLED,
                _ => &MOVED,
            };
            out.push_sql("UPDATE ");
            out.push_sql(R::TABLE);
            let columns = || R::COLUMNS.iter().enumerate();
            let touched = columns().filter(|(_, column)| set.contains(column)).map(|touched| (" SET ", touched));
            let keys = columns().take(R::KEY).map(|key| (" WHERE ", key));
            let mut before = "";
            for (verb, (n, column)) in touched.chain(keys) {
                out.push_sql(match verb {
                    verb if verb != before => verb,
                    " SET " => ", ",
                    _ => " AND ",
                });
                out.push_sql(column);
                out.push_sql(" = ");
                self.0.bind(n, &mut out)?;
                before = verb;
            }
            return Ok(());
        }
        insert_into::<R, Sqlite>(&mut out);
        for n in 0..R::COLUMNS.len() {
            out.push_sql(if n == 0 { " VALUES (" } else { ", " });
            self.0.bind(n, &mut out)?;
        }
        out.push_sql(")");
        if VERB != INSERT {
            on_conflict::<R, Sqlite>(VERB, &mut out);
        }
        Ok(())
    }
}

impl<R, const VERB: u8, C> RunQueryDsl<C> for One<'_, R, VERB> {}

/// All rows on PostgreSQL.
#[cfg(feature = "postgres")]
struct Many<R: Row, const VERB: u8>(R::Columns);

#[cfg(feature = "postgres")]
impl<R: Row, const VERB: u8> QueryId for Many<R, VERB> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

#[cfg(feature = "postgres")]
impl<R: Row, const VERB: u8> QueryFragment<Pg> for Many<R, VERB> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if VERB == REMOVE {
            out.push_sql("DELETE FROM ");
            out.push_sql(R::TABLE);
            out.push_sql(" USING");
            unnest::<R>(&self.0, R::KEY, &mut out)?;
            for (n, column) in R::COLUMNS.iter().enumerate().take(R::KEY) {
                out.push_sql(if n == 0 { " AS gone (" } else { ", " });
                out.push_sql(column);
            }
            for (n, column) in R::COLUMNS.iter().enumerate().take(R::KEY) {
                out.push_sql(if n == 0 { ") WHERE " } else { " AND " });
                out.push_sql(R::TABLE);
                out.push_sql(".");
                out.push_sql(column);
                out.push_sql(" = gone.");
                out.push_sql(column);
            }
            return Ok(());
        }
        insert_into::<R, Pg>(&mut out);
        out.push_sql(" SELECT * FROM");
        unnest::<R>(&self.0, R::COLUMNS.len(), &mut out)?;
        if VERB != INSERT {
            on_conflict::<R, Pg>(VERB, &mut out);
        }
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<R: Row, const VERB: u8, C> RunQueryDsl<C> for Many<R, VERB> {}

#[cfg(feature = "postgres")]
fn unnest<'b, R: Row>(columns: &'b R::Columns, first: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    for n in 0..first {
        out.push_sql(if n == 0 { " unnest(" } else { ", " });
        R::bind_all(columns, n, out)?;
    }
    out.push_sql(")");
    Ok(())
}

fn insert_into<R: Row, DB: diesel::backend::Backend>(out: &mut AstPass<'_, '_, DB>) {
    out.push_sql("INSERT INTO ");
    out.push_sql(R::TABLE);
    for (n, column) in R::COLUMNS.iter().enumerate() {
        out.push_sql(if n == 0 { " (" } else { ", " });
        out.push_sql(column);
    }
    out.push_sql(")");
}

fn on_conflict<R: Row, DB: diesel::backend::Backend>(verb: u8, out: &mut AstPass<'_, '_, DB>) {
    for (n, column) in R::COLUMNS.iter().enumerate() {
        out.push_sql(match n {
            0 => " ON CONFLICT (",
            n if n == R::KEY => ") DO UPDATE SET ",
            _ => ", ",
        });
        out.push_sql(column);
        if n >= R::KEY {
            out.push_sql(" = ");
            if verb == ADD {
                out.push_sql(R::TABLE);
                out.push_sql(".");
                out.push_sql(column);
                out.push_sql(" + ");
            }
            out.push_sql("excluded.");
            out.push_sql(column);
        }
    }
}

fn write<R: Row, const VERB: u8>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    match db {
        Database::Sqlite(connection) => {
            for row in &rows {
                One::<R, VERB>(row).execute(connection)?;
            }
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(connection) => {
            if !rows.is_empty() {
                Many::<R, VERB>(rows.into()).execute(connection)?;
            }
        }
    }
    Ok(())
}

/// Adds rows whose keys are not taken.
pub(super) fn insert<R: Row>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, INSERT>(db, rows)
}

/// Writes rows, each key once, over what stands under their keys.
pub(super) fn upsert<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, UPSERT>(db, rows)
}

/// The columns that every change of a record changes.
pub(super) const TOUCHED: [&str; 2] = ["last_seq", "state"];

/// These, and the label of a device that goes on where it is.
pub(super) const LABELLED: [&str; 3] = ["last_seq", "state", "label"];

/// These, and the columns that change as a device goes its way.
pub(super) const MOVED: [&str; 5] = ["last_seq", "state", "site", "party", "label"];

/// Writes [`TOUCHED`] of rows that are there and in which nothing else changed.
pub(super) fn touch<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, TOUCH>(db, rows)
}

/// The same for [`LABELLED`].
pub(super) fn label<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, LABEL>(db, rows)
}

/// The same for [`MOVED`].
pub(super) fn relocate<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, MOVE>(db, rows)
}

/// Writes rows, each key once; what stands under a key is added to, column by column.
pub(super) fn add<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, ADD>(db, rows)
}

/// Removes the rows with the keys of these.
pub(super) fn remove<R: Derived>(db: &mut Database, rows: Vec<R>) -> Result<()> {
    write::<R, REMOVE>(db, rows)
}
