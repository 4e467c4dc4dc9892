//! The model catalogue: what is expected of a model before anybody has looked. Versioned data (`catalogue/*.toml`) that ships with the program and
//! grows by a table of the organisation's own. Expected is not seen: a medium of the catalogue counts as data-present until it is seen or attested.

use serde::{Deserialize, Serialize};

use super::asset::Status;
use super::medium::{self, Medium};
use super::names::{AssetId, Category, IdentifiedBy, MediaType, MediumId, Name, Role, Sensitivity, Serial, WeightBasis, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::registration::MediumRecorded;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

/// The catalogue that ships with the product.
pub const SHIPPED: &str = include_str!("catalogue/us-k12-models.toml");

codes! {
    /// How it is known that a medium is there.
    Seen {
        Seen = "seen", "seen";
        Attested = "attested", "attested";
        Expected = "expected", "expected (model)";
    }
}

/// A medium that a model is expected to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMedium {
    /// What kind it is; unknown where models of this name differ.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// Soldered in: identified by the device's serial number.
    #[serde(default)]
    pub embedded: bool,
}

/// What is known of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Who makes it; the case does not matter.
    pub manufacturer: String,
    /// Which model; `*` stands for any text.
    pub model: String,
    /// What it is.
    pub category: Category,
    /// The media that are expected in it.
    #[serde(default)]
    pub media: Vec<ExpectedMedium>,
    /// It stores nothing.
    #[serde(default)]
    pub no_storage: bool,
    /// Weight of one.
    pub weight_grams: Option<u32>,
    /// Where the weight comes from: the maker's specification, or a default.
    pub weight_basis: Option<WeightBasis>,
    /// Whose figure it is.
    pub weight_source: Option<String>,
    /// How confidential what is on one usually is.
    pub sensitivity: Sensitivity,
}

/// What is assumed of a kind of device where its model is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// What it is.
    pub category: Category,
    /// Weight of one.
    pub weight_grams: Option<u32>,
    /// Where the weight comes from.
    pub weight_basis: Option<WeightBasis>,
    /// Whose figure it is.
    pub weight_source: Option<String>,
    /// How confidential what is on one usually is.
    pub sensitivity: Sensitivity,
}

/// Which catalogue said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueRef {
    /// Its name.
    pub name: String,
    /// Its version; behind a `+` the beginning of the SHA-256 of the organisation's own table.
    pub version: String,
}

/// All models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Kinds of devices.
    #[serde(rename = "category")]
    pub categories: Vec<Assumed>,
    /// Models.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

impl Catalogue {
    /// Reads a catalogue.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let why = format!("Line {} of the catalogue cannot be read, correct it: {}.", 1 + before.matches('\n').count(), error.message());
            Refusal::new("catalogue.malformed", why)
        })
    }

    /// The shipped one with the organisation's own models, which win. `mark` tells this table from others.
    pub fn grown(mut self, own: Vec<Model>, mark: &str) -> Self {
        if !own.is_empty() {
            self.version = format!("{}+{mark}", self.version);
            self.models.splice(0..0, own);
        }
        self
    }

    /// Which catalogue this is.
    pub fn reference(&self) -> CatalogueRef {
        CatalogueRef { name: self.name.clone(), version: self.version.clone() }
    }

    /// What is known of a model: of the patterns that fit, the one that says most; the first among equals.
    pub fn model(&self, manufacturer: &str, model: &str) -> Option<&Model> {
        let maker = manufacturer.to_lowercase();
        let same = |known: &str| known.eq_ignore_ascii_case(&maker) || !known.is_ascii() && known.to_lowercase() == maker;
        let fits = |known: &&Model| same(&known.manufacturer) && fits(&known.model, model);
        let says = |known: &Model| known.model.chars().filter(|c| *c != '*').count();
        self.models.iter().filter(fits).reduce(|best, other| if says(other) > says(best) { other } else { best })
    }

    /// What is assumed of a kind of device.
    pub fn assumed(&self, category: Category) -> Option<&Assumed> {
        self.categories.iter().find(|assumed| assumed.category == category)
    }
}

