//! Search among tags and serial numbers: an index of every three characters in a row, written when these or the parties of a device change, and
//! asked page by page. What the index finds is compared with the text itself, so that both databases give the same answers.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

use super::Database;
use super::listings::{parties_of, same_parties};
use super::rows::{self, Derived, row_of};
use super::schema::{asset_search, assets};
use super::tables::{self, AssetRow};
use super::to_db;
use crate::domain::asset::Asset;
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, MediumId, PartyId, Sought, Tag};
use crate::domain::records::{Key, Need, Records};
use crate::error::Result;
use crate::proof::digest::sha256;

/// Fewer characters than these are looked for at the beginning only.
pub const ANYWHERE: usize = 3;
/// Stands twice before a tag and before a serial number, so that their beginnings are three characters in a row, too. Of the private use area: where
/// somebody's tag holds it, the comparison with the text still decides.
const BEGINNING: char = '\u{f8fe}';
/// Stands between the tags of one device; no tag holds control characters.
const AND: &str = "\u{1f}";
/// Most devices that the index names and that are compared for one page. Where most of them fall away (another label than asked for), the page is
/// short and the next one goes on from there.
const COMPARED: i64 = 2_048;

/// A row of `asset_search`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct SearchRow {
    /// The entry that registered the device.
    pub number: i64,
    /// The device.
    pub asset: String,
    /// Normal tag with those it had before, normal serial number (or nothing), normal serial numbers of its media, one a line.
    pub text: String,
}

row_of!(SearchRow, asset_search, 1, number: i64, asset: String, text: String);
impl Derived for SearchRow {}

impl SearchRow {
    /// The row of a device with its media.
    pub fn of<'a>(asset: &Asset, media: impl IntoIterator<Item = &'a Medium>) -> Self {
        let tags: Vec<String> = std::iter::once(&asset.tag).chain(&asset.former_tags).map(Tag::normal).collect();
        let mut lines = vec![tags.join(AND), asset.serial.as_ref().map(|serial| serial.normal()).unwrap_or_default()];
        lines.extend(media.into_iter().filter_map(|medium| medium.serial.as_ref()).map(|serial| serial.normal()));
        Self { number: to_db(asset.registered), asset: asset.id.to_string(), text: lines.join("\n") }
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(asset_search::table.order(asset_search::number).load(db)?)
    }
    /// The texts that the index is made of: beginnings are marked.
    fn marked(&self) -> Vec<String> {
        let mark = |(n, line): (usize, &str)| if n < 2 { format!("{BEGINNING}{BEGINNING}{line}") } else { line.to_owned() };
        let lines = self.text.split('\n').enumerate().flat_map(|(n, line)| line.split(AND).map(move |line| (n, line)));
        lines.filter(|(_, line)| !line.is_empty()).map(mark).collect()
    }
}

/// Every three characters in a row.
fn trigrams(text: &str) -> impl Iterator<Item = [char; 3]> {
    let mut after = text.chars().skip(1).zip(text.chars().skip(2));
    text.chars().map_while(move |a| after.next().map(|(b, c)| [a, b, c]))
}

/// Three characters that stand for a party in the index: 38 bits of a digest; where two parties share them, the comparison decides.
fn party_mark(party: &str) -> String {
    let digest = sha256(party.as_bytes());
    let character = |pair: &[u8]| {
        let n = pair.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte)) % 6_000;
        char::from_u32(0xe000 + n).unwrap_or(BEGINNING)
    };
    digest.chunks_exact(2).take(3).map(character).collect()
}

/// Saves the search rows of the devices whose tag, serial numbers or parties a batch changed; any other change writes nothing.
pub fn save(db: &mut Database, known: &Records) -> Result<()> {
    let mut changed: BTreeSet<&AssetId> = BTreeSet::new();
    for slot in known.assets.changed() {
        if let Some(now) = slot.now().filter(|now| !slot.before().is_some_and(|before| is_found_as(before, now))) {
            changed.insert(&now.id);
        }
    }
    for slot in known.media.changed() {
        if let (Some(before), Some(now)) = (slot.before(), slot.now())
            && before.serial != now.serial
        {
            changed.extend(&now.host);
        }
    }
    let hosts = tables::beside(db, known, changed.iter().map(|id| Need::Asset((*id).clone())).collect())?;
    let assets = changed.into_iter().map(|id| tables::of_either::<Asset>(known, &hosts, id)).collect::<Result<Vec<_>>>()?;
    let media = tables::beside(db, known, assets.iter().flat_map(|asset| asset.media.iter().cloned().map(Need::Medium)).collect())?;
    let mut rows = Vec::new();
    for asset in assets {
        let media = asset.media.iter().map(|medium| tables::of_either::<Medium>(known, &media, medium)).collect::<Result<Vec<_>>>()?;
        rows.push((SearchRow::of(asset, media), parties_of(asset)));
    }
    index(db, rows)
}

