//! Parsed types: ids, tags, serials, codes and instants. Raw text never passes the door; what has one of these types has been checked.

use chrono::{DateTime, Datelike, SubsecRound, Timelike, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

use super::refusal::Refusal;

/// `1 line`, `2 lines`.
pub fn number_of<N: fmt::Display + PartialEq + From<u8>>(number: N, one: &str, more: &str) -> String {
    let thing = if number == N::from(1) { one } else { more };
    format!("{number} {thing}")
}

/// Text as it may be kept: NFC, trimmed, no control characters, 1 to `max` characters.
pub fn clean(what: &'static str, text: &str, max: usize) -> Result<String, Refusal> {
    let text = text.trim();
    // ASCII has one form only, and every text of every record that is read comes through here.
    let text: String = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
    if text.is_empty() {
        return Err(Refusal::new("names.empty", format!("The {what} is empty; give it a value.")));
    }
    if text.chars().any(|c| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)) {
        return Err(Refusal::new("names.control_character", format!("The {what} holds control characters; type it again without them.")));
    }
    if text.chars().count() > max {
        return Err(Refusal::new("names.too_long", format!("The {what} is longer than {max} characters; shorten it.")));
    }
    Ok(text)
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);
        impl $name {
            /// Checks and normalises (NFC, trimmed, no control characters).
            pub fn parse(text: &str) -> Result<Self, Refusal> {
                clean($what, text, $max).map(Self)
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// A name of an organisation, a site, a maker or a model: 1 to 120 characters. Never a private person's name.
    Name, "name", 120
);
text_type!(
    /// A tag that the organisation put on a device (NIST: *property number*): 1 to 64 characters, as captured.
    Tag, "asset tag", 64
);
text_type!(
    /// The organisation's own reference: a purchase order, a board resolution, a seal or container number; 1 to 64 characters.
    Reference, "reference", 64
);

text_type!(
    /// A grade that a processor gives a device, by its own scale or R2's (C1 to C9, F1 to F6): 1 to 12 characters.
    Grade, "grade", 12
);

impl Tag {
    /// The form tags are compared in: upper case, without white space.
    pub fn normal(&self) -> String {
        normal_tag(&self.0)
    }
}

/// A maker's serial number, kept as captured and compared in its normal form: upper case, without white space and the
/// separators `- _ . /`. Placeholders that makers leave in firmware are not serials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

/// What firmware and tools print where no serial was set (normal form).
const PLACEHOLDERS: &[&str] = &[
    "TOBEFILLEDBYOEM",
    "UNKNOWN",
    "NONE",
    "NA",
    "N/A",
    "NOTAPPLICABLE",
    "NOTAPPLICABLE(BN)",
    "NOTAVAILABLE",
    "NOTSPECIFIED",
    "DEFAULTSTRING",
    "SYSTEMSERIALNUMBER",
    "OEM",
    "INVALID",
];

impl Serial {
    /// Checks that the text can be a serial: 2 to 64 characters, something besides one repeated character, no placeholder.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = clean("serial number", text, 64)?;
        let normal = normal_serial(&text);
        let mut characters = normal.chars();
        let first = characters.next();
        if normal.len() < 2 || characters.all(|c| Some(c) == first) || PLACEHOLDERS.contains(&normal.as_str()) || normal.contains("??") {
            return Err(Refusal::new(
                "names.not_a_serial",
                format!("“{text}” is a placeholder or a masked value, not a serial number; read it from the label or leave it out."),
            ));
        }
        Ok(Self(text))
    }
    /// As captured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The form serials are compared in.
    pub fn normal(&self) -> String {
        normal_serial(&self.0)
    }
    /// Whether both name the same thing.
    pub fn same(&self, other: &Serial) -> bool {
        self.normal() == other.normal()
    }
}

/// What somebody looks for among tags and serial numbers: 1 to 64 characters, in the forms that these are compared in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// As typed.
    pub text: String,
    /// As a tag is compared.
    pub tag: String,
    /// As a serial number is compared; empty where nothing but separators was typed.
    pub serial: String,
}

impl Sought {
    /// Checks and normalises.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = clean("search term", text, 64)?;
        Ok(Self { tag: normal_tag(&text), serial: normal_serial(&text), text })
    }
}