impl Model {
    /// Refuses what cannot be meant: a pattern in place of a maker, a weight in another unit than grams.
    pub fn check(&self, others: &Catalogue) -> Result<(), Refusal> {
        let wrong = |why: String| Err(Refusal::new("catalogue.row", why));
        if self.manufacturer.contains('*') {
            return wrong(format!("manufacturer is a maker's whole name, and {} has a *; only a model may have one.", self.manufacturer));
        }
        if self.model.contains("**") {
            return wrong(format!("model: two * behind one another stand for no more than one in “{}”; leave one of them out.", self.model));
        }
        let usual = others.assumed(self.category).and_then(|kind| kind.weight_grams);
        if let (Some(grams), Some(usual)) = (self.weight_grams, usual)
            && grams < usual / FAR_LIGHTER
        {
            return wrong(format!(
                "weight_grams is {grams}, and this kind of device ({}) weighs about {usual} g: give grams, not pounds, ounces or kilograms.",
                self.category.label()
            ));
        }
        Ok(())
    }
}

/// How much lighter than others of its kind nothing is: an ounce has 28 g.
const FAR_LIGHTER: u32 = 20;

/// Whether a text fits a pattern in which `*` stands for any text; the case does not matter.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for piece in pieces {
        let Some((_, behind)) = rest.split_once(piece).filter(|_| !piece.is_empty()).or(piece.is_empty().then_some(("", rest))) else { return false };
        last = Some(piece);
        rest = behind;
    }
    match last {
        None => rest.is_empty(),
        Some(piece) => piece.is_empty() || text.ends_with(piece),
    }
}

/// Records the media that the catalogue expects in a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectMedia {
    /// The device.
    pub asset: AssetId,
}

/// Says that an expected medium is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmMedium {
    /// The medium.
    pub medium: MediumId,
    /// `seen` in the device or by a tool, or `attested` from what is known of it.
    pub basis: Seen,
    /// Its own serial number; soldered storage has none.
    pub serial: Option<Serial>,
    /// What kind it is, where that was not known or is another one.
    pub media_type: Option<MediaType>,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
}

/// `media.seen`: an expected medium is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumSeenAs {
    /// Seen or attested.
    pub basis: Seen,
    /// Its own serial number.
    pub serial: Option<Serial>,
    /// What kind it is, where that was not known or is another one.
    pub media_type: Option<MediaType>,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
}

impl Order for ExpectMedia {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Administrator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        if matches!(asset.status, Status::Disposed | Status::Missing) {
            return Err(Refusal::new("registration.gone", format!("{} is {}; nobody can look into it now.", asset.tag, asset.status.label())).into());
        }
        if let Some(seq) = asset.no_storage {
            let why = format!("{} is attested to have no storage (entry {seq}); that has to be corrected first.", asset.tag);
            return Err(Refusal::new("registration.no_storage_attested", why).because(Cause::Entry(seq)).into());
        }
        if !asset.media.is_empty() {
            return Err(Refusal::new("catalogue.has_media", format!("The media of {} are recorded already; confirm those.", asset.tag)).into());
        }
        let Some(model) = occasion.catalogue.model(asset.manufacturer.as_str(), asset.model.as_str()) else {
            let why = format!("The catalogue does not know {}: record its media, or add the model (`quittance catalogue import`).", asset.title());
            return Err(Refusal::new("catalogue.unknown_model", why).into());
        };
        if model.media.is_empty() {
            let why = format!("By the catalogue {} stores nothing: attest that, with the basis model_has_none.", asset.title());
            return Err(Refusal::new("catalogue.expects_none", why).into());
        }
        if asset.serial.is_none() && model.media.iter().any(|medium| medium.embedded) {
            let why = format!("Storage without a serial number is identified by its device's, and {} has none recorded.", asset.tag);
            return Err(Refusal::new("registration.no_identity", why).into());
        }
        Ok(expected_in(&asset.id, model, occasion))
    }
}

/// The media that are expected in a device of this model, to be seen or attested.
pub(super) fn expected_in(asset: &AssetId, model: &Model, occasion: &Occasion) -> Vec<Happening> {
    let recorded = (1u32..).zip(&model.media).map(|(n, medium)| {
        let event = MediumRecorded {
            host: Some(asset.clone()),
            holder: None,
            sensitivity: None,
            identified_by: if medium.embedded { IdentifiedBy::HostSerial } else { IdentifiedBy::OwnSerial },
            serial: None,
            media_type: medium.media_type,
            capacity_bytes: None,
            seen: Some(Seen::Expected),
            catalogue: Some(occasion.catalogue.reference()),
        };
        Happening::new(event, [Subject::new(SubjectKind::Medium, MediumId::from_uuid(occasion.fresh(n)).as_str())])
    });
    recorded.collect()
}

