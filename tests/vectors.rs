//! The proof floor against published vectors, and against every single-byte change: nothing altered verifies.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quittance::proof::bundle::{self, Bundle, BundleError};
use quittance::proof::canonical::{self, NotCanonical};
use quittance::proof::checkpoint::Checkpoint;
use quittance::proof::digest::{Hash, from_hex, hex, multibase, sha256};
use quittance::proof::entry::{Actor, Entry, Frame, GENESIS_PREV, Sealed, Subject, seal};
use quittance::proof::identity::{DidDocument, ENTRY_SCOPE, ISSUER_SCOPE, PublicKey, Signer};
use quittance::proof::integrity::{self, Unproven};
use quittance::proof::note::{self, NoteError, NoteSigner, NoteVerifier};
use quittance::proof::status::{self, StatusList};
use quittance::proof::tlog_proof::TlogProof;
use quittance::proof::tree::{self, Frontier};
use quittance::proof::verify::{self, Finding, Outcome, Report, Trust, Verdict};
use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn text(name: &str) -> String {
    String::from_utf8(read(name)).unwrap()
}

fn value(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let item = item.unwrap().path();
        if item.is_dir() { found.extend(files_under(&item)) } else { found.push(item) }
    }
    found.sort();
    found
}

fn base64_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[test]
fn jcs_reference_files_give_their_output_or_are_outside_our_narrower_form() {
    for (name, ours) in [
        ("arrays", Ok(())),
        ("french", Err(NotCanonical::Name)),
        ("structures", Err(NotCanonical::Number)),
        ("unicode", Ok(())),
        ("values", Err(NotCanonical::Number)),
        ("weird", Err(NotCanonical::Name)),
    ] {
        let input = value(&format!("jcs/input/{name}.json"));
        let output = read(&format!("jcs/output/{name}.json"));
        assert_eq!(serde_json_canonicalizer::to_vec(&input).unwrap(), output, "the oracle of the property tests, on {name}");
        match ours {
            Ok(()) => {
                assert_eq!(canonical::to_vec(&input).unwrap(), output, "{name}");
                assert!(canonical::parse(&output).is_ok() && canonical::parse(&read(&format!("jcs/input/{name}.json"))).is_err());
            }
            Err(why) => assert_eq!(canonical::to_vec(&input), Err(why), "{name}"),
        }
    }
    // The escapes of "values", without its numbers.
    let mut values = value("jcs/input/values.json");
    values.as_object_mut().unwrap().remove("numbers");
    let expected = text("jcs/output/values.json");
    assert!(expected.ends_with(std::str::from_utf8(&canonical::to_vec(&values).unwrap()[1..]).unwrap().split_once("\"string\"").unwrap().1));
}

fn vector_seed() -> [u8; 32] {
    let pair = value("eddsa-jcs-2022/keyPair.json");
    let secret = bs58::decode(&pair["privateKeyMultibase"].as_str().unwrap()[1..]).into_vec().unwrap();
    secret.strip_prefix(&[0x80, 0x26]).unwrap().try_into().unwrap()
}

#[test]
fn the_official_eddsa_jcs_vector_is_reproduced_at_every_step() {
    let folder = |name: &str| text(&format!("eddsa-jcs-2022/{name}"));
    let (unsigned, options) = (value("eddsa-jcs-2022/unsigned.json"), value("eddsa-jcs-2022/proofConfigJCS.json"));
    let (document, proof) = (canonical::to_vec(&unsigned).unwrap(), canonical::to_vec(&options).unwrap());
    assert_eq!(document, folder("canonDocJCS.txt").as_bytes());
    assert_eq!(proof, folder("proofCanonJCS.txt").as_bytes());
    assert_eq!(hex(&sha256(&document)), folder("docHashJCS.txt"));
    assert_eq!(hex(&sha256(&proof)), folder("proofHashJCS.txt"));
    let hashes = integrity::hash_data(&proof, &document);
    assert_eq!(hex(&hashes), folder("combinedHashJCS.txt"));

    let method = options["verificationMethod"].as_str().unwrap();
    let signer = Signer::from_seed(method.to_owned(), vector_seed());
    assert_eq!(signer.public().multibase(), value("eddsa-jcs-2022/keyPair.json")["publicKeyMultibase"].as_str().unwrap());
    assert_eq!(hex(&signer.sign(&hashes)), folder("sigHexJCS.txt"));
    assert_eq!(integrity::proof_value(&signer.sign(&hashes)), folder("sigBTC58JCS.txt"));

    let signed = value("eddsa-jcs-2022/signedJCS.json");
    let ours = integrity::secure(unsigned, &signer, options["created"].as_str().unwrap()).unwrap();
    assert_eq!(ours, canonical::to_vec(&signed).unwrap());
    assert_eq!(integrity::verify_with(&signed, &signer.public()), Ok(()));
    let mut altered = signed;
    altered["credentialSubject"]["alumniOf"] = "The School of Forgeries".into();
    assert_eq!(integrity::verify_with(&altered, &signer.public()), Err(Unproven::Signature));
}

