//! Checks what somebody signed with a key of their own: that the signature is by the key that it names, and that it says exactly what the command
//! says. Whether that key is one of their party's, the write path asks the record.

use serde_json::{Map, Value};

use crate::domain::names::Instant;
use crate::domain::own_keys::OwnKeyId;
use crate::domain::refusal::Refusal;
use crate::proof::entry::SIGNED_COMMANDS;
use crate::proof::integrity;

/// A signed statement that was checked: there is no other way to make one.
#[derive(Clone, Debug)]
pub struct Signed {
    document: Value,
    key: OwnKeyId,
}

impl Signed {
    /// The statement with its proof.
    pub fn document(&self) -> &Value {
        &self.document
    }
    /// What it is about: the id that the body of its command names first, or a key.
    pub fn about(&self) -> &str {
        self.document.get("about").and_then(Value::as_str).unwrap_or_default()
    }
    /// `did:key:…`
    pub fn key(&self) -> &str {
        self.key.as_str()
    }
}

/// The members of a statement beside its proof: what (the command), about (what its body names first), when, and says (its body).
const MEMBERS: [&str; 7] = ["@context", "type", "what", "about", "when", "says", "proof"];
/// The type of a statement.
pub const TYPE: &str = "Statement";
/// The members of a body that a statement may be about, the first one that is there.
const ABOUT: [&str; 6] = ["consignment", "medium", "asset", "discrepancy", "key", "party"];

/// What a command is about, as its statement names it.
pub fn about(says: &Map<String, Value>) -> Option<&str> {
    ABOUT.iter().find_map(|member| says.get(*member)?.as_str())
}

/// Checks a statement against the command `name` with this `body`, which happened at `occurred`.
pub fn check(document: Value, name: &str, body: &Map<String, Value>, occurred: Option<Instant>) -> Result<Signed, Refusal> {
    let wrong = |why: String| Refusal::new("signed.differs", format!("signed: {why}"));
    if !SIGNED_COMMANDS.split("; ").any(|pair| pair.split(' ').next() == Some(name)) {
        return Err(wrong(format!("{name} takes no statement; send it without this member.")));
    }
    let Value::Object(members) = &document else {
        return Err(Refusal::new("signed.malformed", "signed is the JSON object that `quittance sign` wrote; send it as it is."));
    };
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let name: String = name.chars().take(60).collect();
        return Err(Refusal::new("signed.malformed", format!("signed has a member “{name}” that no statement has; leave it out and sign again.")));
    }
    let text = |member: &str| members.get(member).and_then(Value::as_str).unwrap_or_default();
    let key = integrity::verify_own(&document)
        .map_err(|why| why.to_string().chars().take(200).collect::<String>())
        .map_err(|why| Refusal::new("signed.not_proven", format!("signed: {why}; sign the statement again with `quittance sign` and send that.")))?;
    if text("type") != TYPE {
        return Err(wrong(format!("its type is not {TYPE}; sign one that is.")));
    }
    if text("what") != name {
        return Err(wrong(format!("it states {}, and you send {name}; sign what you send.", text("what").chars().take(60).collect::<String>())));
    }
    if members.get("says").and_then(Value::as_object) != Some(body) {
        return Err(wrong("what it says is not the body that you send; sign that, member by member.".to_owned()));
    }
    if Some(text("about")) != about(body) {
        return Err(wrong("it is about something else than the body that you send; sign it again.".to_owned()));
    }
    let when = Instant::parse(text("when"))?;
    if occurred != Some(when) {
        return Err(wrong(format!("it says that this happened at {when}; send the same time as occurred.")));
    }
    // Whoever checks the entry later compares texts.
    if ![when.text(), when.whole_seconds()].iter().any(|spelt| spelt == text("when")) {
        return Err(wrong(format!("its time is not spelt as the record spells it; write {when} and sign it again.")));
    }
    Ok(Signed { key: OwnKeyId::parse(&key)?, document })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::domain::{Command, Event};
    use crate::proof::entry::SIGNED_COMMANDS;

    /// Commands whose bodies name nothing that a statement can be about, and those of which the doors take no statement.
    const NEVER_SIGNED: [&str; 25] = [
        "add_note",
        "agree_to_sign",
        "assign",
        "assign_exception",
        "create_link",
        "dismiss_readings",
        "issue_certificate",
        "link_reading",
        "look_for_exceptions",
        "offer_acceptance",
        "open_log",
        "propose_withholding",
        "publish_status",
        "receive_evidence",
        "record_count",
        "record_destruction",
        "record_loose_media",
        "record_past_disposal",
        "record_rendering",
        "reopen_exception",
        "resolve_exception",
        "revoke_certificate",
        "snooze_exception",
        "withdraw_withholding",
        "withhold_evidence",
    ];

    #[test]
    fn every_command_is_signed_for_known_events_or_never() {
        let pairs: Vec<(&str, &str)> = SIGNED_COMMANDS.split("; ").map(|pair| pair.split_once(' ').unwrap()).collect();
        let signed: BTreeSet<&str> = pairs.iter().map(|(command, _)| *command).collect();
        for (command, _) in Command::KINDS {
            assert!(signed.contains(command) != NEVER_SIGNED.contains(command), "{command}");
        }
        assert!(signed.iter().all(|command| Command::KINDS.iter().any(|(name, _)| name == command)));
        for (command, event) in pairs {
            assert!(Event::KINDS.iter().any(|(name, _)| *name == event), "{command} {event}");
        }
    }
}
