//! Settings: where people, access, mail and the policy are looked after, the policy in words, and whether the machine that keeps the record is well.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use actix_web::HttpResponse;
use askama::Template;

use super::page::{self, Page, When, capital, short};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, ROUTES, block};
use crate::app::{App, now};
use crate::documents::policy_text;
use crate::domain::disposition::Destination;
use crate::domain::names::{Instant, Role, Sensitivity};
use crate::error::Result;
use crate::operations::{govern, publish_checkpoint};
use crate::store::{derived, log};

/// The organisation's own people.
const OWN: &[Role] = &[Role::Coordinator, Role::Approver, Role::Auditor, Role::Reports, Role::Administrator];
/// Clocks that are further apart than this make entries that look wrong.
const APART_MS: i64 = 120_000;

/// A part of the settings that has a page of its own.
struct Part {
    address: &'static str,
    title: &'static str,
    about: &'static str,
}

/// The parts, as far as this program has their pages: address, title, what is there, who uses it.
const PARTS: &[(&str, &str, &str, &[Role])] = &[
    ("/account", "Your account", "Password, second factor, signed-in browsers, tokens for programs.", OWN),
    ("/people", "People", "Who may sign in, as what, for which site; invitations.", &[Role::Administrator]),
    ("/administration", "Administrative acts", "Who changed what about people and access.", &[Role::Administrator, Role::Auditor]),
    ("/mail", "Mail", "Letters that wait, that were sent and that failed.", &[Role::Administrator]),
    ("/assets/import", "Import an inventory", "A file of another system, tried out first.", &[Role::Administrator, Role::Coordinator]),
    ("/settings/policy", "Policy", "Which method is the least for which data, and what each technique reaches.", OWN),
    ("/settings/system", "System", "Disk, clock, database, keys and version.", OWN),
    ("/ledger/heads", "Keys and signed heads", "The keys of the record, and its checkpoints.", OWN),
];

#[derive(Template)]
#[template(path = "settings/index.html")]
struct IndexPage {
    page: Page,
    parts: Vec<Part>,
}

/// `GET /settings`
pub async fn index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(OWN)?;
    let there = |address: &str| ROUTES.iter().any(|(method, path)| *method == "get" && *path == address);
    let parts = PARTS.iter().filter(|(address, _, _, roles)| there(address) && roles.contains(&viewer.actor.role));
    let parts = parts.map(|(address, title, about, _)| Part { address, title, about });
    page::render(&IndexPage { page: Page::new(&state, "Settings", Some(&viewer)), parts: parts.collect() })
}

/// A row of the decision table: how confidential, and the least method for each destination.
struct Least {
    sensitivity: String,
    methods: Vec<String>,
}

/// A rule in words.
struct Rule {
    id: String,
    media: String,
    technique: &'static str,
    reaches: String,
    needs: Vec<&'static str>,
    basis: String,
}

/// The decision that adopted it.
struct Adopted {
    reference: String,
    on: String,
    seq: u64,
}

/// What the organisation attests of a model.
struct Attested {
    model: String,
    says: String,
    by: String,
}

#[derive(Template)]
#[template(path = "settings/policy.html")]
struct PolicyPage {
    page: Page,
    name: String,
    version: String,
    digest: String,
    short: String,
    /// Who has to do what before anything is certified.
    not_adopted: Option<String>,
    /// This viewer may adopt it now.
    adopts: bool,
    adopted: Option<Adopted>,
    principles: Vec<crate::domain::policy::Principle>,
    attestations: Vec<Attested>,
    destinations: Vec<String>,
    least: Vec<Least>,
    bases: Vec<String>,
    rules: Vec<Rule>,
}

/// `GET /settings/policy`: the policy in force, in words.
pub async fn policy(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(OWN)?;
    let pack = &state.service.app.policy;
    let mut bases: Vec<String> = pack.minimum.iter().map(|row| row.basis.clone()).collect();
    bases.sort();
    bases.dedup();
    let least = |sensitivity: &Sensitivity| Least {
        sensitivity: capital(sensitivity.label()),
        methods: Destination::ALL.iter().map(|destination| pack.least(*sensitivity, *destination).label().to_owned()).collect(),
    };
    let rule = |rule: &crate::domain::policy::Rule| Rule {
        id: rule.id.clone(),
        media: rule.media.iter().map(|media| media.label()).collect::<Vec<_>>().join(", "),
        technique: rule.technique.label(),
        reaches: rule.reaches.label().to_owned(),
        needs: rule.needs.iter().map(|need| need.label()).collect(),
        basis: rule.basis.clone(),
    };
    let attested = |attested: &crate::domain::policy::Attestation| Attested {
        model: format!("{} {}", attested.manufacturer, attested.model),
        says: format!("“{}” reaches {}", attested.technique.label(), attested.reaches.label()),
        by: format!("{}, {}, {}", attested.stated_by, attested.stated_on, attested.reference),
    };
    let adoption = govern::adopted(&state.service)?;
    page::render(&PolicyPage {
        page: Page::new(&state, "Policy", Some(&viewer)),
        name: pack.name.clone(),
        version: pack.version.clone(),
        short: short(pack.digest.as_str()),
        digest: pack.digest.to_string(),
        adopts: adoption.is_none() && super::actions::role_may(&viewer, "adopt_policy"),
        not_adopted: govern::not_adopted(&state.service)?,
        adopted: adoption.map(|adoption| Adopted {
            reference: adoption.reference.to_string(),
            on: adoption.decided_on.format("%-d %b %Y").to_string(),
            seq: adoption.adopted.seq,
        }),
        principles: pack.principles.clone(),
        attestations: pack.attestations.iter().map(attested).collect(),
        destinations: Destination::ALL.iter().map(|destination| capital(destination.label())).collect(),
        least: Sensitivity::ALL.iter().map(least).collect(),
        bases,
        rules: pack.rules.iter().map(rule).collect(),
    })
}