#[test]
fn ed25519_edge_cases_are_accepted_only_without_any_weakness() {
    let cases = value("ed25519-cctv/ed25519vectors.json");
    let cases = cases.as_array().unwrap();
    let bytes = |case: &Value, member: &str| -> Vec<u8> {
        let digits = case[member].as_str().unwrap();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    let weak = ["low_order_R", "low_order_A", "non_canonical_R", "non_canonical_A", "low_order_residue"];
    let mut accepted = 0;
    for case in cases {
        let flags: Vec<&str> = case["flags"].as_array().map(|flags| flags.iter().map(|flag| flag.as_str().unwrap()).collect()).unwrap_or_default();
        let key = PublicKey::from_bytes(&bytes(case, "key").try_into().unwrap());
        let signature = bytes(case, "sig").try_into().unwrap();
        if key.is_ok_and(|key| key.verify(case["msg"].as_str().unwrap().as_bytes(), &signature)) {
            accepted += 1;
            assert!(!flags.iter().any(|flag| weak.contains(flag)), "{case}");
        }
    }
    assert_eq!((cases.len(), accepted), (914, 43));
}

#[test]
fn merkle_inclusion_probes_come_out_as_published() {
    let mut seen = (0, 0);
    for file in files_under(&path("merkle-rfc6962/inclusion")) {
        let probe: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let holds = || {
            let proof = probe["proof"].as_array().map(Vec::as_slice).unwrap_or_default();
            let proof = proof.iter().map(|hash| base64_hash(hash.as_str()?)).collect::<Option<Vec<_>>>()?;
            let (root, leaf) = (base64_hash(probe["root"].as_str()?)?, base64_hash(probe["leafHash"].as_str()?)?);
            Some(tree::verify_inclusion(probe["leafIdx"].as_u64()?, probe["treeSize"].as_u64()?, &leaf, &proof, &root))
        };
        let good = holds().unwrap_or(false);
        assert_eq!(good, !probe["wantErr"].as_bool().unwrap(), "{}", file.display());
        if good { seen.0 += 1 } else { seen.1 += 1 }
    }
    assert_eq!(seen, (6, 92));
}

#[test]
fn merkle_consistency_probes_come_out_as_published() {
    let mut seen = (0, 0);
    for file in files_under(&path("merkle-rfc6962/consistency")) {
        if file.ends_with("sizes-are-equal-one-and-proof-is-empty.json") {
            continue; // its roots have 12 bytes
        }
        let probe: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let holds = || {
            let proof = probe["proof"].as_array().map(Vec::as_slice).unwrap_or_default();
            let proof = proof.iter().map(|hash| base64_hash(hash.as_str()?)).collect::<Option<Vec<_>>>()?;
            let (old, new) = (base64_hash(probe["root1"].as_str()?)?, base64_hash(probe["root2"].as_str()?)?);
            Some(tree::verify_consistency(probe["size1"].as_u64()?, probe["size2"].as_u64()?, &proof, &old, &new))
        };
        let good = holds().unwrap_or(false);
        assert_eq!(good, !probe["wantErr"].as_bool().unwrap(), "{}", file.display());
        if good { seen.0 += 1 } else { seen.1 += 1 }
    }
    assert_eq!(seen, (5, 92));
}

#[test]
fn roots_of_trees_with_decimal_leaves_agree() {
    let list = text("roots/decimal-leaves.txt");
    let wanted: BTreeMap<u64, &str> =
        list.lines().map(|line| line.split_once(' ').unwrap()).map(|(size, root)| (size.parse().unwrap(), root)).collect();
    let mut frontier = Frontier::new();
    let mut compared = 0;
    for leaf in 1..=*wanted.keys().last().unwrap() + 1 {
        if let Some(root) = wanted.get(&frontier.size()) {
            assert_eq!(STANDARD.encode(frontier.root()), *root, "size {}", frontier.size());
            compared += 1;
        }
        frontier.push(tree::leaf_hash(leaf.to_string().as_bytes()));
    }
    assert_eq!(compared, wanted.len());
}

#[test]
fn another_logs_checkpoints_open_and_agree_with_its_leaves() {
    let keys = text("tlog-tiles-tessera-testlog/KEYS.txt");
    let vkey = keys.lines().find_map(|line| line.strip_prefix("vkey ")).unwrap();
    let verifier = NoteVerifier::parse(vkey).unwrap();
    let tile = read("tlog-tiles-tessera-testlog/tile/0/000.p.15");
    let words = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten";
    let mut frontier = Frontier::new();
    let mut heads = Vec::new();
    for size in 0..=15 {
        let signed = text(&format!("tlog-tiles-tessera-testlog/checkpoint.{size}"));
        let head = Checkpoint::open(&signed, &verifier).unwrap();
        assert_eq!((head.size, head.root), (size, frontier.root()));
        assert!(signed.starts_with(&head.text()));
        heads.push(head);
        if let Some(word) = words.split(' ').nth(usize::try_from(size).unwrap()) {
            let leaf = tree::leaf_hash(word.as_bytes());
            assert_eq!(leaf, tile[usize::try_from(size).unwrap() * 32..][..32]);
            frontier.push(leaf);
        }
    }
    // and any two of them are shown consistent from the complete nodes alone
    let nodes = nodes_of(&tile.chunks(32).map(|leaf| leaf.try_into().unwrap()).collect::<Vec<_>>());
    for old in &heads {
        for new in &heads[usize::try_from(old.size).unwrap()..] {
            let proof = tree::consistency_proof(old.size, new.size, &mut |level, n| nodes.get(&(level, n)).copied().ok_or(())).unwrap();
            assert!(tree::verify_consistency(old.size, new.size, &proof, &old.root, &new.root));
        }
    }
}

fn nodes_of(leaves: &[Hash]) -> BTreeMap<(u32, u64), Hash> {
    let mut frontier = Frontier::new();
    let mut nodes = BTreeMap::new();
    for (index, leaf) in (0u64..).zip(leaves) {
        for (level, node) in (0u32..).zip(frontier.push(*leaf)) {
            nodes.insert((level, index >> level), node);
        }
    }
    nodes
}

#[test]
fn published_notes_open_and_malformed_keys_do_not() {
    let vectors = value("c2sp-notes/notes.json");
    let example = &vectors["c2sp_example"];
    let verifier = NoteVerifier::parse(example["vkey"].as_str().unwrap()).unwrap();
    let signed = text("c2sp-notes/c2sp-signed-note-example.note");
    assert!(signed.starts_with(&note::open(&signed, &verifier).unwrap()));
    assert_eq!(verifier.vkey(), example["vkey"].as_str().unwrap());

    let peter = &vectors["gomod_peter"];
    let (words, peters) = (peter["text"].as_str().unwrap(), peter["sig_line"].as_str().unwrap());
    let enochs = vectors["gomod_enoch"]["sig_line"].as_str().unwrap();
    let both = format!("{words}\n{peters}{enochs}");
    for signer in ["gomod_peter", "gomod_enoch"] {
        let verifier = NoteVerifier::parse(vectors[signer]["vkey"].as_str().unwrap()).unwrap();
        assert_eq!(note::open(&both, &verifier).unwrap(), words);
    }
    let seed = STANDARD.decode(peter["skey"].as_str().unwrap().splitn(5, '+').last().unwrap()).unwrap();
    let signer = NoteSigner::from_seed("PeterNeumann", seed[1..].try_into().unwrap()).unwrap();
    assert_eq!(signer.vkey(), peter["vkey"].as_str().unwrap());
    assert_eq!(note::sign(words, &signer), format!("{words}\n{peters}"));

    for bad in vectors["bad_vkeys"].as_array().unwrap() {
        assert!(matches!(NoteVerifier::parse(bad.as_str().unwrap()), Err(NoteError::Form(why)) if why.starts_with("the verifier key")), "{bad}");
    }
}

#[test]
fn notes_are_read_strictly() {
    let signer = NoteSigner::from_seed("localhost:8080/ledger", [1; 32]).unwrap();
    let other = NoteSigner::from_seed("localhost:8080/ledger", [2; 32]).unwrap();
    let good = note::sign("a\n\nb\n", &signer);
    assert_eq!(note::open(&good, signer.verifier()).as_deref(), Ok("a\n\nb\n"));
    assert_eq!(note::open(&good, other.verifier()), Err(NoteError::Unsigned));
    let line = good.lines().last().unwrap();
    // 68 bytes end in two base64 digits with four unused bits: the other spellings are refused
    let (body, last) = line.strip_suffix("=").unwrap().split_at(line.len() - 2);
    let next = char::from(last.as_bytes()[0] + 1);
    assert!(matches!(note::open(&good.replace(line, &format!("{body}{next}=")), signer.verifier()), Err(NoteError::Form(_))));
    let forged = good.replacen('a', "c", 1);
    assert_eq!(note::open(&forged, signer.verifier()), Err(NoteError::Signature));
    for wrong in [
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        format!("{good}\n"),
        good.replace("\u{2014} ", "- "),
        good.replace("\n\n\u{2014}", "\n\u{2014}"),
    ] {
        assert!(note::open(&wrong, signer.verifier()).is_err(), "{wrong:?}");
    }
    let many = format!("{good}{}", format!("\u{2014} other {}\n", STANDARD.encode([0; 68])).repeat(100));
    assert_eq!(note::open(&many, signer.verifier()), Err(NoteError::Form("the note has too many signatures")));
    assert!(matches!(NoteSigner::from_seed("a+b", [1; 32]), Err(NoteError::Form(why)) if why.starts_with("the key name")));
}

#[test]
fn checkpoints_and_receipts_are_read_strictly() {
    let signer = NoteSigner::from_seed("localhost:8080/ledger", [1; 32]).unwrap();
    let root = STANDARD.encode([7; 32]);
    for wrong in [
        format!("o\n01\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n1\n{root}\nextension\n"),
        format!("o\n1\n{root}"),
        format!("o p\n1\n{root}\n"),
        format!("o\n0\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        "o\n1\nAAAA\n".to_owned(),
    ] {
        assert_eq!(Checkpoint::parse(&wrong), Err(NoteError::Form("the checkpoint is not three lines of origin, size and root")), "{wrong:?}");
    }
    let stranger = Checkpoint { origin: "other".to_owned(), size: 1, root: [7; 32] }.sign(&signer);
    assert_eq!(Checkpoint::open(&stranger, signer.verifier()), Err(NoteError::Origin("other".to_owned())));

    let head = Checkpoint { origin: "localhost:8080/ledger".to_owned(), size: 1, root: [7; 32] }.sign(&signer);
    let receipt = TlogProof { index: 0, hashes: vec![], checkpoint: head };
    assert_eq!(TlogProof::parse(&receipt.write()).as_ref(), Ok(&receipt));
    assert!(receipt.verify(&[7; 32], signer.verifier()).is_ok());
    assert!(TlogProof::parse(&receipt.write().replace("index 0", "extra AAAA\nindex 0")).is_ok());
    for (from, to) in [
        ("index 0", "index +0"),
        ("index 0", "index 00"),
        ("@v1\n", "@v2\n"),
        ("index 0", "extra AAA\nindex 0"),
        ("index 0\n", "index 0\nAAAA\n"),
        ("index 0\n", "\nindex 0\n"),
        ("index 0\n", "index 0\r\n"),
    ] {
        assert!(TlogProof::parse(&receipt.write().replacen(from, to, 1)).is_err(), "{to:?}");
    }
}

#[test]
fn encoded_status_lists_have_the_bits_that_they_say() {
    for vector in value("bitstring-status-list/encoded-lists.json").as_array().unwrap() {
        let (name, encoded) = (vector["name"].as_str().unwrap(), vector["encodedList"].as_str().unwrap());
        let set: Vec<u64> = vector["setBits"].as_array().unwrap().iter().map(|bit| bit.as_u64().unwrap()).collect();
        let decoded = StatusList::decode(encoded);
        if name.contains("must be refused") {
            assert!(decoded.is_err(), "{name}");
            continue;
        }
        let list = decoded.unwrap();
        let bits = 8 * vector["bytes"].as_u64().unwrap();
        assert_eq!((list.get(bits - 1).is_some(), list.get(bits)), (true, None), "{name}");
        assert_eq!((0..bits).filter(|bit| list.get(*bit) == Some(true)).collect::<Vec<_>>(), set, "{name}");
        let mut ours = StatusList::default();
        assert!(set.iter().all(|bit| ours.set(*bit)));
        assert_eq!(ours, list);
        assert_eq!(StatusList::decode(&ours.encode()).unwrap(), list);
    }
    // The bits, not the text: gzip may be written in several ways, and the service and the auditor's build link different writers.
    let golden = value("golden-itad/status-1.vc.json");
    assert_eq!(StatusList::decode(golden["credentialSubject"]["encodedList"].as_str().unwrap()).unwrap(), StatusList::default());
    assert_eq!(StatusList::default().get(131_072), None);
    assert!(!StatusList::default().set(131_072));
}

#[test]
fn a_status_list_that_unpacks_without_end_is_refused() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..40 {
        gzip.write_all(&[0; 1 << 16]).unwrap();
    }
    let bomb = format!("u{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(gzip.finish().unwrap()));
    assert!(bomb.len() < 10_000 && StatusList::decode(&bomb).is_err());
}

#[test]
fn the_golden_example_verifies_with_the_same_keys_and_bytes() {
    let did = DidDocument::parse(&read("golden-itad/did.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&did.to_bytes()).unwrap(), value("golden-itad/did.json"));
    let signer = |kind: &str| Signer::from_seed(format!("did:web:itad.example#{kind}-2026"), sha256(format!("itad example {kind} key").as_bytes()));
    for kind in ["issuer", "entry"] {
        assert_eq!(did.key(signer(kind).verification_method()), Some(signer(kind).public()));
    }
    let resigned = |bytes: &[u8], kind: &str| {
        let mut document = canonical::parse(bytes).unwrap();
        let created = document["proof"]["created"].as_str().unwrap().to_owned();
        document.as_object_mut().unwrap().remove("proof");
        integrity::secure(document, &signer(kind), &created).unwrap()
    };
    for name in ["certificate.vc.json", "status-1.vc.json", "status-1.revoked.vc.json"] {
        let bytes = read(&format!("golden-itad/{name}"));
        assert_eq!(integrity::verify(&canonical::parse(&bytes).unwrap(), &did, ISSUER_SCOPE), Ok(()), "{name}");
        assert_eq!(resigned(&bytes, "issuer"), bytes, "{name}");
    }
    for (name, bit) in [("status-1.vc.json", false), ("status-1.revoked.vc.json", true)] {
        let list = status::read(&read(&format!("golden-itad/{name}")), &did).unwrap();
        assert_eq!((list.url.as_str(), list.list.get(94567)), ("https://itad.example/status/1", Some(bit)));
    }

    let vkeys = text("golden-itad/vkeys.txt");
    let log = NoteVerifier::parse(vkeys.lines().find_map(|line| line.strip_prefix("log ")).unwrap()).unwrap();
    let log_signer = NoteSigner::from_seed("itad.example/ledger", sha256(b"itad example log key")).unwrap();
    assert_eq!(log_signer.verifier(), &log);
    let head = Checkpoint::open(&text("golden-itad/checkpoint"), &log).unwrap();
    assert_eq!(head.sign(&log_signer), text("golden-itad/checkpoint.unwitnessed"));
    let (mut frontier, mut prev, mut leaves) = (Frontier::new(), GENESIS_PREV, Vec::new());
    for seq in 0..5 {
        let bytes = read(&format!("golden-itad/entry-{seq}.json"));
        let entry = canonical::parse(&bytes).unwrap();
        assert_eq!(integrity::verify(&entry, &did, ENTRY_SCOPE), Ok(()));
        assert_eq!(resigned(&bytes, "entry"), bytes);
        assert_eq!(entry["prev"].as_str().and_then(from_hex), Some(prev));
        prev = tree::leaf_hash(&bytes);
        frontier.push(prev);
        leaves.push(prev);
        let receipt = text(&format!("golden-itad/entry-{seq}.tlog-proof"));
        let proof = TlogProof::parse(&receipt).unwrap();
        assert_eq!(proof.write(), receipt);
        assert_eq!(proof.verify(&prev, &log).as_ref(), Ok(&head));
        if seq == 2 {
            let early = Checkpoint::open(&text("golden-itad/checkpoint.3"), &log).unwrap();
            assert_eq!(early.root, frontier.root());
        }
    }
    assert_eq!(frontier.root(), head.root);
    let nodes = nodes_of(&leaves);
    for seq in 0..5 {
        let ours = tree::inclusion_proof(seq, 5, &mut |level, n| nodes.get(&(level, n)).copied().ok_or(())).unwrap();
        assert_eq!(ours, TlogProof::parse(&text(&format!("golden-itad/entry-{seq}.tlog-proof"))).unwrap().hashes);
    }
    let cited = &value("golden-itad/certificate.vc.json")["evidence"][0];
    assert_eq!(cited["digestMultibase"].as_str().unwrap(), multibase(&sha256(&read("golden-itad/entry-2.json"))));

    let probe = |name: &str| integrity::verify(&value(&format!("golden-itad/probe/{name}.json")), &did, ISSUER_SCOPE);
    assert_eq!(probe("ok"), Ok(()));
    for refused in ["no-proof-context", "proof-array", "unicode-keys", "numbers", "status-foreign-issuer"] {
        assert!(probe(refused).is_err(), "{refused}");
    }
    let house = Trust { did, log };
    let foreign = Bundle::from_bytes(&read("golden-itad/probe/foreign-issuer.json")).unwrap();
    assert_eq!(failed(&verify::certificate(&foreign, &house, None, None)), [Finding::Issuer]);
    let golden = Bundle::from_bytes(&read("golden-itad/certificate.vc.json")).unwrap();
    assert_eq!(verify::certificate(&golden, &house, Some(&read("golden-itad/status-1.vc.json")), None).verdict.exit_code(), 3);
    assert_eq!(verify::certificate(&golden, &house, Some(&read("golden-itad/status-1.revoked.vc.json")), None).verdict.exit_code(), 1);
    let did = house.did;
    assert!(status::read(&read("golden-itad/probe/status-two-purposes.json"), &did).is_err());
    assert!(status::read(&read("golden-itad/probe/status-foreign-issuer.json"), &did).is_err());
    // a second revision was appended to this PDF
    assert_eq!(Bundle::from_bytes(&read("golden-itad/certificate.signed.pdf")), Err(BundleError::Appended));
    assert_eq!(BundleError::Appended.verdict(), Verdict::Refused);
}

const DID: &str = "did:web:localhost%3A8080";
const ORIGIN: &str = "localhost:8080/ledger";
const CERTIFICATE: &str = "http://localhost:8080/certificates/NSD-2026-7K4Q-XM2R";
const LIST: &str = "http://localhost:8080/status/1";

/// An organisation with its three keys; `seed` tells one from another.
struct House {
    entry: Signer,
    issuer: Signer,
    log: NoteSigner,
}

impl House {
    fn new(seed: u8) -> Self {
        Self {
            entry: Signer::from_seed(format!("{DID}#entry-2026"), [seed; 32]),
            issuer: Signer::from_seed(format!("{DID}#issuer-2026"), [seed + 1; 32]),
            log: NoteSigner::from_seed(ORIGIN, [seed + 2; 32]).unwrap(),
        }
    }

    fn trust(&self) -> Trust {
        let keys = [&self.issuer, &self.entry].map(|key| (key.verification_method().to_owned(), key.public()));
        Trust::from_files(&DidDocument::new(DID, &keys, None).to_bytes(), &format!("{}\n", self.log.vkey())).unwrap()
    }

    fn seal(&self, seq: u64, prev: Hash, event: &str, subject: &str, data: Value) -> Sealed {
        let frame = Frame {
            context: vec!["https://w3id.org/security/data-integrity/v2".to_owned(), "http://localhost:8080/ns/quittance/v1".to_owned()],
            log: ORIGIN.to_owned(),
            seq,
            prev,
            time: format!("2026-11-23T10:31:0{seq}.009Z"),
            occurred: "2026-11-23T10:31:00Z".to_owned(),
            event: event.to_owned(),
            actor: Actor {
                id: "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b11".to_owned(),
                role: "vendor_operator".to_owned(),
                party: "urn:uuid:7".to_owned(),
            },
            subjects: vec![Subject { id: subject.to_owned(), kind: "Asset".to_owned() }],
            batch: None,
            data,
        };
        seal(&frame, &self.entry).unwrap()
    }

    fn status(&self, revoked: bool, valid_from: &str) -> Vec<u8> {
        let mut list = StatusList::default();
        assert!(!revoked || list.set(94567));
        let contexts = ["https://www.w3.org/ns/credentials/v2".to_owned()];
        integrity::secure(status::credential(LIST, json!({"id": DID}), &contexts, valid_from, &list), &self.issuer, valid_from).unwrap()
    }

    /// The parts of a certificate over the second entry of a log with four.
    fn bundle(&self) -> Bundle {
        self.bundle_citing(json!({"v": 1, "method": "purge", "result": "pass"}))
    }

    /// The same, where the entry that it cites holds this.
    fn bundle_citing(&self, data: Value) -> Bundle {
        let genesis = self.seal(0, GENESIS_PREV, "log.genesis", ORIGIN, json!({"v": 1}));
        let sanitized = self.seal(1, genesis.leaf, "media.sanitized", "urn:uuid:1", data);
        let credential = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", "http://localhost:8080/ns/quittance/v1"], "id": CERTIFICATE,
            "type": ["VerifiableCredential", "CertificateOfSanitization"], "name": "Certificate of sanitization NSD-2026-7K4Q-XM2R",
            "issuer": {"id": DID, "name": "Northside School District"}, "validFrom": "2026-11-23T11:05:00Z",
            "credentialSubject": {"id": "urn:uuid:1", "type": "Asset"},
            "evidence": [{"id": "http://localhost:8080/ledger/entries/1", "type": ["LedgerEntryEvidence"], "name": "media.sanitized",
                "ledgerOrigin": ORIGIN, "ledgerIndex": 1, "leafHash": hex(&sanitized.leaf), "digestMultibase": multibase(&sha256(&sanitized.bytes))}],
            "credentialStatus": {"id": format!("{LIST}#94567"), "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
                "statusListIndex": "94567", "statusListCredential": LIST},
        });
        let credential = integrity::secure(credential, &self.issuer, "2026-11-23T11:05:00Z").unwrap();
        let issued = self.seal(
            2,
            sanitized.leaf,
            "certificate.issued",
            CERTIFICATE,
            json!({"v": 1, "credential": CERTIFICATE, "credential_sha256": hex(&sha256(&credential))}),
        );
        let later = self.seal(3, issued.leaf, "asset.registered", "urn:uuid:2", json!({"v": 1}));
        let leaves = [&genesis, &sanitized, &issued, &later].map(|entry| entry.leaf);
        let nodes = nodes_of(&leaves);
        let mut read = |level: u32, n: u64| nodes.get(&(level, n)).copied().ok_or(());
        let head = Checkpoint { origin: ORIGIN.to_owned(), size: 4, root: tree::root_at(4, &mut read).unwrap() }.sign(&self.log);
        let mut receipt =
            |index| TlogProof { index, hashes: tree::inclusion_proof(index, 4, &mut read).unwrap(), checkpoint: head.clone() }.write().into_bytes();
        Bundle::from_parts([
            (bundle::CREDENTIAL.to_owned(), credential),
            (bundle::ENTRY.to_owned(), issued.bytes),
            (bundle::RECEIPT.to_owned(), receipt(2)),
            (bundle::STATUS.to_owned(), self.status(false, "2026-11-23T11:05:00Z")),
            ("entries/1.json".to_owned(), sanitized.bytes),
            ("entries/1.tlog-proof".to_owned(), receipt(1)),
        ])
        .unwrap()
    }

    fn now(&self) -> Vec<u8> {
        self.status(false, "2026-12-01T00:00:00Z")
    }

    fn check(&self, bundle: &Bundle) -> Report {
        verify::certificate(bundle, &self.trust(), Some(&self.now()), None)
    }
}

fn failed(report: &Report) -> Vec<Finding> {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_))).map(|check| check.finding).collect()
}

