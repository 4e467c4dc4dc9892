//! Withholding the bytes of a stored file: the notice on its page, the form of each step, and what follows once it is confirmed.

use std::sync::atomic::Ordering;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::actions::role_may;
use super::command_forms::{self, EVIDENCE};
use super::forms::{self, Around, Context, Form, Given, Sent};
use super::ledger::Names;
use super::page::{self, When};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::sign_in::proved_or;
use super::{Data, block};
use crate::domain::evidence::Evidence;
use crate::domain::medium::Act;
use crate::domain::names::Digest;
use crate::error::Result;
use crate::operations::{receive_evidence, withhold_evidence};
use crate::store::Database;

/// Who did it, for whom and when.
pub struct Did {
    pub at: When,
    pub who: String,
    pub party: String,
    pub seq: u64,
}

impl Did {
    fn of(db: &mut Database, names: &mut Names, act: &Act) -> Result<Self> {
        let (who, party) = (names.person(db, act.by.as_str())?, names.party(db, act.party.as_str())?);
        Ok(Self { at: When::from(act.occurred), who, party, seq: act.seq })
    }
}

/// What was proposed and done about the bytes of a file.
pub struct Notice {
    /// Why, with the reference.
    pub why: String,
    pub proposed: Did,
    /// The bytes are gone.
    pub withheld: Option<Did>,
}

impl Notice {
    /// Nothing where nobody has proposed anything.
    pub fn of(db: &mut Database, names: &mut Names, evidence: &Evidence) -> Result<Option<Self>> {
        let Some(withholding) = &evidence.withholding else { return Ok(None) };
        let proposed = Did::of(db, names, &withholding.proposed)?;
        let withheld = withholding.withheld.as_ref().map(|act| Did::of(db, names, act)).transpose()?;
        Ok(Some(Self { why: withholding.words(), proposed, withheld }))
    }
}

/// The next steps of this viewer: address and words.
pub fn steps(viewer: &Viewer, evidence: &Evidence) -> Vec<(String, &'static str)> {
    let commands: &[&str] = match &evidence.withholding {
        None => &["propose_withholding"],
        Some(withholding) if withholding.withheld.is_some() => &[],
        // Whoever proposed it may only take it back.
        Some(withholding) if withholding.proposed.by == viewer.actor.person => &["withdraw_withholding"],
        Some(_) => &["withhold_evidence", "withdraw_withholding"],
    };
    let forms = commands.iter().filter(|command| role_may(viewer, command)).filter_map(|command| command_forms::of(EVIDENCE, command));
    forms.map(|form| (address(&evidence.sha256, form), form.title)).collect()
}

fn address(sha256: &Digest, form: &Form) -> String {
    format!("/evidence/{sha256}/actions/{}", form.command)
}

/// What a form needs, for those who may give its command: the form, what it is about, what stands around it.
async fn prepared(
    state: &Data,
    viewer: &Viewer,
    (sha256, command): (String, String),
) -> std::result::Result<(&'static Form, Context, Around), Problem> {
    let form = command_forms::of(EVIDENCE, &command)
        .ok_or_else(|| Problem::unknown("There is no such step; the page of the file lists what can be done with it."))?;
    viewer.must_be_able_to(form.command)?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let viewer = viewer.clone();
    let (notice, digest) = block(state, move |service| {
        let mut db = service.app.read()?;
        let evidence = receive_evidence::recorded(&mut db, &viewer.actor, &digest)?;
        Ok((Notice::of(&mut db, &mut Names::new(&service.app), &evidence)?, digest))
    })
    .await?;
    let there = format!("/evidence/{digest}");
    // The crumb says which file it is.
    let about = notice.map_or_else(String::new, |Notice { why, proposed, .. }| {
        format!("Proposed by {} ({}) on {}, entry {}: {why}.", proposed.who, proposed.party, proposed.at.words, proposed.seq)
    });
    let crumb = (there.clone(), format!("Stored file {}", page::short(digest.as_str())));
    let around = Around { crumb, about, address: address(&digest, form), there, missing: Vec::new() };
    Ok((form, Context { about: vec![("sha256", json!(digest))], ..Context::default() }, around))
}

/// `GET /evidence/{sha256}/actions/{command}`
pub async fn new(viewer: Viewer, state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    let (form, context, around) = prepared(&state, &viewer, path.into_inner()).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, &around.address).filter(|_| form.grave) {
        return Ok(elsewhere);
    }
    forms::show(&state, &viewer, form, &context, around)
}

/// `POST /evidence/{sha256}/actions/{command}`
pub async fn create(
    http: HttpRequest,
    state: Data,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let (form, context, around) = prepared(&state, &viewer, path.into_inner()).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, &around.address).filter(|_| form.grave) {
        return Ok(elsewhere);
    }
    let given = Given::read(&http, &state, payload).await?;
    match forms::record(&http, &state, &viewer, (form, &context), &given, None).await? {
        Sent::Recorded(outcome) => {
            if form.command == "withhold_evidence" {
                remove(&state).await;
            }
            Ok(page::redirect_entry(&state, &around.there, forms::last_entry(&outcome)))
        }
        Sent::Wrong(wrong) => forms::again(&state, &viewer, (form, &context), around, &given, &wrong),
    }
}

/// Removes what is withheld, now that its entry is durable: whoever is told so finds it gone. What cannot be removed now is tried again every second,
/// and at the next start.
pub async fn remove(state: &Data) {
    let service = state.service.clone();
    let removed = web::block(move || withhold_evidence::finish(&service)).await;
    if !matches!(removed, Ok(Ok(()))) {
        tracing::warn!("the bytes of a withheld file could not be removed yet: {removed:?}");
        state.service.app.unfinished.store(true, Ordering::Relaxed);
    }
}