/// Whether a device is found by the same as before.
fn is_found_as(before: &Asset, now: &Asset) -> bool {
    (&before.tag, &before.former_tags, &before.serial, &before.media) == (&now.tag, &now.former_tags, &now.serial, &now.media)
        && same_parties(before, now)
}

/// A device's row, and the parties that may find it.
pub type Indexed<'a> = (SearchRow, BTreeSet<&'a str>);

fn index(db: &mut Database, rows: Vec<Indexed>) -> Result<()> {
    match db {
        Database::Sqlite(c) => {
            for (row, parties) in &rows {
                let parties = parties.iter().map(|party| party_mark(party)).collect::<Vec<_>>().join("\n");
                Trigrams { number: row.number, text: row.marked().join("\n"), parties }.execute(c)?;
            }
            rows::upsert(db, rows.into_iter().map(|(row, _)| row).collect())
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(c) => postgres::index(c, &rows),
    }
}

/// The statement that puts a device in SQLite's index, written out so that it stays prepared. Such tables know no other upsert.
struct Trigrams {
    number: i64,
    text: String,
    parties: String,
}

impl QueryId for Trigrams {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Trigrams {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT OR REPLACE INTO asset_trigrams (rowid, text, parties) VALUES (");
        out.push_bind_param::<BigInt, i64>(&self.number)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, String>(&self.text)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, String>(&self.parties)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for Trigrams {}

/// What to look for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The term.
    pub sought: Sought,
    /// Only devices that concern this party, which is not the organisation.
    pub party: Option<String>,
    /// Only devices with this label.
    pub label: Option<String>,
    /// After the device with this number; −1 after the exact ones, which come first; −1 − n where n of these are still to be shown.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// A page of what was found. It may be short, even empty, and yet have a next one: so many were compared that the rest has to wait.
#[derive(Debug, Default)]
pub struct Found {
    /// The devices: first those whose tag or serial number, or the serial number of a medium, is the term; then in the order of registration.
    pub rows: Vec<AssetRow>,
    /// Where the next page starts.
    pub next: Option<i64>,
}

/// One form of the term: where it may stand, and what three characters the index must know for it.
struct Form<'a> {
    text: &'a str,
    anywhere: bool,
    tag: bool,
}

impl Form<'_> {
    fn in_line(&self, number: usize, line: &str) -> bool {
        let right_line = if self.tag { number == 0 } else { number > 0 };
        // Beginnings are indexed of the tags and of the device's own serial number.
        right_line && line.split(AND).any(|line| if self.anywhere { line.contains(self.text) } else { number < 2 && line.starts_with(self.text) })
    }
    fn trigrams(&self) -> Vec<[char; 3]> {
        let marked = if self.anywhere { self.text.to_owned() } else { format!("{BEGINNING}{BEGINNING}{}", self.text) };
        // Each is asked for once: 0000000 has one.
        let mut seen = BTreeSet::new();
        trigrams(&marked).filter(|three| seen.insert(*three)).collect()
    }
}

fn forms(sought: &Sought) -> Vec<Form<'_>> {
    let form = |text: &'_ str| text.chars().take(ANYWHERE).count() == ANYWHERE;
    [(sought.tag.as_str(), true), (sought.serial.as_str(), false)]
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, tag)| Form { text, anywhere: form(text), tag })
        .collect()
}

/// Whether the term is long enough to be looked for anywhere, not only at the beginning.
pub fn looks_anywhere(sought: &Sought) -> bool {
    forms(sought).iter().any(|form| form.anywhere)
}

