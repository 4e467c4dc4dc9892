//! The log: its head, its entries, its checkpoints. Appends; never changes or removes an entry.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, HasSqlType};

use super::ids::PackedId;
use super::rows::{self, row_of};
use super::schema::{checkpoints, entries, entry_subjects, log_head};
use super::{Database, each, from_db, to_db};
use crate::error::{Error, Result};
use crate::proof::digest::Hash;
use crate::proof::entry::GENESIS_PREV;
use crate::proof::tree::{self, Frontier};

/// Where the log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Leaf hash of the last entry.
    pub last_leaf: Hash,
    /// Its time, milliseconds since 1970.
    pub last_time: i64,
    /// The right edge of the tree; knows the size and the root.
    pub frontier: Frontier,
}

/// An entry with its place in the tree, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Index of the leaf.
    pub seq: i64,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The leaf's hash and the nodes it completes, 32 bytes each.
    pub nodes: Vec<u8>,
}

row_of!(EntryRow, entries, 1, seq: i64, bytes: Vec<u8>, nodes: Vec<u8>);

/// One thing that an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct SubjectRow {
    /// Its id.
    pub subject: PackedId,
    /// The entry.
    pub seq: i64,
}

row_of!(SubjectRow, entry_subjects, 2, subject: PackedId, seq: i64);

impl SubjectRow {
    /// The row of a thing and an entry about it.
    pub fn new(subject: &str, seq: i64) -> Self {
        Self { subject: PackedId::of(subject), seq }
    }
}

#[derive(Queryable)]
struct HeadRow {
    #[expect(dead_code, reason = "the table has one row")]
    id: i32,
    size: i64,
    last_leaf: Vec<u8>,
    last_time: i64,
    frontier: Vec<u8>,
}

impl HeadRow {
    fn read(self) -> Result<Head> {
        let broken = || Error::Fault("the head of the log is damaged: run `quittance audit`".to_owned());
        let frontier = Frontier::from_bytes(&self.frontier).ok_or_else(broken)?;
        let last_leaf = Hash::try_from(self.last_leaf.as_slice()).map_err(|_| broken())?;
        if from_db(self.size)? != frontier.size() {
            return Err(broken());
        }
        Ok(Head { last_leaf, last_time: self.last_time, frontier })
    }
}

/// The head of an empty log.
pub fn empty_head() -> Head {
    Head { last_leaf: GENESIS_PREV, last_time: 0, frontier: Frontier::new() }
}

