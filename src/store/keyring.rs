//! The key folder: private keys (owner only), the public DID document and verifier key beside them, and the high-water checkpoint.
//!
//! `entry-YYYY.key`, `issuer-YYYY.key`, `log.key`, `assignees.key` (hashes), `people.key` (seals second factors); these two sign nothing: PKCS#8 PEM, version 1, so that OpenSSL reads them. `did.json`, `log.vkey`: hand these to
//! whoever wants to check certificates. `high-water`: the newest checkpoint that was ever shown, so that yesterday's database is noticed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};

use super::files::{replace_durably, sync_folder, write_durably};
use crate::error::{Error, Result};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::digest::sha256;
use crate::proof::identity::{DidDocument, Signer};
use crate::proof::note::NoteSigner;

/// Who the service is: its address and what follows from it. Never changes for a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `https://itad.example`, without a trailing slash.
    pub public_url: String,
    /// `did:web:itad.example`
    pub did: String,
    /// `itad.example/ledger`
    pub origin: String,
}

impl Identity {
    /// From the public address: `https://host[:port][/path]`, or `http://localhost[:port]` to try things out. did:web forbids IP addresses.
    pub fn of(url: &str) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let bad = |why: &str| Err(Error::Fault(format!("--url {url}: {why}")));
        let Some((scheme, rest)) = url.split_once("://") else { return bad("write it as https://records.example.org") };
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let host = authority.split(':').next().unwrap_or("");
        if host.is_empty() || authority.contains('@') || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/".contains(&b)) {
            return bad("use letters, digits, dots and hyphens only");
        }
        if host.parse::<std::net::Ipv4Addr>().is_ok() || authority.starts_with('[') {
            return bad("did:web forbids IP addresses; use a name (localhost to try things out)");
        }
        if scheme != "https" && !(scheme == "http" && (host == "localhost" || host.ends_with(".localhost"))) {
            return bad("use https (http is for localhost only)");
        }
        let mut did = format!("did:web:{}", authority.replace(':', "%3A"));
        for part in path.split('/').filter(|part| !part.is_empty()) {
            did.push(':');
            did.push_str(part);
        }
        Ok(Self { public_url: url.to_owned(), did, origin: format!("{rest}/ledger") })
    }

    /// The contexts of a ledger entry.
    pub fn entry_context(&self) -> Vec<String> {
        vec!["https://w3id.org/security/data-integrity/v2".to_owned(), self.own_context()]
    }
    /// The contexts of a credential.
    pub fn credential_context(&self) -> Vec<String> {
        vec![crate::proof::credential::CREDENTIALS_V2.to_owned(), self.own_context()]
    }
    fn own_context(&self) -> String {
        format!("{}/ns/quittance/v1", self.public_url)
    }
    /// The address of the status list.
    pub fn status_list(&self) -> String {
        format!("{}/status/1", self.public_url)
    }
}

/// The keys of a ledger.
pub struct Keyring {
    folder: PathBuf,
    /// Signs ledger entries.
    pub entry: Signer,
    /// Signs certificates and status lists.
    pub issuer: Signer,
    /// Signs checkpoints.
    pub log: NoteSigner,
    /// The public DID document.
    pub did: DidDocument,
    /// Its exact bytes.
    pub did_bytes: Vec<u8>,
}