/// `GET /settings/policy/text`: the policy in force as a board reads it, in Markdown.
pub async fn policy_text(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(OWN)?;
    let pack = &state.service.app.policy;
    let name = format!("policy-{}-{}.md", pack.name, pack.version);
    Ok(HttpResponse::Ok()
        .content_type("text/markdown; charset=utf-8")
        .insert_header((actix_web::http::header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(policy_text::written(pack)))
}

/// Something that was looked at.
struct Check {
    what: &'static str,
    good: bool,
    found: String,
    /// What to do where it is not good.
    mend: &'static str,
}

#[derive(Template)]
#[template(path = "settings/system.html")]
struct SystemPage {
    page: Page,
    checks: Vec<Check>,
    looked: When,
    version: &'static str,
}

/// Whether the folder can be written, by writing.
fn disk(data: &Path) -> Check {
    let file = data.join(".looked");
    let tried = std::fs::write(&file, b"looked").and_then(|()| std::fs::remove_file(&file));
    Check {
        what: "Disk",
        good: tried.is_ok(),
        found: tried.map_or_else(|error| format!("the data folder cannot be written: {error}"), |()| "the data folder can be written".to_owned()),
        mend: "Free space or mend the disk; nothing is recorded until then.",
    }
}

/// Files of the keys that others than their owner can read.
fn keys(folder: &Path) -> Check {
    let open = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    let files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let private: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "key")).collect();
    let bad: Vec<String> =
        private.iter().filter(|path| open(path)).filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    Check {
        what: "Keys",
        good: bad.is_empty() && !private.is_empty(),
        found: if bad.is_empty() {
            format!("{} private keys, readable by their owner alone", private.len())
        } else {
            format!("others can read {}", bad.join(", "))
        },
        mend: "chmod 600 the files, and think about who had access meanwhile.",
    }
}

fn checks(app: &App) -> Result<Vec<Check>> {
    let mut db = app.read()?;
    let head = log::head(&mut db)?.unwrap_or_else(log::empty_head);
    let version = derived::version(&mut db)?;
    let ahead = head.last_time.saturating_sub(now().unix_ms());
    let shown = publish_checkpoint::newest_shown(app, &mut db)?.map_or(0, |checkpoint| checkpoint.size);
    let size = i64::try_from(head.frontier.size()).unwrap_or(i64::MAX);
    let halted = app.halt.check();
    Ok(vec![
        Check {
            what: "Writing",
            good: halted.is_ok(),
            found: halted.map_or_else(|error| error.to_string(), |()| "commands are recorded".to_owned()),
            mend: "Mend the cause and restart the service.",
        },
        disk(&app.data),
        Check {
            what: "Clock",
            good: ahead < APART_MS,
            found: match Instant::from_unix_ms(head.last_time) {
                Some(last) => format!("now {}, newest entry {}", When::from(now()).words, When::from(last).words),
                None => format!("now {}", When::from(now()).words),
            },
            mend: "The clock is behind the newest entry: set it by NTP.",
        },
        Check {
            what: "Database",
            good: version == Some(derived::VERSION),
            found: format!(
                "{}, tables of version {}",
                if app.database.is_shared() { "PostgreSQL" } else { "SQLite" },
                version.map_or_else(|| "unknown".to_owned(), |version| version.to_string())
            ),
            mend: "Restart the service: it makes its tables anew from the log.",
        },
        Check {
            what: "Stored files",
            good: !app.files.fails(),
            found: format!("{} {}", app.files.place(), if app.files.fails() { "did not do what was asked of it last" } else { "holds them" }),
            mend: "Look into the service's log for what it answered. Files are neither stored nor read until it does its part again; nothing else waits for it.",
        },
        Check {
            what: "Signed heads",
            good: size - shown < 10_000,
            found: format!("{} entries, {} of them covered by the newest signed head", page::thousands(size), page::thousands(shown)),
            mend: "Look into the service's log for what keeps it from signing.",
        },
        keys(app.keys.folder()),
        Check {
            what: "Address",
            good: app.identity.public_url.starts_with("https://"),
            found: app.identity.public_url.clone(),
            mend: "Without HTTPS, cameras, offline scanning and checks in the browser work on this computer alone.",
        },
    ])
}

/// `GET /settings/system`
pub async fn system(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(OWN)?;
    let page = Page::new(&state, "System", Some(&viewer));
    let checks = block(&state, |service| checks(&service.app)).await?;
    page::render(&SystemPage { page, checks, looked: now().into(), version: env!("CARGO_PKG_VERSION") })
}