fn not_run(report: &Report) -> Vec<Finding> {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotRun(_))).map(|check| check.finding).collect()
}

#[test]
fn a_whole_bundle_is_authentic_and_says_what_it_lacks() {
    let house = House::new(10);
    let report = house.check(&house.bundle());
    assert_eq!((report.verdict, failed(&report), not_run(&report)), (Verdict::Authentic, vec![], vec![]), "{:#}", report.to_json());
    assert_eq!((report.verdict.exit_code(), report.checks.len()), (0, 10));
    assert_eq!(report.to_json()["verdict"], "authentic");

    let without = |names: &[&str]| {
        let mut bundle = house.bundle();
        names.iter().for_each(|name| drop(bundle.parts.remove(*name)));
        bundle
    };
    let offline = verify::certificate(&house.bundle(), &house.trust(), None, None);
    assert_eq!((offline.verdict.exit_code(), not_run(&offline)), (3, vec![Finding::StatusNow]));
    let bare = house.check(&Bundle::from_bytes(house.bundle().part(bundle::CREDENTIAL).unwrap()).unwrap());
    assert_eq!(bare.verdict.exit_code(), 3);
    assert!(not_run(&bare).contains(&Finding::EntrySignature) && not_run(&bare).contains(&Finding::Inclusion));
    let uncited = house.check(&without(&["entries/1.json", "entries/1.tlog-proof", bundle::STATUS]));
    assert_eq!((uncited.verdict, not_run(&uncited)), (Verdict::Authentic, vec![Finding::CitedEntry { seq: 1 }, Finding::StatusSnapshot]));
    let unproven = house.check(&without(&["entries/1.tlog-proof"]));
    assert_eq!((unproven.verdict, not_run(&unproven)), (Verdict::Authentic, vec![Finding::CitedEntry { seq: 1 }]));
    assert_eq!(house.check(&without(&[bundle::CREDENTIAL])).verdict, Verdict::Unreadable);
    assert_eq!(house.check(&without(&[bundle::RECEIPT])).verdict.exit_code(), 3);
}

