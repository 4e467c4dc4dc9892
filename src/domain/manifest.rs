//! The manifest: what a consignment held when it was sealed. Its bytes never change, so that their SHA-256, which the sealing records, tells whether a
//! list that somebody shows is the one that left.

use serde::Serialize;

use super::asset::Holder;
use super::consignment::{Consignment, ConsignmentKind, Container, Line, Quantity};
use super::names::{ConsignmentId, Name, Reference, Serial};
use super::refusal::Refusal;

/// What is on the list.
#[derive(Debug, Serialize)]
pub struct Manifest<'a> {
    /// The version of this form.
    v: u32,
    /// The consignment.
    pub consignment: &'a ConsignmentId,
    /// The sender's number for it.
    pub reference: &'a Reference,
    /// From whom to whom.
    pub kind: ConsignmentKind,
    /// Who releases.
    pub from: &'a Holder,
    /// Who receives.
    pub to: &'a Holder,
    /// The carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<&'a Name>,
    /// Its containers with seals and weights.
    pub containers: &'a [Container],
    /// Number of devices, of loose media, and of counted things.
    pub devices: u64,
    /// Loose media.
    pub loose_media: u64,
    /// Counted things.
    pub counted: u64,
    /// Every line, by container and name.
    pub lines: Vec<ManifestLine<'a>>,
}

/// One line.
#[derive(Debug, Serialize)]
pub struct ManifestLine<'a> {
    /// The container it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<&'a Reference>,
    /// `asset`, `medium` or `quantity`.
    pub kind: &'static str,
    /// The id of what it lists.
    pub id: &'a str,
    /// A device's tag, a loose medium's serial number, the kind of counted things.
    pub name: &'a str,
    /// The serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<&'a Serial>,
    /// What it is.
    pub title: &'a str,
    /// How many of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<&'a Quantity>,
    /// The entry that listed it.
    pub entry: u64,
}

impl<'a> Manifest<'a> {
    /// The list of a consignment with these containers and lines.
    pub fn of(consignment: &'a Consignment, containers: &'a [Container], lines: &[&'a Line]) -> Self {
        let mut listed: Vec<&Line> = lines.iter().copied().filter(|line| line.is_listed()).collect();
        listed.sort_by(|a, b| (&a.container, &a.name, &a.item).cmp(&(&b.container, &b.name, &b.item)));
        let number = |of: fn(&Line) -> u64| listed.iter().map(|line| of(line)).sum();
        Self {
            v: 1,
            consignment: &consignment.id,
            reference: &consignment.reference,
            kind: consignment.kind,
            from: &consignment.from,
            to: &consignment.to,
            carrier: consignment.carrier.as_ref(),
            containers,
            devices: number(|line| u64::from(line.asset().is_some())),
            loose_media: number(|line| u64::from(line.medium().is_some())),
            counted: number(|line| line.quantity.as_ref().map_or(0, |quantity| u64::from(quantity.count))),
            lines: listed
                .into_iter()
                .map(|line| ManifestLine {
                    container: line.container.as_ref(),
                    kind: line.item.kind(),
                    id: line.item.id(),
                    name: &line.name,
                    serial: line.serial.as_ref(),
                    title: &line.title,
                    quantity: line.quantity.as_ref(),
                    entry: line.added,
                })
                .collect(),
        }
    }

    /// The bytes whose SHA-256 is recorded: JSON, members in the order above, without white space.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        written(self)
    }
}

/// The JSON of a list, or that it cannot be written: then nothing is sealed.
pub(super) fn written(list: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(list).map_err(|error| {
        Refusal::new("consignment.no_manifest", format!("The manifest cannot be written ({error}); tell the operator of this service."))
    })
}
