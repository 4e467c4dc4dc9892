//! The policy as a board reads and adopts it: Markdown in plain words, made of a pack; and what one pack changes against another.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::domain::disposition::Destination;
use crate::domain::names::{MediaType, Method, Sensitivity};
use crate::domain::policy::{Attestation, Minimum, Pack, Principle, Rule};

/// The definitions of NIST SP 800-88r2 and IEEE 2883, as the glossary has them (itad §1.2).
const DEFINITIONS: &[(&str, &str)] = &[
    (
        "Clear",
        "Logical techniques on all user-addressable storage locations; protects against simple, non-invasive recovery through the interface that is \
         available to the user. Typically one pass of overwriting, or the maker's factory reset where rewriting is not supported.",
    ),
    ("Purge", "Physical or logical techniques that make recovery of target data infeasible using state-of-the-art laboratory techniques."),
    (
        "Destroy",
        "As Purge, and the media can no longer store data. It is not Destroy unless laboratory recovery is infeasible: bending, cutting, drilling and \
         shooting are damage only.",
    ),
    ("Target data", "Data subject to the sanitization technique."),
    (
        "Verification",
        "Inspection of the immediate outcome: the tool's completion status, errors, anomalies, the health of the media; for physical Purge a check of the \
         equipment, for Destroy an inspection of what is left.",
    ),
    (
        "Validation",
        "The organisation's decision: it reviews what verification found against how sensitive the data is, and approves, accepts residual risk, rejects, \
         repeats or escalates.",
    ),
];

const ROLES: &[(&str, &str)] = &[
    ("Operator", "performs the sanitization and reports it with its evidence: somebody of the vendor, or a disposal coordinator."),
    ("Verifier", "inspects the outcome. Never the person who performed it."),
    ("Approver", "validates for the organisation, adopts this policy, and alone accepts residual risk. Neither the operator nor the verifier."),
    ("Disposal coordinator", "keeps the record, decides reuse first, and asks for what a refusal says is missing."),
];

const EXCEPTIONS: &str = "\
Where a model can only be reset, its reset is Clear. Where Purge is the least for it, three ways are open, and no other:

1. The organisation **attests** in its own version of this policy, by model, that the reset is a cryptographic erase and that its conditions hold; the \
attestation names the office, the day and the document.
2. An approver **accepts the residual risk** for the devices named, with one rationale and one reference. The method stays what it was: a certificate says \
Clear, and says that the risk was accepted.
3. The device is **destroyed**.

Whoever does more than the least needs nobody's leave. Nobody but an approver may let less stand.
";

/// The whole text.
pub fn written(pack: &Pack) -> String {
    let mut text = format!(
        "# Media sanitization policy\n\nPack `{}`, version {}, SHA-256 `{}`.\n\n\
         This text is made of the pack that the record judges by. It is in force for certificates once an approver has adopted it under this name, version and \
         digest, with the reference of the decision. What ships with the program is a starter, to be read and changed by those who adopt it; it is not legal \
         advice, and no body has approved it.\n\n",
        pack.name, pack.version, pack.digest
    );
    text.push_str(
        "## Purpose\n\nBefore storage media leave a use, or leave the organisation's control, the data on them is made irretrievable to a degree that fits how \
         confidential it is and where the media go; and what was done can be shown.\n\n",
    );
    text.push_str("## Definitions\n\n");
    for (term, meaning) in DEFINITIONS {
        line(&mut text, format_args!("- **{term}**: {meaning}"));
    }
    text.push_str("\n## What holds for all media\n\n");
    for principle in &pack.principles {
        line(&mut text, format_args!("- **{}** {} *Basis: {}.*", principle.id, principle.statement, principle.basis));
    }
    decision_table(&mut text, pack);
    text.push_str("\n## What each technique reaches\n\nWhat is in no table reaches nothing.\n");
    for media in MediaType::ALL {
        media_table(&mut text, pack, *media);
    }
    findings(&mut text, pack);
    roles_and_exceptions(&mut text, pack);
    bases(&mut text, pack);
    text
}