#[test]
fn what_somebody_signed_elsewhere_lends_nothing_to_an_entry() {
    let house = House::new(10);
    let key = Signer::from_seed(String::new(), [50; 32]).public().multibase();
    let own = Signer::from_seed(format!("did:key:{key}#{key}"), [50; 32]);
    let citing = |what: &str| {
        let statement = json!({"@context": ["https://w3id.org/security/data-integrity/v2"], "type": "Statement", "what": what,
            "about": "urn:uuid:1", "when": "2026-11-23T10:31:00Z", "says": {"medium": "urn:uuid:1"}});
        let signed: Value = serde_json::from_slice(&integrity::secure(statement, &own, "2026-11-23T10:31:00Z").unwrap()).unwrap();
        house.bundle_citing(json!({"v": 1, "method": "purge", "result": "pass", "signed": signed}))
    };
    let alone = |bundle: &Bundle| failed(&verify::ledger_entry(bundle.part("entries/1.json").unwrap(), None, &house.trust()));
    let good = citing("record_sanitization");
    assert_eq!((house.check(&good).verdict, alone(&good)), (Verdict::Authentic, vec![]));
    let lent = citing("verify_sanitization");
    assert_eq!((failed(&house.check(&lent)), alone(&lent)), (vec![Finding::CitedEntry { seq: 1 }], vec![Finding::OwnSignature]));
}

