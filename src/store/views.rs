//! Lists that people narrowed and gave a name. Not derived from the log: nothing follows from them.

use diesel::prelude::*;

use super::Database;
use super::schema::views;
use crate::domain::refusal::Refusal;
use crate::error::Result;

/// Most views of one person.
const MOST: usize = 50;

/// A narrowed list with a name.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = views)]
pub struct View {
    /// A UUID, in the order of time.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// Its name.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
    /// Who else sees it: a role, or nobody where this is empty.
    pub role: String,
}

/// The views that this person sees, own ones first.
pub fn of(db: &mut Database, person: &str, role: &str) -> Result<Vec<View>> {
    let mut seen: Vec<View> = views::table.filter(views::person.eq(person)).order(views::id).load(db)?;
    let shared = views::table.filter(views::role.eq(role)).filter(views::person.ne(person)).order(views::id);
    seen.extend(shared.limit(i64::try_from(MOST).unwrap_or(i64::MAX)).load::<View>(db)?);
    Ok(seen)
}

/// Keeps a view.
pub fn add(db: &mut Database, view: &View) -> Result<()> {
    let own: Vec<String> = views::table.filter(views::person.eq(&view.person)).select(views::id).load(db)?;
    if own.len() >= MOST {
        return Err(Refusal::new("views.too_many", format!("You have {MOST} saved views; remove one first.")).into());
    }
    diesel::insert_into(views::table).values(view.clone()).execute(db)?;
    Ok(())
}

/// Removes one of this person's own; whether there was one.
pub fn remove(db: &mut Database, person: &str, id: &str) -> Result<bool> {
    Ok(diesel::delete(views::table.filter(views::id.eq(id)).filter(views::person.eq(person))).execute(db)? == 1)
}

/// Removes all of somebody who is erased, also from whom they were shared with: their names may say whose they are.
pub fn forget(db: &mut Database, person: &str) -> Result<()> {
    diesel::delete(views::table.filter(views::person.eq(person))).execute(db)?;
    Ok(())
}