fn findings(text: &mut String, pack: &Pack) {
    text.push_str(
        "\n## Reports that cannot be true\n\nA report that contradicts itself, or what is known of the medium, is asked about. Where the program finds that a \
         claim cannot be true it does not count until the question is answered; for these this policy says otherwise:\n\n",
    );
    if pack.findings.is_empty() {
        text.push_str("- none\n");
    }
    for (code, weight) in &pack.findings {
        line(text, format_args!("- `{code}`: {}", weight.label()));
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}

/// A text as it may stand in a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn decision_table(text: &mut String, pack: &Pack) {
    text.push_str("\n## The least method\n\n| Data is of | ");
    let heads: Vec<&str> = Destination::ALL.iter().map(|destination| destination.label()).collect();
    line(text, format_args!("{} |", heads.join(" | ")));
    line(text, format_args!("|---|{}", "---|".repeat(heads.len())));
    for sensitivity in Sensitivity::ALL {
        let methods: Vec<&str> = Destination::ALL.iter().map(|destination| pack.least(*sensitivity, *destination).label()).collect();
        line(text, format_args!("| {} sensitivity | {} |", sensitivity.label(), methods.join(" | ")));
    }
}

fn media_table(text: &mut String, pack: &Pack, media: MediaType) {
    let mut rules: Vec<&Rule> = pack.rules.iter().filter(|rule| rule.media.contains(&media)).collect();
    rules.sort_by_key(|rule| rule.reaches);
    if rules.is_empty() {
        return;
    }
    line(text, format_args!("\n### {}\n\n| Rule | Technique | Reaches | Once this is shown | Basis |\n|---|---|---|---|---|", media.label()));
    for rule in rules {
        let needs: Vec<&str> = rule.needs.iter().map(|need| need.label()).collect();
        let note = rule.note.as_ref().map_or_else(String::new, |note| format!(" Note: {note}."));
        line(
            text,
            format_args!(
                "| {} | {} | {} | {} | {}.{} |",
                rule.id,
                cell(rule.technique.label()),
                rule.reaches.label(),
                cell(&needs.join("; ")),
                cell(&rule.basis),
                cell(&note)
            ),
        );
    }
}

fn roles_and_exceptions(text: &mut String, pack: &Pack) {
    text.push_str("\n## Roles\n\n");
    for (role, duty) in ROLES {
        line(text, format_args!("- **{role}** {duty}"));
    }
    line(text, format_args!("\n## Exceptions\n\n{EXCEPTIONS}"));
    if pack.attestations.is_empty() {
        text.push_str("This version attests nothing of any model.\n");
    }
    for attested in &pack.attestations {
        line(text, format_args!("- {}", of_attestation(attested)));
    }
}

fn bases(text: &mut String, pack: &Pack) {
    text.push_str(
        "\n## Where the rules come from\n\nNIST SP 800-88r2 names no techniques for each medium and points to IEEE 2883; the technique tables of revision 1 are \
         withdrawn. A row whose basis is a withdrawn table, or the organisation's own choice, becomes the organisation's own standard by adoption.\n\n",
    );
    let bases: BTreeSet<&str> = pack.rules.iter().map(|rule| rule.basis.as_str()).chain(pack.minimum.iter().map(|row| row.basis.as_str())).collect();
    for basis in bases {
        line(text, format_args!("- {basis}"));
    }
}

fn of_rule(rule: &Rule) -> String {
    let media: Vec<&str> = rule.media.iter().map(|media| media.label()).collect();
    let needs: Vec<&str> = rule.needs.iter().map(|need| need.label()).collect();
    let note = rule.note.as_ref().map_or_else(String::new, |note| format!("; note: {note}"));
    format!(
        "{} on {} is {}, once is shown: {}; basis: {}{note}",
        rule.technique.label(),
        media.join(", "),
        rule.reaches.label(),
        needs.join("; "),
        rule.basis
    )
}

fn of_attestation(attested: &Attestation) -> String {
    let needs: Vec<&str> = attested.needs.iter().map(|need| need.label()).collect();
    format!(
        "{}: {} on {} {} is {}, once is shown: {}; stated by {} on {}, reference {}",
        attested.id,
        attested.technique.label(),
        attested.manufacturer,
        attested.model,
        attested.reaches.label(),
        needs.join("; "),
        attested.stated_by,
        attested.stated_on,
        attested.reference
    )
}

