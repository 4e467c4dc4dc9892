//! Rules that compare the technique with the medium and with what is claimed for it.

use super::super::reading::short;
use super::{Across, Case, MediaKind, MediaType, Method, Said, Technique, capitalised, said};

const ASK_FOR_COMMAND: &str =
    "Ask the vendor for the report of a sanitize command (block erase or cryptographic erase) on this medium, or for one that claims Clear.";

pub(super) fn overwrite_of_flash_as_purge(case: &Case, across: &Across) -> Option<Said> {
    if !(case.is_overwrite() && case.is_flash()? && case.claims(Method::Purge)) || across.has_stronger(case) {
        return None;
    }
    said(
        format!(
            "The report says that the host overwrote {} and claims {}; an overwrite does not reach the spare cells of flash and is Clear at most (NIST SP 800-88r2 §3.1.1).",
            framed(&case.which()),
            case.claim()
        ),
        ASK_FOR_COMMAND,
    )
}

/// Milder than on flash: on a magnetic disk the host reaches all but the sectors that the disk has given up.
pub(super) fn host_overwrite_as_purge(case: &Case, across: &Across) -> Option<Said> {
    if !case.is_overwrite() || case.is_flash() == Some(true) || !case.claims(Method::Purge) || across.has_stronger(case) {
        return None;
    }
    said(
        format!(
            "The report says that the host overwrote {} and claims {}; an overwrite of what the host can address is Clear (NIST SP 800-88r2 §3.1.1).",
            framed(&case.which()),
            case.claim()
        ),
        "Ask the vendor for the report of a command that the drive itself carried out on all of the medium, or for one that claims Clear.",
    )
}

pub(super) fn secure_erase_of_flash_as_purge(case: &Case) -> Option<Said> {
    let secure_erase = matches!(case.record.technique, Technique::AtaSecureErase | Technique::AtaSecureEraseEnhanced);
    if !(secure_erase && case.is_flash()? && case.claims(Method::Purge)) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {} by {}; on flash that command is Clear at most (NIST SP 800-88r1, Table A-8).",
            case.claim(),
            framed(&case.which()),
            case.record.technique.label()
        ),
        ASK_FOR_COMMAND,
    )
}

pub(super) fn degauss_of_flash(case: &Case) -> Option<Said> {
    if !(case.record.technique == Technique::Degauss && case.is_flash()? && case.is_claim()) {
        return None;
    }
    said(
        format!("The report says that {} degaussed; a magnetic field does nothing to what flash holds.", framed_was(&case.which())),
        "Ask the vendor for a sanitize command on this medium, or for its destruction by a technique that fits flash, with the machine or facility named.",
    )
}

pub(super) fn factory_reset_as_purge(case: &Case) -> Option<Said> {
    if !(case.record.technique == Technique::FactoryReset && case.claims(Method::Purge)) {
        return None;
    }
    said(
        format!("The report claims {} for a factory reset of {}; a factory reset is Clear (NIST SP 800-88r2 §3.1.1).", case.claim(), case.who()),
        "Ask the vendor what shows that the reset destroyed every key of a storage that was encrypted since it was first used, or for a report that claims Clear.",
    )
}

pub(super) fn purge_without_technique(case: &Case) -> Option<Said> {
    if !(case.record.technique == Technique::Unknown && case.claims(Method::Purge)) {
        return None;
    }
    said(
        format!("The report claims {} for {} and does not say by which technique.", case.claim(), case.who()),
        "Ask the vendor which command or technique was used, and for the line of the tool's log that shows it.",
    )
}

pub(super) fn erasure_as_destroy(case: &Case) -> Option<Said> {
    if is_physical(case.record.technique) || case.record.technique == Technique::Unknown || !case.claims(Method::Destroy) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {} by {}; a technique that leaves the medium whole is never Destroy.",
            case.claim(),
            case.who(),
            technique(case)
        ),
        "Ask the vendor for the report of the destruction with the machine or facility named, or for one that claims what the erasure reaches.",
    )
}

pub(super) fn degauss_as_destroy(case: &Case) -> Option<Said> {
    if !(case.record.technique == Technique::Degauss && case.claims(Method::Destroy)) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {} by degaussing; that is Purge of a magnetic medium at most and never Destroy (NIST SP 800-88r2 §3.1.2).",
            case.claim(),
            case.who()
        ),
        "Ask the vendor for the degausser's field and the medium's coercivity, or for the report of a destruction after it.",
    )
}