fn normal_tag(text: &str) -> String {
    upper(text, |c| !c.is_whitespace())
}

fn normal_serial(text: &str) -> String {
    upper(text, |c| !c.is_whitespace() && !matches!(c, '-' | '_' | '.' | '/'))
}

/// The characters to keep, in upper case.
fn upper(text: &str, keep: impl Fn(char) -> bool) -> String {
    let kept = text.chars().filter(|c| keep(*c));
    let mut upper = String::with_capacity(text.len());
    if text.is_ascii() {
        upper.extend(kept.map(|c| c.to_ascii_uppercase()))
    } else {
        upper.extend(kept.flat_map(char::to_uppercase))
    }
    upper
}

/// Whether the text is a UUID as it is written here: lower-case, with hyphens.
fn is_uuid(text: &str) -> bool {
    let hexadecimal = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 36 && text.bytes().enumerate().all(|(n, b)| if matches!(n, 8 | 13 | 18 | 23) { b == b'-' } else { hexadecimal(b) })
}

impl TryFrom<String> for Serial {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<Serial> for String {
    fn from(serial: Serial) -> String {
        serial.0
    }
}
impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);
        impl $name {
            /// Accepts `urn:uuid:` and a lower-case UUID, nothing else.
            pub fn parse(text: &str) -> Result<Self, Refusal> {
                if text.strip_prefix("urn:uuid:").is_some_and(is_uuid) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Refusal::new("names.not_an_id", format!("“{}” is not an id; write urn:uuid: and the 36 characters behind it.", text.chars().take(60).collect::<String>())))
                }
            }
            /// From a fresh UUID.
            pub fn from_uuid(id: uuid::Uuid) -> Self {
                Self(format!("urn:uuid:{}", id.hyphenated()))
            }
            /// `urn:uuid:…`
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type!(
    /// A device.
    AssetId
);
id_type!(
    /// A storage medium.
    MediumId
);
id_type!(
    /// An organisation: the accountable one, a vendor, a carrier.
    PartyId
);
id_type!(
    /// A person of the directory; the ledger holds this id and never a name.
    PersonId
);
id_type!(
    /// What travels together from one party to another.
    ConsignmentId
);
id_type!(
    /// A machine that sanitizes: a shredder, a degausser.
    MachineId
);
id_type!(
    /// A number of like things that are listed together on a consignment.
    QuantityId
);
id_type!(
    /// A short, over or mismatch found at a receipt.
    DiscrepancyId
);

/// SHA-256 of stored bytes, 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Accepts exactly 64 of `0-9a-f`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::new("names.not_a_digest", "A SHA-256 is 64 lower-case hexadecimal digits; copy it again.".to_owned()))
        }
    }
    /// From the 32 bytes of a SHA-256.
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for Digest {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends a number in decimal, from the digit that counts `unit` on.
fn digits(text: &mut String, number: u32, unit: u32) {
    let mut unit = unit;
    while unit > 0 {
        text.push(char::from_digit(number / unit % 10, 10).unwrap_or('0'));
        unit /= 10;
    }
}

/// A point in time, UTC, to the millisecond; written `2026-11-23T10:31:02.009Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// Cut to milliseconds. A leap second is the first of the next minute: the log's clock has none.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or_else(|| at.trunc_subsecs(3)))
    }
    /// Accepts RFC 3339 with a zone, between the years 1990 and 2200.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| {
            Refusal::new("names.not_a_time", format!("“{}” is not a time; write 2026-11-23T10:31:02Z.", text.chars().take(40).collect::<String>()))
        })?;
        let at = Self::new(at.with_timezone(&Utc));
        if (631_152_000_000..7_258_118_400_000).contains(&at.unix_ms()) {
            Ok(at)
        } else {
            Err(Refusal::new(
                "names.absurd_time",
                format!("The time {} lies outside the years 1990 to 2199; correct it.", text.chars().take(40).collect::<String>()),
            ))
        }
    }
    /// Milliseconds since 1970.
    pub fn unix_ms(self) -> i64 {
        self.0.timestamp_millis()
    }
    /// The instant so many milliseconds after 1970.
    pub fn from_unix_ms(ms: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(ms).map(Self)
    }
    /// `2026-11-23T10:31:02.009Z`
    pub fn text(self) -> String {
        let mut text = self.seconds();
        text.push('.');
        digits(&mut text, self.0.timestamp_subsec_millis(), 100);
        text.push('Z');
        text
    }
    /// `2026-11-23T10:31:02Z`, as credentials write it.
    pub fn whole_seconds(self) -> String {
        let mut text = self.seconds();
        text.push('Z');
        text
    }
    /// Written out because every record and entry holds several: chrono reads its pattern anew each time.
    fn seconds(self) -> String {
        let at = self.0.naive_utc();
        let mut text = String::with_capacity(24);
        digits(&mut text, at.year().unsigned_abs(), 1_000);
        for (before, number) in [('-', at.month()), ('-', at.day()), ('T', at.hour()), (':', at.minute()), (':', at.second())] {
            text.push(before);
            digits(&mut text, number, 10);
        }
        text
    }
    /// The chrono value.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}