#[test]
fn keys_that_are_not_trusted_prove_nothing_however_complete_the_bundle() {
    let (house, forger) = (House::new(10), House::new(40));
    let forged = forger.bundle();
    assert_eq!(forger.check(&forged).verdict, Verdict::Authentic);
    let report = house.check(&forged);
    assert_eq!(report.verdict, Verdict::Refused);
    for finding in [Finding::CredentialSignature, Finding::EntrySignature, Finding::LogSignature, Finding::StatusSnapshot] {
        assert!(failed(&report).contains(&finding), "{finding:?}");
    }
    let other = Trust { did: DidDocument::new("did:web:other.example", &[], None), ..house.trust() };
    assert!(failed(&verify::certificate(&house.bundle(), &other, None, None)).contains(&Finding::Issuer));

    // one stolen key is not enough: an issuer key cannot make entries, and an entry key cannot make certificates
    let swapped = House { entry: House::new(10).issuer, issuer: House::new(10).entry, log: House::new(10).log };
    let report = house.check(&swapped.bundle());
    assert!(failed(&report).contains(&Finding::CredentialSignature) && failed(&report).contains(&Finding::EntrySignature));
}

#[test]
fn parts_of_other_certificates_are_noticed() {
    let house = House::new(10);
    let genuine = house.bundle();
    let with = |name: &str, bytes: Vec<u8>| {
        let mut bundle = house.bundle();
        bundle.parts.insert(name.to_owned(), bytes);
        failed(&house.check(&bundle))
    };
    let part = |name: &str| genuine.part(name).unwrap().to_vec();
    assert_eq!(with(bundle::ENTRY, part("entries/1.json")), [Finding::EntryNamesCredential, Finding::Inclusion, Finding::CitedEntry { seq: 1 }]);
    assert_eq!(with(bundle::RECEIPT, part("entries/1.tlog-proof")), [Finding::Inclusion]);
    assert_eq!(with("entries/1.json", part(bundle::ENTRY)), [Finding::CitedEntry { seq: 1 }]);
    assert_eq!(with("entries/1.tlog-proof", part(bundle::RECEIPT)), [Finding::CitedEntry { seq: 1 }]);
    let fork = Checkpoint { origin: ORIGIN.to_owned(), size: 4, root: [1; 32] }.sign(&house.log);
    let fork = TlogProof { index: 1, hashes: vec![], checkpoint: fork }.write().into_bytes();
    assert_eq!(with("entries/1.tlog-proof", fork), [Finding::CitedEntry { seq: 1 }]);
}