/// Finds devices, page by page.
pub fn search(db: &mut Database, search: &Search) -> Result<Found> {
    let forms = forms(&search.sought);
    let mut exact = exact(db, search)?;
    let known: BTreeSet<String> = exact.iter().map(|row| row.id.clone()).collect();
    let waiting = match search.after {
        None => exact.len(),
        Some(after) => usize::try_from(-1 - after).unwrap_or(0).min(exact.len()),
    };
    let mut found = Found { rows: exact.split_off(exact.len() - waiting), next: None };
    if found.rows.len() > search.limit {
        found.rows.truncate(search.limit);
        found.next = Some(-1 - i64::try_from(waiting - search.limit).unwrap_or(0));
        return Ok(found);
    }
    let mut after = search.after.unwrap_or(-1).max(-1);
    let mut chunk = i64::try_from(search.limit).unwrap_or(COMPARED).min(COMPARED) + 16;
    let mut left = COMPARED;
    loop {
        let candidates = candidates(db, &forms, search.party.as_deref(), after, chunk)?;
        let last = candidates.last().map(|row| row.number);
        let whole = i64::try_from(candidates.len()).unwrap_or(chunk) == chunk;
        let hits = candidates
            .into_iter()
            .filter(|row| !known.contains(&row.asset))
            .filter(|row| row.text.split('\n').enumerate().any(|(number, line)| forms.iter().any(|form| form.in_line(number, line))));
        let hits: Vec<(i64, String)> = hits.map(|row| (row.number, row.asset)).collect();
        for (number, row) in shown(db, hits, search)? {
            if found.rows.len() == search.limit {
                found.next = Some(after);
                return Ok(found);
            }
            after = number;
            found.rows.push(row);
        }
        left -= chunk;
        match last {
            Some(last) if whole => after = last,
            _ => return Ok(found),
        }
        if left <= 0 {
            found.next = Some(after);
            return Ok(found);
        }
        chunk = (chunk * 4).min(left);
    }
}

/// The rows of these devices that are to be shown, in the order given.
fn shown(db: &mut Database, hits: Vec<(i64, String)>, search: &Search) -> Result<Vec<(i64, AssetRow)>> {
    let party = search.party.as_deref().map(PartyId::parse).transpose()?;
    let mut shown = Vec::new();
    for some in hits.chunks(512) {
        let mut select = assets::table.filter(assets::id.eq_any(some.iter().map(|(_, id)| id))).into_boxed();
        if let Some(label) = &search.label {
            select = select.filter(assets::label.eq(label));
        }
        let mut rows: std::collections::HashMap<String, AssetRow> =
            select.load::<AssetRow>(db)?.into_iter().map(|row| (row.id.clone(), row)).collect();
        for (number, id) in some {
            let Some(row) = rows.remove(id) else { continue };
            let theirs = match &party {
                Some(party) => row.record()?.concerns(party),
                None => true,
            };
            if theirs {
                shown.push((*number, row));
            }
        }
        // Full, and one more to know that there is a next page.
        if shown.len() > search.limit {
            break;
        }
    }
    Ok(shown)
}