pub(super) fn damage_as_destroy(case: &Case) -> Option<Said> {
    if !(case.record.technique == Technique::Damage && case.claims(Method::Destroy)) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {}, which was bent, cut, drilled or crushed; what lies beside the damage can still be read.",
            case.claim(),
            case.who()
        ),
        "Ask the vendor for the report of an erasure before the damage, or of a disintegration, melting or incineration after it.",
    )
}

pub(super) fn dod_as_standard(case: &Case) -> Option<Said> {
    let standard = case.record.standard_claimed.as_deref().filter(|words| is_dod(words) && case.is_claim())?;
    said(
        format!(
            "The report names “{}” as the standard reached for {}; DoD 5220.22-M has had no rules of overwriting since 2006, and passes of an overwrite are Clear however many there are (NIST SP 800-88r2 §3.1.1).",
            short(standard),
            case.who()
        ),
        "Ask the vendor which technique was used and which method of NIST SP 800-88r2 is claimed for it.",
    )
}

pub(super) fn methods_disagree(case: &Case) -> Option<Said> {
    let (claimed, named) = (case.record.method_claimed?, case.method_of_standard()?);
    if claimed == named || !case.is_claim() {
        return None;
    }
    let standard = short(case.record.standard_claimed.as_deref()?);
    said(
        format!("The report claims {} for {} and names “{standard}” as what was followed.", capitalised(claimed.label()), case.who()),
        "Ask the vendor which of the two methods is claimed, and for a report that says only that.",
    )
}

/// A drive carries out the commands of its own interface; what a bridge passes on, the report shows under the drive's own serial number.
pub(super) fn command_of_another_interface(case: &Case) -> Option<Said> {
    if !case.is_claim() {
        return None;
    }
    let technique = case.record.technique;
    let nvme_drive = match case.kind() {
        Some(MediaKind::Nvme) => true,
        Some(MediaKind::Hdd) => false,
        Some(MediaKind::Ssd) | None => match case.expected_type()? {
            MediaType::SsdNvme => true,
            MediaType::SsdSata | MediaType::HddAta | MediaType::SshdHybrid => false,
            _ => return None,
        },
        Some(_) => return None,
    };
    let foreign = if nvme_drive { is_ata(technique) } else { is_nvme(technique) };
    let block_erase_of_disk = technique == Technique::AtaSanitizeBlock && case.is_flash() == Some(false);
    if !foreign && !block_erase_of_disk {
        return None;
    }
    said(
        format!("The report says that {} sanitized by “{}”, which such a drive does not know.", framed_was(&case.which()), technique.label()),
        "Ask the vendor which drive it was, and for the line of the tool's log that shows the command and the drive's answer.",
    )
}

/// The technique as a noun of the sentence.
fn technique(case: &Case) -> String {
    format!("“{}”", case.record.technique.label())
}

/// `S3Z1, an SSD,` — what stands between commas closes with one.
fn framed(which: &str) -> String {
    if which.contains(", ") { format!("{which},") } else { which.to_owned() }
}

/// `S3Z1, an SSD, was`
fn framed_was(which: &str) -> String {
    format!("{} was", framed(which))
}

/// `DoD 5220.22-M`, `DOD 3-pass`, `US Department of Defense 5220.22-M (ECE)`.
fn is_dod(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("5220") || words.contains("department of defense") || words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "dod")
}

const fn is_physical(technique: Technique) -> bool {
    use Technique::*;
    matches!(technique, Degauss | Shred | Pulverize | Disintegrate | Melt | Incinerate | Damage)
}

const fn is_ata(technique: Technique) -> bool {
    use Technique::*;
    matches!(technique, AtaSecureErase | AtaSecureEraseEnhanced | AtaSanitizeOverwrite | AtaSanitizeBlock | AtaSanitizeCrypto)
}

const fn is_nvme(technique: Technique) -> bool {
    use Technique::*;
    matches!(technique, NvmeSanitizeOverwrite | NvmeSanitizeBlock | NvmeSanitizeCrypto | NvmeFormat | NvmeFormatCrypto)
}