#[test]
fn a_revocation_shows_wherever_it_stands_and_only_a_fresh_list_clears() {
    let house = House::new(10);
    let check = |status: &[u8]| verify::certificate(&house.bundle(), &house.trust(), Some(status), None);
    let report = check(&house.status(true, "2026-12-01T00:00:00Z"));
    assert_eq!((report.verdict.exit_code(), failed(&report)), (1, vec![Finding::StatusNow]));
    let mut bundle = house.bundle();
    bundle.parts.insert(bundle::STATUS.to_owned(), house.status(true, "2026-11-24T00:00:00Z"));
    let report = house.check(&bundle);
    assert_eq!((report.verdict.exit_code(), failed(&report)), (1, vec![Finding::StatusSnapshot]));
    let older = check(&house.status(false, "2026-11-01T00:00:00Z"));
    assert_eq!((older.verdict.exit_code(), not_run(&older)), (3, vec![Finding::StatusNow]));
    assert_eq!(failed(&check(&House::new(40).now())), [Finding::StatusNow]);
    let contexts = ["https://www.w3.org/ns/credentials/v2".to_owned()];
    let elsewhere = status::credential("http://localhost:8080/status/2", json!(DID), &contexts, "2026-12-01T00:00:00Z", &StatusList::default());
    let elsewhere = integrity::secure(elsewhere, &house.issuer, "2026-12-01T00:00:00Z").unwrap();
    assert_eq!(failed(&check(&elsewhere)), [Finding::StatusNow]);
}