impl Keyring {
    /// Where the keys are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
    /// Makes fresh keys; goes on with those that an attempt cut short has left. Refuses keys that have signed a checkpoint: they belong to a
    /// record, and a second one under the same name would be a second history.
    pub fn create(folder: &Path, identity: &Identity, year: i32) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::fault(&format!("making {}", folder.display()), e))?;
        if folder.join("high-water").exists() {
            return Err(Error::Fault(format!("the keys in {} belong to another record; choose another folder with --keys", folder.display())));
        }
        let method = |name: &str| format!("{}#{name}-{year}", identity.did);
        let entry = Signer::from_seed(method("entry"), new_key(&folder.join(format!("entry-{year}.key")))?);
        let issuer = Signer::from_seed(method("issuer"), new_key(&folder.join(format!("issuer-{year}.key")))?);
        let log = NoteSigner::from_seed(&identity.origin, new_key(&folder.join("log.key"))?).map_err(|e| Error::fault("the log key", e))?;
        let keys = [(entry.verification_method().to_owned(), entry.public()), (issuer.verification_method().to_owned(), issuer.public())];
        let did = DidDocument::new(&identity.did, &keys, Some(&format!("{}/ledger/", identity.public_url)));
        let did_bytes = did.to_bytes();
        write_durably(&folder.join("log.vkey"), format!("{}\n", log.vkey()).as_bytes())?;
        write_durably(&folder.join("did.json"), &did_bytes)?;
        sync_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), entry, issuer, log, did, did_bytes })
    }

    /// Reads the keys of `identity`.
    pub fn open(folder: &Path, identity: &Identity) -> Result<Self> {
        let did_bytes = fs::read(folder.join("did.json")).map_err(|e| {
            Error::Fault(format!(
                "{}: {e}. The keys of this record are not in {}; name their folder with --keys.",
                folder.join("did.json").display(),
                folder.display()
            ))
        })?;
        let did = DidDocument::parse(&did_bytes).map_err(|e| Error::fault("did.json", e))?;
        if did.id() != identity.did {
            return Err(Error::Fault(format!("{} holds the keys of {}, this record is {}'s", folder.display(), did.id(), identity.did)));
        }
        let signer = |name: &str| -> Result<Signer> {
            let path = newest(folder, name)?;
            let fragment = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let signer = Signer::from_seed(format!("{}#{fragment}", identity.did), read_key(&path)?);
            match did.key(signer.verification_method()) {
                Some(public) if public.as_bytes() == signer.public().as_bytes() => Ok(signer),
                _ => Err(Error::Fault(format!("{} is not the key that did.json lists as {}", path.display(), signer.verification_method()))),
            }
        };
        let entry = signer("entry")?;
        let issuer = signer("issuer")?;
        let log = NoteSigner::from_seed(&identity.origin, read_key(&folder.join("log.key"))?).map_err(|e| Error::fault("the log key", e))?;
        Ok(Self { folder: folder.to_owned(), entry, issuer, log, did, did_bytes })
    }

    /// The key under which assignees are hashed.
    pub fn assignees(&self) -> Result<[u8; 32]> {
        self.secret("assignees.key")
    }

    /// A key for one purpose around people's access: sealing second factors, knowing a browser again, comparing what was changed.
    pub fn people(&self, purpose: &str) -> Result<[u8; 32]> {
        Ok(hmac(&self.secret("people.key")?, purpose.as_bytes()))
    }

    /// Seals bytes for one purpose (ChaCha20-Poly1305, RFC 8439): the nonce, then the rest. `bound` is what they belong to.
    pub fn seal(&self, purpose: &str, bound: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|e| Error::fault("random bytes for a nonce", e))?;
        let mut sealed = plain.to_vec();
        let failed = |_| Error::Fault("sealing failed".to_owned());
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.people(purpose)?).map_err(failed)?;
        LessSafeKey::new(key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound.as_bytes()), &mut sealed)
            .map_err(failed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] sealed for the same purpose and the same thing; none where that is not so.
    pub fn unseal(&self, purpose: &str, bound: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some((nonce, rest)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Ok(None) };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.people(purpose)?).map_err(|_| Error::Fault("a key for sealing".to_owned()))?;
        let mut rest = rest.to_vec();
        let opened = LessSafeKey::new(key).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound.as_bytes()), &mut rest);
        Ok(opened.ok().map(|plain| plain.to_vec()))
    }

    /// The secret of a file; made when it is needed first.
    fn secret(&self, file: &str) -> Result<[u8; 32]> {
        let path = self.folder.join(file);
        if !path.exists() {
            // Of servers that share the folder one makes it.
            let _one_at_a_time = self.lock_high_water()?;
            new_key(&path)?;
            sync_folder(&self.folder)?;
        }
        read_key(&path)
    }

    /// The newest checkpoint that was ever shown to anyone.
    pub fn high_water(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.folder.join("high-water")) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::fault("reading the high-water checkpoint", error)),
        }
    }

    /// Remembers a checkpoint durably, before it is shown; keeps a later one that another server has put there. Busy, where another server is about it.
    pub fn set_high_water(&self, note: &str) -> Result<()> {
        let size = |note: &str| Checkpoint::open(note, self.log.verifier()).map_or(0, |checkpoint| checkpoint.size);
        let _one_at_a_time = self.lock_high_water()?;
        if self.high_water()?.is_some_and(|kept| size(&kept) > size(note)) {
            return Ok(());
        }
        replace_durably(&self.folder.join("high-water"), note.as_bytes())
    }

    /// Held while the file is compared and replaced, by one server of those that share the folder.
    fn lock_high_water(&self) -> Result<fs::File> {
        let path = self.folder.join("high-water.lock");
        let file = fs::File::create(&path).map_err(|e| Error::fault(&format!("making {}", path.display()), e))?;
        for _ in 0..50 {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(4)),
                Err(fs::TryLockError::Error(error)) => return Err(Error::fault(&format!("locking {}", path.display()), error)),
            }
        }
        Err(Error::Busy("Another server is publishing; try again in a moment.".to_owned()))
    }
}

