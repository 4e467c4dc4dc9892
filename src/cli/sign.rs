//! `quittance sign`: signs what one states with a key of one's own, which no service ever sees.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::unreadable;
use crate::app::now;
use crate::error::{Error, Result};
use crate::operations::check_signed;
use crate::proof::identity::Signer;
use crate::proof::integrity;
use crate::store::keyring;

/// The context of a statement that names none.
const CONTEXT: &str = "https://w3id.org/security/data-integrity/v2";

/// Sign a statement with a key of your own, and print it: the member `signed` of the command that it states
#[derive(clap::Args)]
pub struct Sign {
    /// The statement: {"what": the command's name, "when": its occurred, "says": its body}
    #[arg(value_name = "STATEMENT.json", required_unless_present = "new")]
    statement: Option<PathBuf>,
    /// The file with your key (PKCS#8 PEM, readable by you alone)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Make a key in --key, and print its name and the command that registers it
    #[arg(long, conflicts_with = "statement")]
    new: bool,
}

impl Sign {
    /// Prints the signed statement, or the new key's name.
    pub fn run(&self) -> Result<u8> {
        if self.new {
            if self.key.exists() {
                return Err(Error::Unknown(format!("{} exists already; name another file, or sign with it.", self.key.display())));
            }
            let (signer, did) = signer(keyring::new_key(&self.key)?);
            let when = now().text();
            let says = json!({"key": did});
            let signed = secure(json!({"what": "register_key", "when": when, "says": says}), &signer)?;
            eprintln!(
                "{did}\n\nThe key is in {}; nobody can replace it. Register it: POST /api/v1/commands/register_key with this body:",
                self.key.display()
            );
            println!("{:#}", json!({"key": did, "occurred": when, "signed": signed}));
            return Ok(0);
        }
        let Some(path) = &self.statement else { return Err(Error::Unknown("Name the statement to sign.".to_owned())) };
        let signed = secure(read(path)?, &signer(keyring::read_key(&self.key)?).0)?;
        println!("{signed:#}");
        Ok(0)
    }
}

fn read(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).map_err(|e| Error::Unknown(unreadable(path, &e)))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::Unknown(format!("{} is not JSON ({e}); write {{\"what\": …, \"when\": …, \"says\": {{…}}}}.", path.display())))
}

/// A did:key names itself.
fn signer(seed: [u8; 32]) -> (Signer, String) {
    let multibase = Signer::from_seed(String::new(), seed).public().multibase();
    (Signer::from_seed(format!("did:key:{multibase}#{multibase}"), seed), format!("did:key:{multibase}"))
}

/// The statement with what it lacks of its form, and the proof.
fn secure(mut statement: Value, signer: &Signer) -> Result<Value> {
    let whole = |value: &Value| value.get("what").is_some_and(Value::is_string) && value.get("when").is_some_and(Value::is_string);
    let members = statement.as_object_mut();
    let Some(members) = members.filter(|members| whole(&Value::Object((*members).clone()))) else {
        return Err(Error::Unknown("The statement needs what (the command's name), when (its occurred) and says (its body); add them.".to_owned()));
    };
    let about = members.get("says").and_then(Value::as_object).and_then(check_signed::about).map(str::to_owned);
    let about = about
        .ok_or_else(|| Error::Unknown("What the statement says names no consignment, medium, device or key; give the whole body.".to_owned()))?;
    for (name, value) in [("@context", json!([CONTEXT])), ("type", json!(check_signed::TYPE)), ("about", json!(about))] {
        members.entry(name).or_insert(value);
    }
    let bytes = integrity::secure(statement, signer, &now().whole_seconds()).map_err(|e| Error::fault("signing the statement", e))?;
    Ok(serde_json::from_slice(&bytes)?)
}