impl Order for ConfirmMedium {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let medium = medium::require(known, &self.medium)?;
        match medium.host_of(known)? {
            Some(host) if occasion.actor.role.is_vendor() && !host.concerns(&occasion.actor.party) => {
                return Err(medium::unknown(&self.medium).into());
            }
            Some(host) => occasion.may_touch(host)?,
            None => occasion.may_touch_loose(medium)?,
        }
        medium.require_real()?;
        if medium.seen != Seen::Expected {
            let why = format!("{} is {} already.", medium.title(), medium.seen.label());
            return Err(Refusal::new("catalogue.not_expected", why).because(Cause::Entry(medium.last_seq)).into());
        }
        if self.basis == Seen::Expected {
            return Err(Refusal::new("catalogue.basis", "State as basis whether it was seen or is attested.").into());
        }
        match (medium.identified_by, &self.serial) {
            (IdentifiedBy::OwnSerial, None) => {
                let why = format!("Give the serial number of {}: without it nobody can tell it from others.", medium.title());
                return Err(Refusal::new("catalogue.no_serial", why).into());
            }
            (IdentifiedBy::HostSerial, Some(_)) => {
                let why = format!("{} is soldered in and identified by its device's serial number; leave the serial out.", medium.title());
                return Err(Refusal::new("catalogue.embedded", why).into());
            }
            _ => {}
        }
        if let Some(serial) = &self.serial
            && let Some(owner) = known.owner(&Medium::serial_key(serial))?
        {
            let why = format!("A medium with the serial {serial} is recorded already; look it up or read the label again.");
            return Err(Refusal::new("registration.medium_exists", why).because(Cause::First(owner.to_owned())).into());
        }
        super::registration::require_capacity(self.capacity_bytes)?;
        let event = MediumSeenAs {
            basis: self.basis,
            serial: self.serial.clone(),
            media_type: self.media_type.filter(|kind| *kind != medium.media_type),
            capacity_bytes: self.capacity_bytes,
        };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Medium, medium.id.as_str())])])
    }
}

impl Fact for MediumSeenAs {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        known.change::<Medium>(&id, stamp.seq, |medium| {
            medium.seen = self.basis;
            medium.media_type = self.media_type.unwrap_or(medium.media_type);
            medium.capacity_bytes = self.capacity_bytes.or(medium.capacity_bytes);
            medium.serial = self.serial.clone().or(medium.serial.take());
        });
    }
    fn sentence(&self) -> String {
        let serial = self.serial.as_ref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
        let kind = self.media_type.map(|kind| format!(", {}", kind.label())).unwrap_or_default();
        format!("Expected medium {}{kind}{serial}.", self.basis.label())
    }
}

/// What the catalogue knows of a device: its model's entry, else what is assumed of its kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knowledge {
    /// Which catalogue.
    pub catalogue: CatalogueRef,
    /// The pattern of the model; none where only the kind of device is known.
    pub model: Option<String>,
    /// The media that are expected.
    pub media: Vec<ExpectedMedium>,
    /// It stores nothing.
    pub no_storage: bool,
    /// Weight of one, in grams.
    pub weight_grams: Option<u32>,
    /// Where the weight comes from.
    pub weight_basis: Option<WeightBasis>,
    /// Whose figure it is.
    pub weight_source: Option<String>,
    /// How confidential what is on one usually is.
    pub sensitivity: Option<Sensitivity>,
}