/// Block size of SHA-256 in bytes.
const BLOCK: usize = 64;

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| -> Vec<u8> { key.iter().copied().chain(std::iter::repeat_n(0, BLOCK - key.len())).map(|own| own ^ byte).collect() };
    let inner = sha256(&[pad(0x36).as_slice(), message].concat());
    sha256(&[pad(0x5c).as_slice(), &inner].concat())
}

/// The newest `name-YYYY.key`.
fn newest(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "key")
                && path.file_stem().is_some_and(|stem| stem.to_string_lossy().strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
        })
        .collect();
    found.sort();
    found.pop().ok_or_else(|| Error::Fault(format!("there is no {name} key in {}", folder.display())))
}

/// A new key in a file that its owner alone can read, durably; the one that is there already where there is one. 32 secret bytes.
pub fn new_key(path: &Path) -> Result<[u8; 32]> {
    if path.exists() {
        return read_key(path);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::fault("random bytes for a key", e))?;
    // Version 1, without the public key: OpenSSL 3.0 cannot read version 2.
    let pem = KeypairBytes { secret_key: seed, public_key: None }.to_pkcs8_pem(LineEnding::LF).map_err(|e| Error::fault("writing a key", e))?;
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(|e| Error::fault(&format!("writing {}", beside.display()), e))?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(seed)
}

/// The 32 secret bytes of a key file, which nobody else may be able to read.
pub fn read_key(path: &Path) -> Result<[u8; 32]> {
    let failed = |e: &dyn std::fmt::Display| Error::fault(&format!("reading {}", path.display()), e);
    let mode = fs::metadata(path).map_err(|e| failed(&e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Error::Fault(format!("{} can be read by others; run: chmod 600 {}", path.display(), path.display())));
    }
    let pem = fs::read_to_string(path).map_err(|e| failed(&e))?;
    KeypairBytes::from_pkcs8_pem(&pem).map(|pair| pair.secret_key).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_did_and_origin() {
        let demo = Identity::of("http://localhost:8080").unwrap();
        assert_eq!((demo.did.as_str(), demo.origin.as_str()), ("did:web:localhost%3A8080", "localhost:8080/ledger"));
        let real = Identity::of("https://records.example.org/itad/").unwrap();
        assert_eq!((real.did.as_str(), real.origin.as_str()), ("did:web:records.example.org:itad", "records.example.org/itad/ledger"));
        for bad in ["http://example.org", "https://127.0.0.1", "https://[::1]:8080", "example.org", "https://a@b", "https://ex ample"] {
            assert!(Identity::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_thing_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keyring::create(folder.path(), &Identity::of("http://localhost:8080").unwrap(), 2026).unwrap();
        let sealed = keys.seal("a", "one", b"secret").unwrap();
        assert_eq!(keys.unseal("a", "one", &sealed).unwrap().as_deref(), Some(&b"secret"[..]));
        assert_ne!(keys.seal("a", "one", b"secret").unwrap(), sealed);
        let mut altered = sealed.clone();
        altered[14] ^= 1;
        for (purpose, bound, sealed) in
            [("b", "one", &sealed[..]), ("a", "two", &sealed), ("a", "one", &altered), ("a", "one", &sealed[..11]), ("a", "one", b"")]
        {
            assert_eq!(keys.unseal(purpose, bound, sealed).unwrap(), None);
        }
    }

    #[test]
    fn keys_are_private_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::of("http://localhost:8080").unwrap();
        let made = Keyring::create(folder.path(), &identity, 2026).unwrap();
        let read = Keyring::open(folder.path(), &identity).unwrap();
        assert_eq!(made.log.vkey(), read.log.vkey());
        assert_eq!(Keyring::create(folder.path(), &identity, 2026).unwrap().log.vkey(), made.log.vkey(), "an attempt cut short goes on");
        made.set_high_water("note").unwrap();
        assert!(Keyring::create(folder.path(), &identity, 2026).is_err(), "these keys have a history");
        let checkpoint = |size| Checkpoint { origin: identity.origin.clone(), size, root: [9; 32] }.sign(&made.log);
        for (set, kept) in [(5, 5), (7, 7), (6, 7), (8, 8)] {
            made.set_high_water(&checkpoint(set)).unwrap();
            assert_eq!(made.high_water().unwrap(), Some(checkpoint(kept)), "what another server has shown stays");
        }
        let key = folder.path().join("log.key");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keyring::open(folder.path(), &identity).is_err());
    }
}