impl TryFrom<String> for Instant {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<Instant> for String {
    fn from(at: Instant) -> String {
        at.text()
    }
}
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// An enumeration whose wire word, words for people and list of values stand in one place.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[doc = $label] #[serde(rename = $code)] $variant,)+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str { match self { $($name::$variant => $code,)+ } }
            /// The words people read.
            pub const fn label(self) -> &'static str { match self { $($name::$variant => $label,)+ } }
            /// Reads the word on the wire; the refusal lists what is allowed.
            pub fn parse(text: &str) -> Result<Self, $crate::domain::refusal::Refusal> {
                match text {
                    $($code => Ok($name::$variant),)+
                    _ => Err($crate::domain::refusal::Refusal::new("names.unknown_code", format!(
                        "“{}” is not one of these; choose: {}.", text.chars().take(60).collect::<String>(), [$($code),+].join(", ")))),
                }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use codes;

codes! {
    /// What kind of storage a medium is (`unknown` where nobody has looked).
    MediaType {
        HddAta = "hdd_ata", "hard disk (ATA)";
        HddScsi = "hdd_scsi", "hard disk (SCSI or SAS)";
        SshdHybrid = "sshd_hybrid", "hybrid disk (SSHD)";
        SsdSata = "ssd_sata", "SSD (SATA)";
        SsdSas = "ssd_sas", "SSD (SAS)";
        SsdNvme = "ssd_nvme", "SSD (NVMe)";
        Emmc = "emmc", "soldered flash (eMMC)";
        Ufs = "ufs", "soldered flash (UFS)";
        SolderedFlash = "soldered_flash", "soldered flash";
        MemoryCard = "memory_card", "memory card";
        UsbFlash = "usb_flash", "USB flash drive";
        Sim = "sim", "SIM card";
        Tape = "tape", "magnetic tape";
        Floppy = "floppy", "floppy disk";
        Optical = "optical", "optical disc";
        NvramNetwork = "nvram_network", "memory of network equipment";
        MfpEmbedded = "mfp_embedded", "memory built into a printer or copier";
        VolatileRam = "volatile_ram", "volatile memory";
        Unknown = "unknown", "unknown storage";
    }
}
impl MediaType {
    /// Whether it keeps its data in flash alone; `None` where it may be either, or both.
    pub const fn is_flash(self) -> Option<bool> {
        use MediaType::*;
        match self {
            HddAta | HddScsi | Tape | Floppy | Optical | VolatileRam => Some(false),
            SsdSata | SsdSas | SsdNvme | Emmc | Ufs | SolderedFlash | MemoryCard | UsbFlash | Sim => Some(true),
            SshdHybrid | NvramNetwork | MfpEmbedded | Unknown => None,
        }
    }
    /// Whether it is a part of its device that has no serial number of its own, and is told from others by the device's.
    pub const fn is_soldered(self) -> bool {
        matches!(
            self,
            MediaType::Emmc | MediaType::Ufs | MediaType::SolderedFlash | MediaType::NvramNetwork | MediaType::MfpEmbedded | MediaType::VolatileRam
        )
    }
}

codes! {
    /// How a medium is told from others.
    IdentifiedBy {
        OwnSerial = "own_serial", "its own serial number";
        HostSerial = "host_serial", "embedded, identified by the device's serial number";
    }
}

codes! {
    /// NIST SP 800-88r2 methods, weakest first; `none` is below all of them.
    Method {
        None = "none", "none";
        Clear = "clear", "clear";
        Purge = "purge", "purge";
        Destroy = "destroy", "destroy";
    }
}

codes! {
    /// Techniques (NIST SP 800-88r2 §3.1; command names after ATA, SCSI, NVMe, TCG and JEDEC).
    Technique {
        HostOverwrite = "host_overwrite", "overwrite by the host";
        AtaSecureErase = "ata_secure_erase", "ATA Security Erase";
        AtaSecureEraseEnhanced = "ata_secure_erase_enhanced", "ATA Security Erase, enhanced";
        AtaSanitizeOverwrite = "ata_sanitize_overwrite", "ATA Sanitize: overwrite";
        AtaSanitizeBlock = "ata_sanitize_block", "ATA Sanitize: block erase";
        AtaSanitizeCrypto = "ata_sanitize_crypto", "ATA Sanitize: cryptographic erase";
        ScsiSanitizeOverwrite = "scsi_sanitize_overwrite", "SCSI Sanitize: overwrite";
        ScsiSanitizeBlock = "scsi_sanitize_block", "SCSI Sanitize: block erase";
        ScsiSanitizeCrypto = "scsi_sanitize_crypto", "SCSI Sanitize: cryptographic erase";
        TcgRevert = "tcg_revert", "TCG revert (cryptographic erase)";
        PsidRevert = "psid_revert", "TCG revert with the PSID of the label (cryptographic erase)";
        NvmeWriteZeroes = "nvme_write_zeroes", "NVMe Write Zeroes";
        NvmeSanitizeOverwrite = "nvme_sanitize_overwrite", "NVMe Sanitize: overwrite";
        NvmeSanitizeBlock = "nvme_sanitize_block", "NVMe Sanitize: block erase";
        NvmeSanitizeCrypto = "nvme_sanitize_crypto", "NVMe Sanitize: cryptographic erase";
        NvmeFormat = "nvme_format", "NVMe Format, user data erase";
        NvmeFormatCrypto = "nvme_format_crypto", "NVMe Format, cryptographic erase";
        EmmcSecureErase = "emmc_secure_erase", "eMMC Secure Erase";
        EmmcSanitize = "emmc_sanitize", "eMMC Sanitize";
        UfsPurge = "ufs_purge", "UFS Purge";
        VendorPurge = "vendor_purge", "the maker's own purge command";
        KeyDeletion = "key_deletion", "deletion of the keys of encrypted tapes (cryptographic erase)";
        FactoryReset = "factory_reset", "factory reset";
        PowerwashTpmClear = "powerwash_tpm_clear", "ChromeOS powerwash with TPM clear";
        EraseAllContent = "erase_all_content", "Erase All Content and Settings";
        PowerRemoval = "power_removal", "removal of power";
        Degauss = "degauss", "degauss";
        Shred = "shred", "shred";
        Pulverize = "pulverize", "pulverize";
        Disintegrate = "disintegrate", "disintegrate";
        Melt = "melt", "melt";
        Incinerate = "incinerate", "incinerate";
        Grind = "grind", "grind off the information layer";
        Damage = "damage", "bend, cut, drill or crush (damage only)";
        Unknown = "unknown", "unknown technique";
    }
}

impl Technique {
    /// A machine acts on the medium, whether that works or not.
    pub const fn is_physical(self) -> bool {
        matches!(
            self,
            Technique::Degauss
                | Technique::Shred
                | Technique::Pulverize
                | Technique::Disintegrate
                | Technique::Melt
                | Technique::Incinerate
                | Technique::Grind
                | Technique::Damage
        )
    }
    /// The medium, or the device that it is in, carries it out itself: what does not power on cannot (itad §2.2, P-5).
    pub const fn is_logical(self) -> bool {
        !self.is_physical() && !matches!(self, Technique::PowerRemoval | Technique::KeyDeletion | Technique::Unknown)
    }
}

codes! {
    /// How confidential what was on a device is (FIPS 199); `unknown` is treated as high.
    Sensitivity {
        Low = "low", "low";
        Moderate = "moderate", "moderate";
        High = "high", "high";
        Unknown = "unknown", "unknown (treated as high)";
    }
}

codes! {
    /// What a device is.
    Category {
        Laptop = "laptop", "laptop";
        Chromebook = "chromebook", "Chromebook";
        Desktop = "desktop", "desktop";
        Tablet = "tablet", "tablet";
        Server = "server", "server";
        Monitor = "monitor", "monitor";
        Printer = "printer", "printer";
        Projector = "projector", "projector";
        InteractiveDisplay = "interactive_display", "interactive display";
        NetworkEquipment = "network_equipment", "network equipment";
        Phone = "phone", "phone";
        Dock = "dock", "dock";
        Other = "other", "other equipment";
    }
}

impl Category {
    /// Whether no device of this kind keeps what its users do, whatever the model.
    pub const fn stores_nothing(self) -> bool {
        matches!(self, Category::Monitor | Category::Dock)
    }
}

codes! {
    /// Where a weight comes from.
    WeightBasis {
        Scale = "scale", "weighed";
        Lot = "lot", "share of a weighed lot";
        Spec = "spec", "maker's specification";
        Default = "default", "default for the kind of device";
    }
}

codes! {
    /// The roles; the first eight sign in, `service` is what the service does by itself.
    Role {
        Coordinator = "coordinator", "disposal coordinator";
        Approver = "approver", "approver";
        VendorOperator = "vendor_operator", "vendor operator";
        VendorVerifier = "vendor_verifier", "vendor verifier";
        Auditor = "auditor", "auditor";
        Reports = "reports", "sustainability officer";
        Administrator = "administrator", "administrator";
        SchoolContact = "school_contact", "school contact";
        Service = "service", "the service itself";
    }
}
codes! {
    /// How whoever acts was signed in.
    SignedIn {
        Token = "token", "with an API token";
        Password = "password", "with a password";
        PasswordTotp = "password+totp", "with password and code";
        PasswordRecovery = "password+recovery", "with password and a recovery code";
        Oidc = "oidc", "through another sign-in that knows them";
        Link = "link", "through a one-time link";
    }
}
impl Role {
    /// Works for a vendor and sees only what that vendor holds or held.
    pub const fn is_vendor(self) -> bool {
        matches!(self, Role::VendorOperator | Role::VendorVerifier)
    }
    /// Sees only a part of the record: a vendor's people what concerns their company, a school contact what concerns the own site.
    pub const fn is_narrowed(self) -> bool {
        self.is_vendor() || matches!(self, Role::SchoolContact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_compare_without_separators_and_case() {
        let a = Serial::parse(" wd-wx00a0000001 ").unwrap();
        assert_eq!(a.as_str(), "wd-wx00a0000001");
        assert!(a.same(&Serial::parse("WDWX00A0000001").unwrap()));
    }

    #[test]
    fn placeholders_are_not_serials() {
        for text in ["To be filled by O.E.M.", "Unknown", "XXXXXXXX", "???????", "N/A", "000000", "", "Default string", "a"] {
            assert!(Serial::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_nfc_and_without_control_characters() {
        assert_eq!(Name::parse("Cafe\u{301}").unwrap().as_str(), "Caf\u{e9}");
        assert!(Name::parse("a\u{0}b").is_err());
        assert!(Name::parse("a\u{202e}b").is_err());
        assert!(Name::parse(&"x".repeat(121)).is_err());
    }

    #[test]
    fn ids_and_digests_have_one_spelling() {
        assert!(AssetId::parse("urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01").is_ok());
        assert!(AssetId::parse("urn:uuid:0B7C3A52-41F6-4B1C-8B6E-0F4F6F7F1A01").is_err());
        assert!(AssetId::parse("0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01").is_err());
        assert!(Digest::parse(&"A".repeat(64)).is_err());
    }

    #[test]
    fn instants_keep_milliseconds_and_refuse_absurd_years() {
        assert_eq!(Instant::parse("2026-11-23T11:31:02.0094+01:00").unwrap().text(), "2026-11-23T10:31:02.009Z");
        assert_eq!(Instant::parse("2016-12-31T23:59:60.5Z").unwrap().text(), "2017-01-01T00:00:00.500Z");
        assert!(Instant::parse("0001-01-01T00:00:00Z").is_err());
        assert!(Instant::parse("2026-11-23").is_err());
    }
}