/// Writes the head of an empty log, where there is none.
pub fn create(db: &mut Database) -> Result<()> {
    let head = empty_head();
    if log_head::table.count().get_result::<i64>(db)? == 0 {
        diesel::insert_into(log_head::table)
            .values((
                log_head::id.eq(1),
                log_head::size.eq(0),
                log_head::last_leaf.eq(head.last_leaf.to_vec()),
                log_head::last_time.eq(0),
                log_head::frontier.eq(head.frontier.to_bytes()),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// The head, for readers; `None` where the log was never created.
pub fn head(db: &mut Database) -> Result<Option<Head>> {
    log_head::table.find(1).first::<HeadRow>(db).optional()?.map(HeadRow::read).transpose()
}

/// The head, for the writer, under a lock that is held until the commit: on SQLite the transaction itself has it ([`Database::write`]), on
/// PostgreSQL the row is locked.
pub fn take_head(db: &mut Database) -> Result<Head> {
    let head = log_head::table.find(1);
    let row: Option<HeadRow> = match db {
        Database::Sqlite(connection) => head.get_result(connection).optional()?,
        #[cfg(feature = "postgres")]
        Database::Postgres(connection) => head.for_update().first(connection).optional()?,
    };
    row.ok_or_else(|| Error::Fault("there is no log here: run `quittance init` first".to_owned()))?.read()
}

/// Moves the head, only from where it was taken: if another writer moved it, nothing is written rather than the log forked.
pub fn move_head(db: &mut Database, from: &Head, to: &Head) -> Result<()> {
    let step = MoveHead {
        from: (to_db(from.frontier.size()), from.last_leaf.to_vec()),
        size: to_db(to.frontier.size()),
        last_leaf: to.last_leaf.to_vec(),
        last_time: to.last_time,
        frontier: to.frontier.to_bytes(),
    };
    let rows = each!(db, c => step.execute(c))?;
    if rows == 1 { Ok(()) } else { Err(Error::Fault("another writer moved the head of the log; nothing was written".to_owned())) }
}

/// The statement of [`move_head`], written out so that it stays prepared.
struct MoveHead {
    from: (i64, Vec<u8>),
    size: i64,
    last_leaf: Vec<u8>,
    last_time: i64,
    frontier: Vec<u8>,
}

impl QueryId for MoveHead {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB> QueryFragment<DB> for MoveHead
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Binary>,
    i64: ToSql<BigInt, DB>,
    Vec<u8>: ToSql<Binary, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE log_head SET size = ");
        out.push_bind_param::<BigInt, i64>(&self.size)?;
        out.push_sql(", last_leaf = ");
        out.push_bind_param::<Binary, Vec<u8>>(&self.last_leaf)?;
        out.push_sql(", last_time = ");
        out.push_bind_param::<BigInt, i64>(&self.last_time)?;
        out.push_sql(", frontier = ");
        out.push_bind_param::<Binary, Vec<u8>>(&self.frontier)?;
        out.push_sql(" WHERE id = 1 AND size = ");
        out.push_bind_param::<BigInt, i64>(&self.from.0)?;
        out.push_sql(" AND last_leaf = ");
        out.push_bind_param::<Binary, Vec<u8>>(&self.from.1)
    }
}

impl<C> RunQueryDsl<C> for MoveHead {}

/// Appends sealed entries; the index of what they are about is derived ([`super::derived::index_subjects`]).
pub fn append(db: &mut Database, entries: Vec<EntryRow>) -> Result<()> {
    rows::insert(db, entries)
}

/// The exact bytes of one entry.
pub fn entry(db: &mut Database, seq: u64) -> Result<Option<Vec<u8>>> {
    Ok(entries::table.find(to_db(seq)).select(entries::bytes).first(db).optional()?)
}

/// A row of `entries`: its number, its exact bytes, the nodes of the tree that it completed.
pub type Row = (i64, Vec<u8>, Vec<u8>);

/// Entries `from..` in order, at most `limit`.
pub fn entries_from(db: &mut Database, from: u64, limit: i64) -> Result<Vec<Row>> {
    Ok(entries::table.filter(entries::seq.ge(to_db(from))).order(entries::seq).limit(limit).load(db)?)
}

/// The entries about any of these things, oldest first, at most `limit`, from `from` on.
pub fn entries_about(db: &mut Database, subjects: &[String], from: u64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let seqs = entry_subjects::table
        .filter(entry_subjects::subject.eq_any(subjects.iter().map(|subject| PackedId::of(subject))))
        .filter(entry_subjects::seq.ge(to_db(from)))
        .select(entry_subjects::seq)
        .distinct();
    Ok(entries::table.filter(entries::seq.eq_any(seqs)).order(entries::seq).limit(limit).select((entries::seq, entries::bytes)).load(db)?)
}

/// The newest entries below `before`, newest first, at most `limit`: `(seq, bytes)`.
pub fn entries_before(db: &mut Database, before: u64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let below = entries::table.filter(entries::seq.lt(to_db(before)));
    Ok(below.order(entries::seq.desc()).limit(limit).select((entries::seq, entries::bytes)).load(db)?)
}

/// The same of those about one thing.
pub fn entries_about_before(db: &mut Database, subject: &str, before: u64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let about = entry_subjects::table.filter(entry_subjects::subject.eq(PackedId::of(subject))).filter(entry_subjects::seq.lt(to_db(before)));
    let seqs: Vec<i64> = about.order(entry_subjects::seq.desc()).limit(limit).select(entry_subjects::seq).load(db)?;
    Ok(entries::table.filter(entries::seq.eq_any(seqs)).order(entries::seq.desc()).select((entries::seq, entries::bytes)).load(db)?)
}

/// The leaf hashes of the newest entries below `before`, newest first, at most `limit`.
pub fn leaves_before(db: &mut Database, before: u64, limit: i64) -> Result<Vec<(i64, Hash)>> {
    let below = entries::table.filter(entries::seq.lt(to_db(before)));
    let rows: Vec<(i64, Vec<u8>)> = below.order(entries::seq.desc()).limit(limit).select((entries::seq, entries::nodes)).load(db)?;
    // The leaf's own hash comes first among the nodes that it completes.
    Ok(rows.into_iter().filter_map(|(seq, nodes)| Some((seq, Hash::try_from(nodes.get(..32)?).ok()?))).collect())
}

/// The newest checkpoints below a number, newest first, at most `limit`.
pub fn checkpoints_before(db: &mut Database, before: i64, limit: i64) -> Result<Vec<CheckpointRow>> {
    Ok(checkpoints::table.filter(checkpoints::number.lt(before)).order(checkpoints::number.desc()).limit(limit).load(db)?)
}

/// Node (level, number) of the tree: stored with the leaf that completed it.
pub fn node(db: &mut Database, level: u32, number: u64) -> Result<Hash> {
    let missing = || Error::Fault(format!("node {number} of level {level} of the tree is missing: run `quittance audit`"));
    let seq = number.checked_add(1).and_then(|n| n.checked_mul(1u64.checked_shl(level)?)).and_then(|n| n.checked_sub(1)).ok_or_else(missing)?;
    let nodes: Vec<u8> = entries::table.find(to_db(seq)).select(entries::nodes).first(db).optional()?.ok_or_else(missing)?;
    let at = usize::try_from(level).map_err(|_| missing())? * 32;
    nodes.get(at..at + 32).and_then(|bytes| Hash::try_from(bytes).ok()).ok_or_else(missing)
}

/// The path from an entry to the root of the first `size` entries.
pub fn inclusion_proof(db: &mut Database, seq: u64, size: u64) -> Result<Vec<Hash>> {
    tree::inclusion_proof(seq, size, &mut |level, number| node(db, level, number))
}

/// The root of the first `size` entries.
pub fn root_at(db: &mut Database, size: u64) -> Result<Hash> {
    tree::root_at(size, &mut |level, number| node(db, level, number))
}

/// A published checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = checkpoints)]
pub struct CheckpointRow {
    /// 0, 1, 2 … without a gap.
    pub number: i64,
    /// Size of the tree.
    pub size: i64,
    /// The signed checkpoint.
    pub note: String,
}

/// The newest checkpoint.
pub fn newest_checkpoint(db: &mut Database) -> Result<Option<CheckpointRow>> {
    Ok(checkpoints::table.order(checkpoints::number.desc()).first(db).optional()?)
}

/// A checkpoint by number.
pub fn checkpoint(db: &mut Database, number: i64) -> Result<Option<CheckpointRow>> {
    Ok(checkpoints::table.find(number).first(db).optional()?)
}

/// The first checkpoint that covers an entry.
pub fn first_checkpoint_covering(db: &mut Database, seq: u64) -> Result<Option<CheckpointRow>> {
    Ok(checkpoints::table.filter(checkpoints::size.gt(to_db(seq))).order(checkpoints::number).first(db).optional()?)
}

/// Every checkpoint in order.
pub fn all_checkpoints(db: &mut Database) -> Result<Vec<CheckpointRow>> {
    Ok(checkpoints::table.order(checkpoints::number).load(db)?)
}

/// Stores a checkpoint; its number may not be taken.
pub fn add_checkpoint(db: &mut Database, row: &CheckpointRow) -> Result<()> {
    diesel::insert_into(checkpoints::table).values(row.clone()).execute(db)?;
    Ok(())
}

/// The whole index of what entries are about, in order: `audit` compares it with the entries.
pub fn all_subjects(db: &mut Database) -> Result<Vec<SubjectRow>> {
    Ok(entry_subjects::table.order((entry_subjects::subject, entry_subjects::seq)).load(db)?)
}