fn of_principle(principle: &Principle) -> String {
    format!("{} Basis: {}", principle.statement, principle.basis)
}

/// What would change, one line each: `+` comes, `-` goes. What lets a weaker method stand than now says so.
pub fn difference(now: &Pack, next: &Pack) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, a, b) in [("name", &now.name, &next.name), ("version", &now.version, &next.version)] {
        if a != b {
            lines.push(format!("{what}: {a} becomes {b}"));
        }
    }
    lines.extend(now.minimum.iter().filter_map(|row| of_minimum(row, next)));
    let principles = |pack: &Pack| -> Vec<(String, String)> { pack.principles.iter().map(|one| (one.id.clone(), of_principle(one))).collect() };
    let rules = |pack: &Pack| -> Vec<(String, String)> { pack.rules.iter().map(|rule| (rule.id.clone(), of_rule(rule))).collect() };
    let attested = |pack: &Pack| -> Vec<(String, String)> { pack.attestations.iter().map(|one| (one.id.clone(), of_attestation(one))).collect() };
    let findings =
        |pack: &Pack| -> Vec<(String, String)> { pack.findings.iter().map(|(code, weight)| (code.clone(), weight.label().to_owned())).collect() };
    let all = |pack: &Pack| [principles(pack), rules(pack), attested(pack), findings(pack)];
    for (before, after) in all(now).into_iter().zip(all(next)) {
        lines.extend(before.iter().filter(|one| !after.contains(one)).map(|(id, words)| format!("- {id}: {words}")));
        lines.extend(after.iter().filter(|one| !before.contains(one)).map(|(id, words)| format!("+ {id}: {words}")));
    }
    lines
}

fn of_minimum(row: &Minimum, next: &Pack) -> Option<String> {
    let method = next.least(row.sensitivity, row.destination);
    let weaker = if method < row.method { ": less than now" } else { "" };
    let changed =
        |from: Method| format!("{} data, {}: {} becomes {}{weaker}", row.sensitivity.label(), row.destination.label(), from.label(), method.label());
    (method != row.method).then(|| changed(row.method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::Digest;
    use crate::domain::policy::STARTER;

    fn pack(text: &str) -> Pack {
        Pack::parse(text, Digest::parse(&"0".repeat(64)).unwrap()).unwrap()
    }

    #[test]
    fn the_written_policy_says_everything_that_the_pack_says() {
        let pack = pack(STARTER);
        let text = written(&pack);
        for rule in &pack.rules {
            let row = format!("| {} | {} | {} |", rule.id, rule.technique.label(), rule.reaches.label());
            assert_eq!(text.matches(&row).count(), rule.media.len(), "{row}");
            assert!(text.contains(&format!("\n- {}\n", rule.basis)), "{}", rule.basis);
        }
        for principle in &pack.principles {
            assert!(text.contains(&principle.statement));
        }
        for words in [
            "# Media sanitization policy",
            "state-of-the-art laboratory techniques",
            "three ways",
            "is a starter",
            "| high sensitivity | purge | destroy |",
        ] {
            assert!(text.contains(words), "{words}");
        }
        for word in ["default", "standard pack"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn a_difference_names_what_comes_what_goes_and_what_gets_weaker() {
        let starter = pack(STARTER);
        assert!(difference(&starter, &starter).is_empty());
        let row = "sensitivity = \"high\"\ndestination = \"internal_reuse\"\nmethod = ";
        let changed = STARTER
            .replacen(&format!("{row}\"purge\""), &format!("{row}\"clear\""), 1)
            .replacen("id = \"NV-3\"", "id = \"NV-9\"", 1)
            .replacen("version = \"4\"", "version = \"5\"", 1);
        let lines = difference(&starter, &pack(&changed));
        let starts = ["version: 4 becomes 5", "high data, reuse inside the organisation: purge becomes clear: less than now", "- NV-3: ", "+ NV-9: "];
        assert_eq!(lines.len(), starts.len(), "{lines:#?}");
        assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{lines:#?}");
    }
}