impl Catalogue {
    /// What is known of such a device; a model without a weight takes that of its kind.
    pub fn knowledge(&self, manufacturer: &Name, model: &Name, category: Category) -> Knowledge {
        let found = self.model(manufacturer.as_str(), model.as_str());
        let assumed = self.assumed(found.map_or(category, |model| model.category));
        let weighed = found.filter(|model| model.weight_grams.is_some());
        Knowledge {
            catalogue: self.reference(),
            model: found.map(|model| model.model.clone()),
            media: found.map(|model| model.media.clone()).unwrap_or_default(),
            no_storage: found.is_some_and(|model| model.no_storage),
            weight_grams: weighed.map_or_else(|| assumed.and_then(|kind| kind.weight_grams), |model| model.weight_grams),
            weight_basis: weighed.map_or_else(|| assumed.and_then(|kind| kind.weight_basis), |model| model.weight_basis),
            weight_source: weighed.map_or_else(|| assumed.and_then(|kind| kind.weight_source.clone()), |model| model.weight_source.clone()),
            sensitivity: found.map(|model| model.sensitivity).or(assumed.map(|kind| kind.sensitivity)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::story::{DISTRICT, Story, actor};
    use super::*;

    fn shipped() -> Catalogue {
        Catalogue::parse(SHIPPED).unwrap()
    }

    #[test]
    fn patterns_fit_from_beginning_to_end() {
        for (pattern, text, expected) in [
            ("iPad*", "ipad (9th generation)", true),
            ("*", "", true),
            ("Chromebook 11", "Chromebook 11", true),
            ("Chromebook 11", "Chromebook 11 G8", false),
            ("100e*Chromebook*", "100e Gen 2 Chromebook", true),
            ("*Cart*", "Charging Cart 30", true),
            ("a*b", "axbxb", true),
            ("a*b", "axbx", false),
            ("Fortis 11*Chromebook", "Fortis 11 G9 Chromebook", true),
            ("b*", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_shipped_catalogue_is_whole() {
        let catalogue = shipped();
        assert!(catalogue.models.len() > 150, "{}", catalogue.models.len());
        for category in Category::ALL {
            assert!(catalogue.assumed(*category).is_some(), "{category}");
        }
        for model in &catalogue.models {
            let name = format!("{} {}", model.manufacturer, model.model);
            assert_eq!(model.media.is_empty(), model.no_storage, "{name}: either media or none");
            assert!(model.media.iter().filter(|medium| medium.embedded).count() <= 1, "{name}: only one medium can have the device's serial");
            assert_eq!(model.weight_grams.is_some(), model.weight_basis.is_some() && model.weight_source.is_some(), "{name}");
            assert!(matches!(model.weight_basis, None | Some(WeightBasis::Spec | WeightBasis::Default)), "{name}");
            assert_eq!(model.check(&catalogue), Ok(()), "{name}");
            let twice = catalogue.models.iter().filter(|other| (&other.manufacturer, &other.model) == (&model.manufacturer, &model.model)).count();
            assert_eq!(twice, 1, "{name} is there twice");
        }
        let of = |manufacturer: &str, model: &str| catalogue.model(manufacturer, model).unwrap();
        assert_eq!(of("dell", "CHROMEBOOK 3100 2-in-1").category, Category::Chromebook);
        assert_eq!(of("Apple", "iPad (9th generation) Wi-Fi").weight_grams, Some(487));
        assert_eq!(of("Lenovo", "300e Chromebook 2nd Gen").category, Category::Chromebook);
        assert_eq!(of("Lenovo", "300e Winbook").category, Category::Laptop);
        assert!(of("Kajeet", "SmartSpot 5").media.iter().any(|medium| medium.media_type == MediaType::Sim));
        assert!(catalogue.model("Nobody", "Thing").is_none());
    }

    #[test]
    fn an_own_model_wins_and_is_named_in_the_version() {
        let mut own = shipped().model("Dell", "Chromebook 3100").unwrap().clone();
        own.weight_grams = Some(1_290);
        let grown = shipped().grown(vec![own], "abc123");
        assert_eq!((grown.version.as_str(), grown.model("Dell", "Chromebook 3100").unwrap().weight_grams), ("1+abc123", Some(1_290)));
        assert_eq!(shipped().grown(Vec::new(), "abc123").version, "1");
    }

    #[test]
    fn an_expected_medium_counts_only_when_it_is_seen_or_attested() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let device = |story: &mut Story, tag: &str, manufacturer: &str, model: &str| {
            let body =
                json!({"tag": tag, "serial": format!("S{tag}"), "category": "other", "manufacturer": manufacturer, "model": model, "site": "Site"});
            story.done(&coordinator, "register_asset", body)[0].1.clone()
        };
        let chromebook = device(&mut story, "A1", "Dell", "Chromebook 3100");
        let medium_of = |story: &Story, device: &str| story.asset(device).media[0].to_string();
        let expected = medium_of(&story, &chromebook);
        story.refused(&coordinator, "expect_media", json!({"asset": chromebook}), "catalogue.has_media");
        story.done(&coordinator, "retire", json!({"asset": chromebook, "reason": "surplus"}));
        story.prepare(&chromebook);
        let melt = json!({"medium": expected, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        story.refused(&coordinator, "record_sanitization", melt.clone(), "sanitization.only_expected");
        let confirm = |medium: &str, basis: &str| json!({"medium": medium, "basis": basis});
        story.refused(&coordinator, "confirm_medium", confirm(&expected, "expected"), "catalogue.basis");
        let mut with_serial = confirm(&expected, "seen");
        with_serial["serial"] = json!("XYZ1234");
        story.refused(&coordinator, "confirm_medium", with_serial, "catalogue.embedded");
        story.done(&coordinator, "confirm_medium", confirm(&expected, "attested"));
        story.refused(&coordinator, "confirm_medium", confirm(&expected, "seen"), "catalogue.not_expected");
        story.done(&coordinator, "record_sanitization", melt);

        // What has a serial number of its own is told by it.
        let laptop = device(&mut story, "A2", "Lenovo", "ThinkPad L14");
        let drive = medium_of(&story, &laptop);
        let found = json!({"asset": laptop, "media": [{"serial": "DRV1", "media_type": "ssd_nvme"}]});
        story.refused(&coordinator, "record_media", found, "registration.expected");
        story.refused(&coordinator, "confirm_medium", confirm(&drive, "attested"), "catalogue.no_serial");
        let mut seen = confirm(&drive, "seen");
        seen["serial"] = json!("DRV1");
        seen["media_type"] = json!("ssd_nvme");
        story.done(&coordinator, "confirm_medium", seen);
        let drive = story.known().find::<Medium>(&MediumId::parse(&drive).unwrap()).unwrap().unwrap();
        assert_eq!((drive.seen, drive.media_type, drive.serial.as_ref().unwrap().as_str()), (Seen::Seen, MediaType::SsdNvme, "DRV1"));

        // What stores nothing goes out under an attestation; what stores something by its model does not.
        let dock = device(&mut story, "A3", "Dell", "WD19S");
        story.refused(&coordinator, "expect_media", json!({"asset": dock}), "catalogue.expects_none");
        story.done(&coordinator, "attest_no_storage", json!({"asset": dock, "basis": "model_has_none"}));
        let hotspot = device(&mut story, "A4", "Kajeet", "SmartSpot 5");
        assert_eq!(story.asset(&hotspot).media.len(), 2);
        story.refused(&coordinator, "attest_no_storage", json!({"asset": hotspot, "basis": "model_has_none"}), "registration.has_media");
        // Whose expected media turned out not to be there.
        for medium in story.asset(&hotspot).media.clone() {
            story.done(&actor(Role::Approver, DISTRICT, 1), "withdraw_medium", json!({"medium": medium, "reason": "disproved"}));
        }
        story.refused(&coordinator, "attest_no_storage", json!({"asset": hotspot, "basis": "model_has_none"}), "registration.model_has_storage");
        assert_eq!(story.done(&coordinator, "expect_media", json!({"asset": hotspot})).len(), 2);
        let thing = device(&mut story, "A5", "Nobody", "Thing");
        story.refused(&coordinator, "expect_media", json!({"asset": thing}), "catalogue.unknown_model");
    }

    #[test]
    fn a_registration_takes_from_the_catalogue_what_nobody_gives() {
        use super::super::registration::Weight;
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let mut registered = |tag: &str, model: &str, more: serde_json::Value| {
            let mut body =
                json!({"tag": tag, "serial": format!("S{tag}"), "category": "tablet", "manufacturer": "apple", "model": model, "site": "Site"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let about = story.done(&coordinator, "register_asset", body);
            story.asset(&about[0].1).clone()
        };
        let tablet = "iPad (9th generation)";
        let known = registered("A1", tablet, json!({}));
        assert_eq!(known.weight, Some(Weight { grams: 487, basis: WeightBasis::Spec }));
        assert_eq!((known.sensitivity, known.media.len()), (Sensitivity::Moderate, 1));
        let weighed =
            registered("A2", tablet, json!({"weight_grams": 501, "sensitivity": "low", "media": [{"media_type": "emmc", "capacity_bytes": 64}]}));
        assert_eq!(weighed.weight, Some(Weight { grams: 501, basis: WeightBasis::Scale }));
        assert_eq!((weighed.sensitivity, weighed.media.len()), (Sensitivity::Low, 1));
        let said = registered("A3", tablet, json!({"sensitivity": "unknown"}));
        assert_eq!((said.sensitivity, said.media.len()), (Sensitivity::Unknown, 1), "unknown is an answer");
        // Nobody could tell its storage from others'.
        assert_eq!(registered("A4", tablet, json!({"serial": null})).media.len(), 0);
        let other = registered("A5", "Newton", json!({}));
        assert_eq!((other.weight, other.sensitivity, other.media.len()), (None, Sensitivity::Unknown, 0));
        for wrong in [json!({"weight_grams": 0}), json!({"weight_grams": 2_000_001}), json!({"weight_basis": "scale"})] {
            let mut body = json!({"tag": "A6", "category": "tablet", "manufacturer": "Apple", "model": tablet, "site": "Site"});
            body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            story.refused(&coordinator, "register_asset", body, "registration.weight");
        }
    }
}