#[test]
fn a_ledger_entry_is_checked_alone_or_with_its_receipt() {
    let house = House::new(10);
    let bundle = house.bundle();
    let (entry, receipt) = (bundle.part("entries/1.json").unwrap(), bundle.part("entries/1.tlog-proof").unwrap());
    assert_eq!(verify::ledger_entry(entry, Some(receipt), &house.trust()).verdict, Verdict::Authentic);
    assert_eq!(verify::ledger_entry(entry, None, &house.trust()).verdict, Verdict::AuthenticNotFullyChecked);
    assert_eq!(verify::ledger_entry(entry, Some(receipt), &House::new(40).trust()).verdict, Verdict::Refused);
    assert_eq!(verify::ledger_entry(b"%PDF-", None, &house.trust()).verdict, Verdict::Unreadable);
}

/// Each byte changed, one at a time, in two ways.
fn each_change(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).flat_map(move |at| {
        [0x01, 0x20].map(|mask| {
            let mut changed = bytes.to_vec();
            changed[at] ^= mask;
            (at, changed)
        })
    })
}

#[test]
fn no_part_survives_a_change_of_any_byte() {
    let house = House::new(10);
    let (bundle, trust) = (house.bundle(), house.trust());
    let part = |name: &str| bundle.part(name).unwrap();

    for (at, changed) in each_change(part(bundle::CREDENTIAL)) {
        let holds = canonical::parse(&changed).is_ok_and(|value| integrity::verify(&value, &trust.did, ISSUER_SCOPE).is_ok());
        assert!(!holds, "credential, byte {at}");
    }
    for (at, changed) in each_change(part(bundle::ENTRY)) {
        assert!(!Entry::parse(&changed).is_ok_and(|entry| entry.verify(&trust.did).is_ok()), "entry, byte {at}");
    }
    for (at, changed) in each_change(part(bundle::STATUS)) {
        assert!(status::read(&changed, &trust.did).is_err(), "status list, byte {at}");
    }
    let leaf = tree::leaf_hash(part(bundle::ENTRY));
    let receipt = part(bundle::RECEIPT);
    for (at, changed) in each_change(receipt) {
        let holds = String::from_utf8(changed).is_ok_and(|text| TlogProof::parse(&text).is_ok_and(|proof| proof.verify(&leaf, &trust.log).is_ok()));
        assert!(!holds, "receipt, byte {at}");
    }
    let head = TlogProof::parse(std::str::from_utf8(receipt).unwrap()).unwrap().checkpoint;
    for (at, changed) in each_change(head.as_bytes()) {
        assert!(!String::from_utf8(changed).is_ok_and(|text| Checkpoint::open(&text, &trust.log).is_ok()), "checkpoint, byte {at}");
    }
    // through the front door, for every part that can travel along, and cut short at every length
    for (name, bytes) in &bundle.parts {
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bundle.clone();
            let part = changed.parts.get_mut(name).unwrap();
            part[at] ^= 0x02;
            assert!(matches!(house.check(&changed).verdict, Verdict::Refused | Verdict::Unreadable), "{name}, byte {at}");
            changed.parts.get_mut(name).unwrap().truncate(at);
            assert!(matches!(house.check(&changed).verdict, Verdict::Refused | Verdict::Unreadable), "{name}, cut at {at}");
        }
    }
}