/// The devices whose tag or serial number, or the serial number of a medium, is the term itself.
fn exact(db: &mut Database, search: &Search) -> Result<Vec<AssetRow>> {
    let mut ids: Vec<String> = Vec::new();
    let keys = [("asset.tag", &search.sought.tag), ("asset.serial", &search.sought.serial), ("medium.serial", &search.sought.serial)];
    for (space, text) in keys {
        let Some(owner) = tables::owner(db, &Key::new(space, text.clone()))? else { continue };
        let id = match space {
            "medium.serial" => tables::find::<Medium>(db, &MediumId::parse(&owner)?)?.and_then(|medium| medium.host).map(|host| host.to_string()),
            _ => Some(owner),
        };
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    Ok(shown(db, ids.into_iter().map(|id| (0, id)).collect(), search)?.into_iter().map(|(_, row)| row).collect())
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    asset: String,
    #[diesel(sql_type = Text)]
    text: String,
}

/// What the index names, in order: everything that is sought, and perhaps more.
fn candidates(db: &mut Database, forms: &[Form<'_>], party: Option<&str>, after: i64, limit: i64) -> Result<Vec<Candidate>> {
    match db {
        Database::Sqlite(c) => Ok(diesel::sql_query(
            "SELECT s.number, s.asset, s.text FROM asset_trigrams t CROSS JOIN asset_search s ON s.number = t.rowid \
             WHERE t.asset_trigrams MATCH ? AND t.rowid > ? ORDER BY t.rowid LIMIT ?",
        )
        .bind::<Text, _>(matching(forms, party))
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(limit)
        .load(c)?),
        #[cfg(feature = "postgres")]
        Database::Postgres(c) => postgres::candidates(c, forms, party, after, limit),
    }
}

/// The query in the words of FTS5.
fn matching(forms: &[Form<'_>], party: Option<&str>) -> String {
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let mut all: Vec<String> =
        forms.iter().map(|form| form.trigrams().into_iter().map(|three| quoted(three.iter().collect())).collect::<Vec<_>>().join(" AND ")).collect();
    all.dedup();
    let either = all.iter().map(|all| format!("({all})")).collect::<Vec<_>>().join(" OR ");
    match party {
        Some(party) => format!("{} AND ({either})", quoted(party_mark(party))),
        None => either,
    }
}

/// The devices that the index would not find although it should: for `audit`. Gives their numbers.
pub fn not_indexed(db: &mut Database, rows: &[Indexed]) -> Result<Vec<i64>> {
    let mut missing = Vec::new();
    for (row, parties) in rows {
        let texts = row.marked();
        let forms: Vec<Form<'_>> = texts.iter().map(|text| Form { text, anywhere: true, tag: true }).collect();
        for form in forms.iter().filter(|form| !form.trigrams().is_empty()) {
            for party in parties.iter().copied().map(Some).chain([None]) {
                let one = std::slice::from_ref(form);
                let found = candidates(db, one, party, row.number - 1, 1)?;
                if found.first().map(|found| found.number) != Some(row.number) {
                    missing.push(row.number);
                }
            }
        }
    }
    missing.dedup();
    Ok(missing)
}

#[cfg(feature = "postgres")]
mod postgres {
    //! The same index as numbers in an array.

    use diesel::pg::Pg;
    use diesel::sql_types::Array;

    use super::*;

    /// Entries of one stretch of the log, as a power of two. Each stretch has numbers of its own, so that the index, whose findings have no order, is
    /// asked for one stretch after the other: what very many devices have costs no more than the rows of a stretch, wherever the first of them is.
    const STRETCH: u32 = 14;
    /// Stretches that one statement asks for.
    const STRETCHES: i64 = 512;

    /// A number for three characters in a stretch: FNV-1a; where two share one, the comparison with the text decides.
    fn number(three: impl IntoIterator<Item = char>, stretch: i64) -> i32 {
        let hash = three
            .into_iter()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .chain(stretch.to_be_bytes())
            .fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        i32::from_be_bytes(hash.to_be_bytes())
    }

    fn array(numbers: impl IntoIterator<Item = i32>) -> String {
        let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
        format!("{{{}}}", numbers.join(","))
    }

    /// The statement that puts devices in the index, written out so that it stays prepared. An array of arrays would be a rectangle, so the numbers of
    /// each device come as one text.
    #[derive(Default)]
    struct Index {
        number: Vec<i64>,
        asset: Vec<String>,
        text: Vec<String>,
        trigrams: Vec<String>,
    }

    impl QueryId for Index {
        type QueryId = Self;
        const HAS_STATIC_QUERY_ID: bool = true;
    }

    impl QueryFragment<Pg> for Index {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("INSERT INTO asset_search (number, asset, text, trigrams) SELECT number, asset, text, trigrams::integer[] FROM unnest(");
            out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.number)?;
            for column in [&self.asset, &self.text, &self.trigrams] {
                out.push_sql(", ");
                out.push_bind_param::<Array<Text>, Vec<String>>(column)?;
            }
            out.push_sql(
                ") AS come (number, asset, text, trigrams) ON CONFLICT (number) DO UPDATE SET asset = excluded.asset, text = excluded.text, \
                 trigrams = excluded.trigrams",
            );
            Ok(())
        }
    }

    impl<C> RunQueryDsl<C> for Index {}

    pub(super) fn index(c: &mut diesel::PgConnection, rows: &[Indexed]) -> Result<()> {
        for some in rows.chunks(1_000) {
            let mut all = Index::default();
            for (row, parties) in some {
                let stretch = row.number >> STRETCH;
                let mut numbers: Vec<i32> =
                    row.marked().iter().flat_map(|text| trigrams(text).map(|three| number(three, stretch)).collect::<Vec<_>>()).collect();
                numbers.extend(parties.iter().map(|party| number(party_mark(party).chars(), stretch)));
                numbers.sort_unstable();
                numbers.dedup();
                all.number.push(row.number);
                all.asset.push(row.asset.clone());
                all.text.push(row.text.clone());
                all.trigrams.push(array(numbers));
            }
            all.execute(c)?;
        }
        Ok(())
    }

    pub(super) fn candidates(
        c: &mut diesel::PgConnection,
        forms: &[Form<'_>],
        party: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Candidate>> {
        let newest: Option<i64> = asset_search::table.select(diesel::dsl::max(asset_search::number)).first(c)?;
        let last = newest.map_or(-1, |newest| newest >> STRETCH);
        let party = party.map(party_mark);
        let mut all: Vec<Vec<[char; 3]>> = forms.iter().map(Form::trigrams).collect();
        all.dedup();
        let mut found = Vec::new();
        let mut from = after.saturating_add(1).max(0) >> STRETCH;
        let mut left = limit;
        while from <= last && left > 0 {
            let to = from.saturating_add(STRETCHES).min(last + 1);
            let of = |threes: &Vec<[char; 3]>, stretch: i64| {
                let party = party.iter().map(|party| number(party.chars(), stretch));
                array(threes.iter().map(|three| number(*three, stretch)).chain(party))
            };
            let arrays = all.iter().map(|threes| (from..to).map(|stretch| of(threes, stretch)).collect()).collect();
            found.extend(ask(c, arrays, after, left)?);
            left = limit - i64::try_from(found.len()).unwrap_or(limit);
            from = to;
        }
        Ok(found)
    }

    /// The first rows, stretch by stretch, that have all numbers of one of the arrays of their stretch. The arrays of one form of the term stand in one
    /// list. Nothing about their order tempts the planner to walk all rows instead of the index.
    fn ask(c: &mut diesel::PgConnection, arrays: Vec<Vec<String>>, after: i64, limit: i64) -> Result<Vec<Candidate>> {
        let each = |of: fn(usize) -> String, glue: &str| (0..arrays.len()).map(of).collect::<Vec<_>>().join(glue);
        let mut query = diesel::sql_query(format!(
            "SELECT found.number, found.asset, found.text FROM unnest({}) AS stretch ({}) CROSS JOIN LATERAL ( \
             WITH hits AS MATERIALIZED (SELECT number, asset, text FROM asset_search WHERE {}) \
             SELECT number, asset, text FROM hits WHERE number > $1 ORDER BY number LIMIT $2) AS found LIMIT $2",
            each(|n| format!("${}", n + 3), ", "),
            each(|n| format!("form{n}"), ", "),
            each(|n| format!("trigrams @> stretch.form{n}::integer[]"), " OR "),
        ))
        .into_boxed()
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(limit);
        for of_form in arrays {
            query = query.bind::<Array<Text>, _>(of_form);
        }
        Ok(query.load(c)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::names::Role;
    use crate::domain::story::{DISTRICT, Story, actor};

    #[test]
    fn a_tag_that_was_corrected_and_corrected_back_is_found_too() {
        let mut story = Story::new();
        let (device, _) = story.retired("A1", "hdd_ata", "moderate");
        let id = AssetId::parse(&device).unwrap();
        let before = story.known().find::<Asset>(&id).unwrap().unwrap().clone();
        for tag in ["A2", "A1"] {
            let correct = json!({"asset": device, "reason": "misread", "tag": tag});
            story.done(&actor(Role::Approver, DISTRICT, 2), "correct_registration", correct);
        }
        let now = story.known().find::<Asset>(&id).unwrap().unwrap();
        assert_eq!((&before.tag, SearchRow::of(now, []).text.contains("A2")), (&now.tag, true));
        assert!(is_found_as(&before, &before) && !is_found_as(&before, now));
    }

    #[test]
    fn three_characters_in_a_row() {
        let all = |text: &str| trigrams(text).map(|three| three.iter().collect::<String>()).collect::<Vec<_>>();
        assert_eq!(all("CB-1ü"), ["CB-", "B-1", "-1ü"]);
        assert_eq!((all("CB"), all("")), (vec![], vec![]));
    }

    #[test]
    fn a_short_form_is_looked_for_at_the_beginning_and_quotes_are_quoted() {
        let sought = Sought::parse("a-\"").unwrap();
        let forms = forms(&sought);
        assert_eq!(forms.iter().map(|form| (form.text, form.anywhere)).collect::<Vec<_>>(), [("A-\"", true), ("A\"", false)]);
        let b = BEGINNING;
        assert_eq!(matching(&forms, None), format!("(\"A-\"\"\") OR (\"{b}{b}A\" AND \"{b}A\"\"\")"));
        assert!(forms[0].in_line(0, "XA-\"") && !forms[0].in_line(1, "XA-\"") && forms[1].in_line(1, "A\"9") && !forms[1].in_line(2, "A\"9"));
    }

    #[test]
    fn a_former_tag_is_found_like_the_one_that_counts() {
        let row = SearchRow { number: 1, asset: String::new(), text: format!("A7{AND}B1\nSA1\nM1") };
        let b = BEGINNING;
        assert_eq!(row.marked(), [format!("{b}{b}A7"), format!("{b}{b}B1"), format!("{b}{b}SA1"), "M1".to_owned()]);
        let starts = |text| Form { text, anywhere: false, tag: true };
        assert!(starts("B").in_line(0, &format!("A7{AND}B1")) && !starts("1").in_line(0, &format!("A7{AND}B1")));
    }

    #[test]
    fn parties_have_marks_of_their_own() {
        let (one, other) = (party_mark("urn:uuid:1"), party_mark("urn:uuid:2"));
        assert!(one != other && one.chars().count() == 3 && !one.contains(BEGINNING));
    }
}
