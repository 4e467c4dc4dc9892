//! What the pages of the dock share: a form that has one effect however often it is sent, and what is on a consignment now.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::forms;
use super::problem::Problem;
use super::request;
use super::session::Viewer;
use super::writes;
use super::{Data, block, consignments};
use crate::domain::Command;
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, Item, Line};
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, ConsignmentId, MediumId, Role};
use crate::domain::records::{Need, Records};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::once::{Once, Outcome};
use crate::operations::record::{Receipt, Terms};
use crate::store::idempotency::RequestKey;
use crate::store::{Database, tables};

/// The request that a form is, by its key; one without a key, or with a key that is none, has an effect each time.
pub fn request_key(viewer: &Viewer, route: &str, key: &str, body: &[u8]) -> Option<RequestKey> {
    let good = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| RequestKey::new(viewer.actor.person.as_str(), route, key, "", body))
}

/// Gives the command of a form and waits for it; the number of its last entry.
pub async fn give(state: &Data, viewer: &Viewer, (route, key): (&str, &str), name: &str, body: Value) -> std::result::Result<Option<u64>, Problem> {
    viewer.must_be_able_to(name)?;
    let bytes = serde_json::to_vec(&json!([name, body])).map_err(Error::from)?;
    let key = request_key(viewer, route, key, &bytes);
    let command = Command::read(name, body)?;
    let terms = Terms { once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, terms).await) };
    match request::answer_in_time(state, recorded).await? {
        Ok(outcome) => Ok(forms::last_entry(&outcome)),
        Err(error) => Err(writes::explain(state, viewer.clone(), error).await),
    }
}

/// Whether a form is drawn again with this problem, rather than a page that says it alone: what was typed can be corrected.
pub fn is_about_the_form(problem: &Problem) -> bool {
    matches!(problem.status.as_u16(), 409 | 422)
}

/// The sentence of a problem with everything that is missing.
pub fn sentences(problem: &Problem) -> Vec<String> {
    std::iter::once(problem.detail.clone()).chain(problem.missing.clone()).collect()
}

/// Text of a form that says something.
pub fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A consignment that exists and that this viewer may see.
pub async fn load(state: &Data, viewer: &Viewer, id: &ConsignmentId) -> std::result::Result<Consignment, Problem> {
    let (viewer, id) = (viewer.clone(), id.clone());
    block(state, move |service| consignments::find(&mut *service.app.read()?, &viewer, &id)).await
}

/// Why this viewer cannot do what only people of a party can, in these roles.
pub fn why_not_theirs(viewer: &Viewer, party: &crate::domain::names::PartyId, roles: &[Role]) -> Option<Hindrance> {
    if !roles.contains(&viewer.actor.role) {
        return Some(Hindrance::Role);
    }
    (&viewer.actor.party != party).then_some(Hindrance::Party)
}

/// What keeps somebody from doing something; the pages have the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Another role does it.
    Role,
    /// Another party does it.
    Party,
    /// The consignment is in another state.
    State,
}

impl Hindrance {
    /// For the templates.
    pub fn code(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Party => "party",
            Self::State => "state",
        }
    }
}

/// Everything on the list of a consignment, with what is known of each device.
pub struct Contents {
    /// The lines, newest first.
    pub lines: Vec<Line>,
    assets: BTreeMap<AssetId, Asset>,
    media: BTreeMap<MediumId, Medium>,
}

/// So many of a kind or in a container.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// Of what, or in which container; empty for none.
    pub of: String,
    /// How many.
    pub count: u32,
}

/// A device that keeps a consignment from leaving.
pub struct Blocker {
    /// Its tag.
    pub tag: String,
    /// As the form that takes it off names it.
    pub item: String,
    /// Why.
    pub why: String,
}

impl Contents {
    /// Loads them.
    pub fn load(db: &mut Database, id: &ConsignmentId) -> Result<Self> {
        let mut known = Records::default();
        tables::load(db, &[Need::LinesOf(id.clone())], &mut known)?;
        let mut lines: Vec<Line> = known.lines.all().filter(|line| line.is_listed()).cloned().collect();
        lines.sort_by(|a, b| b.added.cmp(&a.added).then_with(|| a.name.cmp(&b.name)));
        let needs: Vec<Need> = lines
            .iter()
            .filter_map(|line| match &line.item {
                Item::Asset(id) => Some(Need::Asset(id.clone())),
                Item::Medium(id) => Some(Need::Medium(id.clone())),
                Item::Quantity(_) => None,
            })
            .collect();
        let mut things = Records::default();
        tables::load(db, &needs, &mut things)?;
        let assets = things.assets.all().map(|asset| (asset.id.clone(), asset.clone())).collect();
        let media = things.media.all().map(|medium| (medium.id.clone(), medium.clone())).collect();
        Ok(Self { lines, assets, media })
    }
    /// The device of a line.
    pub fn asset(&self, line: &Line) -> Option<&Asset> {
        line.asset().and_then(|id| self.assets.get(id))
    }
    /// Whether data may be on the thing of a line.
    pub fn may_hold_data(&self, line: &Line) -> bool {
        let device = self.asset(line).is_some_and(|asset| !asset.data_gone());
        device || line.medium().and_then(|id| self.media.get(id)).is_some_and(|medium| !medium.state.is_gone())
    }
    /// How many lines may hold data.
    pub fn data_bearing(&self) -> u32 {
        count(self.lines.iter().filter(|line| self.may_hold_data(line)).count())
    }
    /// Lines by container, in the order of their labels.
    pub fn containers(&self) -> Vec<Count> {
        self.grouped(|line| line.container.as_ref().map(ToString::to_string).unwrap_or_default())
    }
    /// Things by category, or by what they are.
    pub fn kinds(&self) -> Vec<Count> {
        let mut groups: BTreeMap<String, u32> = BTreeMap::new();
        for line in &self.lines {
            let (of, count) = match (&line.quantity, self.asset(line)) {
                (Some(quantity), _) => (quantity.what.label().to_owned(), quantity.count),
                (None, Some(asset)) => (asset.category.label().to_owned(), 1),
                (None, None) => (line.title.clone(), 1),
            };
            *groups.entry(of).or_default() += count;
        }
        groups.into_iter().map(|(of, count)| Count { of, count }).collect()
    }
    fn grouped(&self, by: impl Fn(&Line) -> String) -> Vec<Count> {
        let mut groups: BTreeMap<String, u32> = BTreeMap::new();
        for line in &self.lines {
            *groups.entry(by(line)).or_default() += 1;
        }
        groups.into_iter().map(|(of, count)| Count { of, count }).collect()
    }
    /// Devices that were held after they were put on the list.
    pub fn blockers(&self) -> Vec<Blocker> {
        let held = |line: &Line| {
            let refusal: Refusal = self.asset(line)?.require_free("consignment.held").err()?;
            Some(Blocker { tag: line.name.clone(), item: line.item.key(), why: refusal.why })
        };
        self.lines.iter().filter_map(held).collect()
    }
    /// The counts that everybody who scans looks at.
    pub fn counts(&self, consignment: &Consignment) -> Value {
        json!({"seq": consignment.last_seq, "listed": consignment.lines, "data": self.data_bearing(), "blocked": self.blockers().len(),
            "expected": consignment.expected, "containers": self.containers(), "status": consignment.status})
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The receipt of a request, as it was answered now or before.
pub fn receipt(outcome: Outcome<Receipt>) -> Result<Value> {
    Ok(match outcome {
        Outcome::Now(receipt) => serde_json::to_value(receipt)?,
        Outcome::Before(answer) => serde_json::from_slice(&answer.body)?,
    })
}