/// A small PDF with these attachments, every second one deflated.
fn pdf(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xc3\xa2\xc3\xa3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/Lang(en \\(US\\))/Scale -1.50>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0/Open true>>\nendobj\n".to_vec();
    for (position, (name, content)) in files.iter().enumerate() {
        let deflated = position % 2 == 1;
        let mut packed = content.to_vec();
        if deflated {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            zlib.write_all(content).unwrap();
            packed = zlib.finish().unwrap();
        }
        let (stream, specification) = (10 + 2 * position, 11 + 2 * position);
        let filter = if deflated { "/Filter/FlateDecode" } else { "" };
        out.extend(format!("{stream} 0 obj\n<</Type/EmbeddedFile/Length {}{filter}>>stream\n", packed.len()).bytes());
        out.extend(&packed);
        out.extend(
            format!(
                "\nendstream\nendobj\n{specification} 0 obj\n<</Type/Filespec/F({name})/UF({name})/Desc<FEFF00e9>/EF<</F {stream} 0 R>>>>\nendobj\n"
            )
            .bytes(),
        );
    }
    out.extend(b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF");
    out
}

#[test]
fn a_pdf_gives_its_attachments_and_is_checked_page_for_page() {
    let house = House::new(10);
    let parts = house.bundle().parts;
    let attached: Vec<(String, &[u8])> = parts.iter().map(|(name, bytes)| (name.replace("entries/", "entries-"), bytes.as_slice())).collect();
    let file = pdf(&attached.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect::<Vec<_>>());
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert_eq!(bundle.parts, parts);

    let drawn = Cell::new(0);
    let redraw = |_: &Bundle| {
        drawn.set(drawn.get() + 1);
        Ok(file.clone())
    };
    let check = |bundle: &Bundle| verify::certificate(bundle, &house.trust(), Some(&house.now()), Some(&redraw));
    assert_eq!((check(&bundle).verdict, drawn.get()), (Verdict::Authentic, 1));
    let cannot = verify::certificate(&bundle, &house.trust(), Some(&house.now()), None);
    assert_eq!((cannot.verdict.exit_code(), not_run(&cannot)), (3, vec![Finding::Pages]));
    let unknown = verify::certificate(&bundle, &house.trust(), Some(&house.now()), Some(&|_| Err("no such template".to_owned())));
    assert_eq!((unknown.verdict.exit_code(), not_run(&unknown)), (3, vec![Finding::Pages]));

    for at in (0..file.len()).step_by(3) {
        let mut changed = file.clone();
        changed[at] ^= 0x01;
        let verdict = Bundle::from_bytes(&changed).map_or_else(|why| why.verdict(), |bundle| check(&bundle).verdict);
        assert!(matches!(verdict, Verdict::Refused | Verdict::Unreadable), "byte {at}: {verdict:?}");
    }
    for length in (0..file.len()).step_by(5) {
        assert!(Bundle::from_bytes(&file[..length]).is_err(), "cut at {length}");
    }
    assert_eq!(Bundle::from_bytes(&[file.as_slice(), b"\n1 0 obj\n"].concat()), Err(BundleError::Appended));
    assert!(Bundle::from_bytes(&[file.as_slice(), b"\r\n"].concat()).is_ok());
}

#[test]
fn pdfs_that_ask_for_too_much_are_refused() {
    let form = |why: &str| Err(BundleError::Form(why.to_owned()));
    let vc = bundle::CREDENTIAL;
    assert_eq!(Bundle::from_bytes(&pdf(&[(vc, b"{}"), (vc, b"{}")])), form(&format!("there are two parts called {vc}")));
    assert_eq!(
        Bundle::from_bytes(&pdf(&[("a.txt", b"{}")])),
        form("this PDF does not carry certificate.vc.json, so it is not one of these certificates")
    );
    let big = vec![b' '; bundle::MAX_PART_BYTES + 1];
    let unread = |bytes: &[u8]| matches!(Bundle::from_bytes(bytes), Err(BundleError::Form(why)) if why.starts_with("this PDF cannot be read: "));
    assert!(unread(&pdf(&[("a", b""), (vc, &big)])));
    assert_eq!(Bundle::from_bytes(&pdf(&[(vc, &big)])), form("a part of this bundle is larger than 4 MB"));
    let many: Vec<String> = (0..2_049).map(|n| format!("{n}.json")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::from_bytes(&pdf(&many)), form("this bundle has too many parts"));
    assert_eq!(Bundle::from_bytes(&pdf(&[&many[1..2_048], &[(vc, b"{}")]].concat())).unwrap().parts.len(), 2_048);
    let part = vec![b' '; bundle::MAX_PART_BYTES];
    let deflated: Vec<(String, &[u8])> = (0..34).map(|n| (format!("{n}.json"), if n % 2 == 1 { &part[..] } else { &b""[..] })).collect();
    let deflated: Vec<(&str, &[u8])> = deflated.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    assert_eq!(Bundle::from_bytes(&pdf(&deflated)), form("the parts of this bundle are together larger than 64 MB"));
    for body in [
        "[".repeat(100_000),
        "<</A ".repeat(100_000),
        "[0 ".to_owned() + &"0 ".repeat(1_100_000),
        "<</A 1/A 2>>".to_owned(),
        "(((".to_owned(),
        "<4".to_owned(),
        "<</Length 99999999999999999999>>stream\n".to_owned(),
        "<</Length 9999>>stream\nendstream".to_owned(),
    ] {
        let file = format!("%PDF-1.7\n1 0 obj\n{body}\nendobj\nxref\n%%EOF");
        assert!(unread(file.as_bytes()), "{}", &body[..body.len().min(30)]);
    }
    assert_eq!(Bundle::from_bytes(b"PK\x03\x04"), form("this is neither a PDF nor a JSON credential"));
    assert_eq!(
        Bundle::from_parts([("entries/1.json".to_owned(), vec![]), ("entries-1.json".to_owned(), vec![])]),
        form("there are two parts called entries/1.json")
    );
}
