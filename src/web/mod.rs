//! The HTTP door: parses, calls, renders; decides nothing. Every route stands in the one list below.

mod account;
mod actions;
mod appearance;
mod asked;
mod assets;
mod assignments;
mod bench;
mod bulk;
mod bulk_pages;
mod catalogue;
mod certificates;
mod command_forms;
mod commands;
mod consignments;
mod dashboard;
mod destructions;
mod discrepancies;
mod dock;
mod events;
mod evidence;
mod exceptions;
mod explorer;
mod exports;
mod files;
mod forms;
mod guesses;
mod handoffs;
mod headers;
mod https;
mod imports;
mod invitations;
mod known_browser;
mod labels;
mod ledger;
mod limits;
mod links;
mod mail;
mod matches;
mod notes;
mod oidc;
mod open_exceptions;
mod openings;
mod page;
mod papers;
mod parties;
mod parts;
mod people;
mod policy_reports;
mod problem;
mod receipts;
mod receivings;
mod reports;
mod request;
mod scans;
mod session;
mod settings;
mod setup;
mod sightings;
mod sign_in;
mod statics;
mod typed_records;
mod validations;
mod verifications;
mod views;
mod withholdings;
mod words;
mod writes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::{ResourceDef, ServerHandle};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Route, guard, middleware, web};
use tokio::sync::Semaphore;

use crate::app::seed;
use crate::error::{Error, Result};
use crate::operations::record::Post;
use crate::operations::{Service, deliver_mail, find_exceptions, finish_work, once, publish_checkpoint, run_bulk};
use problem::Problem;

/// Threads that answer requests; the writer has its own.
const WORKERS: usize = 2;
/// Threads of each worker that may wait for the disk or draw pages.
const WAITING_THREADS: usize = 8;
/// Large bodies that are held in memory at once: of people who are signed in, and of anyone who checks a certificate.
const UPLOADS_AT_ONCE: usize = 24;
const CHECKS_AT_ONCE: usize = 12;
/// How often connections that keep the service waiting, and bulk jobs, are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often the files of the certificate are looked at.
const CERTIFICATES: Duration = Duration::from_secs(2);

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)+) => {
        /// Every route: method and path.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path),)+];
        fn routes(config: &mut web::ServiceConfig) {
            $(config.route($path, $method().to($handler));)+
        }
    };
}

routes! {
    // For programs, with a bearer token; first what they send most, because routes are tried one after the other
    post "/api/v1/commands/{name}"                    => commands::create;
    post "/api/v1/evidence/{sha256}/readings"         => evidence::api_read;
    get  "/api/v1/commands"                           => commands::index;
    get  "/api/v1/assets"                             => assets::api_index;
    get  "/api/v1/assets/{id}"                        => assets::api_show;
    get  "/api/v1/assets/{id}/entries"                => assets::api_entries;
    get  "/api/v1/consignments"                       => consignments::api_index;
    get  "/api/v1/consignments/{id}"                  => consignments::api_show;
    get  "/api/v1/parties"                            => parties::api_index;
    get  "/api/v1/certificates"                       => certificates::api_index;
    post "/api/v1/certificates"                       => certificates::api_create;
    get  "/api/v1/certificates/{number}"              => certificates::api_show;
    post "/api/v1/certificates/{number}/revocations"  => certificates::api_revoke;
    get  "/api/v1/evidence"                           => evidence::api_index;
    post "/api/v1/evidence"                           => evidence::api_create;
    get  "/api/v1/evidence/{sha256}"                  => evidence::api_show;
    post "/api/v1/imports"                            => imports::api_create;
    // For anyone
    get  "/"                                          => dashboard::show;
    get  "/sign-in"                                   => sign_in::new;
    post "/sign-in"                                   => sign_in::create;
    get  "/sign-in/code"                              => sign_in::code;
    post "/sign-in/code"                              => sign_in::give_code;
    get  "/sign-in/other"                             => oidc::begin;
    get  "/sign-in/other/back"                        => oidc::back;
    get  "/agreement"                                 => sign_in::agreement;
    post "/agreement"                                 => sign_in::agree_to_it;
    get  "/account/factor"                            => account::factor;
    post "/account/factor"                            => account::set_factor;
    post "/sign-out"                                  => sign_in::destroy;
    get  "/setup"                                     => setup::new;
    post "/setup"                                     => setup::create;
    get  "/invitations/{secret}"                      => invitations::show;
    post "/invitations/{secret}"                      => invitations::accept;
    get  "/verify"                                    => verifications::new;
    post "/verify"                                    => verifications::create;
    get  "/verify.html"                               => verifications::download;
    post "/api/v1/verifications"                      => verifications::api_create;
    get  "/certificates/{number}.pdf"                 => certificates::pdf;
    get  "/certificates/{number}/revocation"          => certificates::revocation_new;
    post "/certificates/{number}/revocation"          => certificates::revocation_create;
    get  "/certificates/{number}"                     => certificates::show;
    get  "/certificates/{number}/{part:.+}"           => certificates::part;
    get  "/.well-known/did.json"                      => files::did;
    get  "/did.json"                                  => files::did;
    get  "/ns/quittance/v1"                           => files::context;
    get  "/status/1"                                  => files::status;
    get  "/static/{version}/{path:.+}"                => statics::show;
    get  "/sw.js"                                     => statics::worker;
    get  "/dock"                                      => scans::offline;
    post "/appearance"                                => appearance::update;
    post "/policy-reports"                            => policy_reports::create;
    get  "/healthz"                                   => files::healthz;
    get  "/a/{tag}"                                   => labels::found;
    get  "/ledger/checkpoint"                         => ledger::checkpoint;
    get  "/ledger/proof/{seq}"                        => ledger::proof;
    get  "/ledger/log.vkey"                           => ledger::vkey;
    // For whoever has a one-time link
    get  "/accept/{secret}"                           => handoffs::accept;
    post "/accept/{secret}"                           => handoffs::accepted;
    get  "/r/{secret}"                                => links::show;
    post "/r/{secret}"                                => links::create;
    post "/r/{secret}/evidence"                       => links::upload;
    get  "/api/v1/r/{secret}"                         => links::api_show;
    post "/api/v1/r/{secret}/receipts"                => links::api_receive;
    post "/api/v1/r/{secret}/evidence"                => links::api_upload;
    // For people who are signed in
    get  "/ledger"                                    => explorer::index;
    get  "/ledger/heads"                              => explorer::heads;
    get  "/ledger/entries/{seq}"                      => explorer::entry;
    get  "/assets"                                    => assets::index;
    get  "/search"                                    => dashboard::search;
    get  "/assets/new"                                => actions::device_new;
    post "/assets/new"                                => actions::device_create;
    get  "/assets/new/medium"                         => actions::medium_new;
    post "/assets/new/medium"                         => actions::medium_create;
    get  "/assets/import"                             => imports::new;
    post "/assets/import"                             => imports::create;
    post "/assets/import/{sha256}"                    => imports::apply;
    get  "/assets.csv"                                => assets::csv;
    post "/views"                                     => views::create;
    post "/views/{id}/removals"                       => views::remove;
    get  "/bulk/new"                                  => bulk_pages::new;
    post "/bulk"                                      => bulk_pages::create;
    get  "/bulk/{id}"                                 => bulk_pages::show;
    get  "/bulk/{id}/refused.csv"                     => bulk_pages::refused_csv;
    post "/bulk/{id}/cancellations"                   => bulk_pages::cancel;
    get  "/assets/{id}"                               => assets::show;
    get  "/assets/{id}/actions"                       => actions::of_device;
    get  "/assets/{id}/actions/{command}"             => actions::of_device_new;
    post "/assets/{id}/actions/{command}"             => actions::of_device_create;
    get  "/consignments"                              => consignments::index;
    get  "/consignments/new"                          => openings::new;
    post "/consignments/new"                          => openings::create;
    get  "/consignments/{id}"                         => consignments::show;
    get  "/consignments/{id}/manifest.pdf"            => papers::manifest;
    get  "/consignments/{id}/pick-list.pdf"           => papers::pick_list;
    get  "/consignments/{id}/receipt.pdf"             => papers::receipt;
    get  "/consignments/{id}/reconciliation.pdf"      => papers::reconciliation;
    get  "/labels"                                    => labels::index;
    get  "/labels/download"                           => labels::download;
    get  "/consignments/{id}/scan"                    => scans::show;
    post "/consignments/{id}/scan"                    => scans::create;
    post "/consignments/{id}/scans"                   => scans::batch;
    post "/consignments/{id}/photos"                  => scans::photo;
    get  "/consignments/{id}/events"                  => events::show;
    get  "/consignments/{id}/handoff"                 => handoffs::show;
    post "/consignments/{id}/handoff"                 => handoffs::create;
    post "/consignments/{id}/handoff/paper"           => handoffs::paper;
    get  "/consignments/{id}/receive"                 => receivings::show;
    post "/consignments/{id}/receive"                 => receivings::create;
    get  "/consignments/{id}/reconcile"               => discrepancies::show;
    post "/consignments/{id}/reconcile"               => discrepancies::update;
    get  "/consignments/{id}/actions"                 => actions::of_consignment;
    get  "/consignments/{id}/actions/{command}"       => actions::of_consignment_new;
    post "/consignments/{id}/actions/{command}"       => actions::of_consignment_create;
    get  "/certificates"                              => certificates::index;
    get  "/bench"                                     => bench::index;
    post "/bench"                                     => bench::create;
    get  "/bench/destruction"                         => destructions::new;
    post "/bench/destruction"                         => destructions::create;
    get  "/validations"                               => validations::index;
    get  "/exceptions"                                => exceptions::index;
    get  "/exceptions/{id}"                           => exceptions::show;
    post "/exceptions/{id}"                           => exceptions::update;
    get  "/reports"                                   => reports::index;
    get  "/settings"                                  => settings::index;
    get  "/settings/policy"                           => settings::policy;
    get  "/settings/policy/text"                      => settings::policy_text;
    get  "/settings/policy/adoption"                  => actions::adoption_new;
    post "/settings/policy/adoption"                  => actions::adoption_create;
    get  "/settings/system"                           => settings::system;
    get  "/reports/{name}"                            => reports::show;
    get  "/vendors"                                   => parties::index;
    get  "/vendors/new"                               => actions::party_new;
    post "/vendors/new"                               => actions::party_create;
    get  "/vendors/{id}"                              => parties::show;
    get  "/sign-in/again"                             => sign_in::again;
    post "/sign-in/again"                             => sign_in::prove_again;
    get  "/account"                                   => account::show;
    post "/account/password"                          => account::set_password;
    post "/account/recovery-codes"                    => account::set_codes;
    post "/account/sessions"                          => account::end_session;
    post "/account/tokens"                            => account::give_token;
    post "/account/revocations"                       => account::revoke_token;
    get  "/people"                                    => people::index;
    post "/people"                                    => people::create;
    get  "/people/{id}"                               => people::show;
    post "/people/{id}"                               => people::update;
    get  "/administration"                            => people::acts;
    post "/consignments/{id}/notes"                   => notes::on_consignment;
    post "/exceptions/{id}/notes"                     => notes::on_exception;
    get  "/evidence"                                  => evidence::index;
    get  "/evidence/new"                              => typed_records::new;
    post "/evidence/new"                              => typed_records::create;
    get  "/evidence/{sha256}"                         => evidence::show;
    post "/evidence/{sha256}"                         => evidence::reread;
    get  "/evidence/{sha256}/actions/{command}"       => withholdings::new;
    post "/evidence/{sha256}/actions/{command}"       => withholdings::create;
    get  "/evidence/{sha256}/readings/{number}"       => matches::new;
    post "/evidence/{sha256}/readings/{number}"       => matches::create;
    post "/evidence/{sha256}/dismissals"              => matches::dismiss;
    get  "/evidence/{sha256}/notes"                   => notes::of_evidence;
    post "/evidence/{sha256}/notes"                   => notes::on_evidence;
    post "/notes/{id}/erasures"                       => notes::erase_shown;
    get  "/account/mail"                              => mail::account;
    post "/account/mail"                              => mail::choose;
    get  "/mail"                                      => mail::index;
    post "/mail/{id}/retries"                         => mail::retry;
    get  "/mail/unsubscribe/{token}"                  => mail::leaving;
    post "/mail/unsubscribe/{token}"                  => mail::leave;
    get  "/vendors/{id}/actions"                      => actions::of_party;
    get  "/vendors/{id}/actions/{command}"            => actions::of_party_new;
    post "/vendors/{id}/actions/{command}"            => actions::of_party_create;
    // For programs, with a bearer token
    get  "/api/v1/consignments/{id}/notes"            => notes::api_of_consignment;
    post "/api/v1/consignments/{id}/notes"            => notes::api_on_consignment;
    get  "/api/v1/evidence/{sha256}/parts"            => parts::api_show;
    post "/api/v1/evidence/{sha256}/parts"            => parts::api_create;
    post "/api/v1/evidence/{sha256}/links"            => matches::api_link;
    post "/api/v1/evidence/{sha256}/dismissals"       => matches::api_dismiss;
    get  "/api/v1/evidence/{sha256}/notes"            => notes::api_of_evidence;
    post "/api/v1/evidence/{sha256}/notes"            => notes::api_on_evidence;
    get  "/api/v1/exceptions/{id}/notes"              => notes::api_of_exception;
    post "/api/v1/exceptions/{id}/notes"              => notes::api_on_exception;
    post "/api/v1/notes/{id}/erasures"                => notes::api_erase;
    get  "/api/v1/mail"                               => mail::api_index;
    post "/api/v1/mail/{id}/retries"                  => mail::api_retry;
    post "/api/v1/bulk"                               => bulk::api_create;
    get  "/api/v1/bulk/{id}"                          => bulk::api_show;
    get  "/api/v1/bulk/{id}/items"                    => bulk::api_items;
    post "/api/v1/bulk/{id}/cancellations"            => bulk::api_cancel;
    post "/api/v1/assets/{id}/assignments"            => assignments::api_create;
    post "/api/v1/assignees/searches"                 => assignments::api_search;
    post "/api/v1/assignees/erasures"                 => assignments::api_erase;
    get  "/api/v1/consignments/{id}/manifest"         => consignments::api_manifest;
    get  "/api/v1/consignments/{id}/manifest.csv"     => consignments::api_manifest_csv;
    get  "/api/v1/people"                             => people::api_index;
    post "/api/v1/people/{id}/corrections"            => people::api_correct;
    post "/api/v1/people/{id}/erasures"               => people::api_erase;
    post "/api/v1/bench/searches"                     => bench::api_search;
    post "/api/v1/counts"                             => sightings::api_count;
    post "/api/v1/sightings"                          => sightings::api_create;
    get  "/api/v1/catalogue"                          => catalogue::api_index;
    post "/api/v1/consignments/{id}/links"            => links::api_create;
    post "/api/v1/consignments/{id}/receipts"         => receipts::api_create;
    post "/api/v1/consignments/{id}/settlements"      => receipts::api_settle;
    get  "/api/v1/exceptions"                         => exceptions::api_index;
    get  "/api/v1/exceptions/{id}"                    => exceptions::api_show;
    get  "/api/v1/reports"                            => reports::api_index;
    get  "/api/v1/reports/{name}.csv"                 => reports::api_csv;
    get  "/api/v1/reports/{name}"                     => reports::api_show;
}

fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
fn post() -> Route {
    web::post()
}

/// No such route; or there is one, for another method.
async fn no_route(request: HttpRequest) -> std::result::Result<HttpResponse, Problem> {
    let allowed: Vec<&str> = ROUTES
        .iter()
        .filter(|(_, path)| ResourceDef::new(*path).is_match(request.path()))
        .map(|(method, _)| if *method == "get" { "GET, HEAD" } else { "POST" })
        .collect();
    if allowed.is_empty() {
        return Err(Problem::unknown("There is nothing at this address."));
    }
    let why = format!("{} is not possible here; use {}.", Method::as_str(request.method()), allowed.join(", "));
    Err(Problem::new(405, "request.method", why).with_header(ALLOW, &allowed.join(", ")))
}

/// What every handler can reach.
pub(crate) struct State {
    service: Service,
    sessions: session::Sessions,
    guesses: guesses::Guesses,
    hashing: guesses::Hashing,
    setup: setup::SetupCode,
    other: Option<oidc::Other>,
    rates: limits::Rates,
    uploads: Semaphore,
    checks: Semaphore,
    running: writes::Running,
    watched: events::Watched,
    open: open_exceptions::OpenExceptions,
    exports: exports::Exports,
}

/// What every handler is given.
pub(crate) type Data = web::Data<State>;

/// Runs what may wait (database, files, drawing) on a thread that may; a 503 where that takes too long.
pub(crate) async fn block<T: Send + 'static>(
    state: &Data,
    work: impl FnOnce(&Service) -> Result<T> + Send + 'static,
) -> std::result::Result<T, Problem> {
    let service = state.service.clone();
    let done = web::block(move || work(&service));
    let waited = async { done.await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error))) };
    Ok(request::answer_in_time(state, waited).await??)
}

/// Serves until the process is told to end (SIGINT or SIGTERM), requests under way are finished first; or until it is stopped with the handle that
/// `started` is given beside the address.
pub fn serve(service: Service, listen: &str, started: impl FnOnce(SocketAddr, ServerHandle)) -> Result<()> {
    let ending = Arc::new(AtomicBool::new(false));
    let open = open_exceptions::OpenExceptions::default();
    let publisher = publish_every_second(service.clone(), open.clone(), Arc::clone(&ending))?;
    let worker = run_bulk_jobs(service.clone(), Arc::clone(&ending))?;
    let mail = deliver_mail::go_on(service.clone(), Arc::clone(&ending))?;
    let looking = service.app.limits.look_every;
    let looking = looking.map(|every| find_exceptions::every(service.clone(), every, Arc::clone(&ending))).transpose()?;
    let served = actix_web::rt::System::new().block_on(run(service, open, listen, started));
    ending.store(true, Ordering::Relaxed);
    worker.thread().unpark();
    worker.join().map_err(|_| Error::Fault("the thread that runs bulk jobs has failed".to_owned()))?;
    mail.thread().unpark();
    mail.join().map_err(|_| Error::Fault("the thread that delivers letters has failed".to_owned()))?;
    if let Some(looking) = looking {
        looking.thread().unpark();
        looking.join().map_err(|_| Error::Fault("the thread that looks for exceptions has failed".to_owned()))?;
    }
    publisher.thread().unpark();
    publisher.join().map_err(|_| Error::Fault("the thread that publishes checkpoints has failed".to_owned()))?;
    served
}

async fn run(service: Service, open: open_exceptions::OpenExceptions, listen: &str, started: impl FnOnce(SocketAddr, ServerHandle)) -> Result<()> {
    let allowed = service.app.limits.clone();
    let url = &service.app.identity.public_url;
    let serving = &service.app.serving;
    if let Some(warning) = https::fit(url, listen, serving, &allowed.trusted_proxies)? {
        tracing::warn!("{warning}");
    }
    let behind_proxy = !allowed.trusted_proxies.is_empty();
    let certificates = serving.tls.as_ref().map(|files| https::Certificates::open(files, url, behind_proxy)).transpose()?;
    let tls = certificates.as_ref().map(https::Certificates::config).transpose()?;
    let connections = limits::Connections::new(&allowed);
    let watched = Arc::clone(&connections);
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(LOOK).await;
            watched.close_overdue(Instant::now());
        }
    });
    let state = web::Data::new(State {
        rates: limits::Rates::new(&allowed),
        sessions: session::Sessions::default(),
        guesses: guesses::Guesses::default(),
        hashing: guesses::Hashing::default(),
        setup: setup::SetupCode::default(),
        other: service.app.sign_in.oidc.clone().map(oidc::Other::new),
        service,
        uploads: Semaphore::new(UPLOADS_AT_ONCE),
        checks: Semaphore::new(CHECKS_AT_ONCE),
        running: writes::Running::default(),
        watched: events::Watched::default(),
        open,
        exports: exports::Exports::default(),
    });
    if let Some(code) = state.setup.print(&state.service)? {
        let url = &state.service.app.identity.public_url;
        println!("Nobody administers this record yet. The first administrator begins at {url}/setup with this code:\n\n  {code}\n");
    }
    let most = limits::connections() / WORKERS;
    let server = HttpServer::new(move || {
        // One of each worker, on its thread.
        let post = web::Data::new(Post::default());
        let handing_out = post.clone();
        actix_web::rt::spawn(async move { handing_out.hand_out().await });
        App::new()
            .app_data(state.clone())
            .app_data(post)
            .wrap(middleware::from_fn(https::guard))
            .wrap(middleware::from_fn(limits::admit))
            .wrap(middleware::from_fn(headers::finish))
            .wrap(middleware::Compress::default())
            .configure(routes)
            .default_service(web::to(no_route))
    })
    .on_connect(move |connection, data| connections.opened(connection, data))
    .workers(WORKERS)
    .max_connections(most)
    // Clients that never finish their part of setting up TLS hold nobody else up, and not for long; from then on they are counted by address.
    .max_connection_rate(most)
    .tls_handshake_timeout(allowed.head_time)
    .worker_max_blocking_threads(WAITING_THREADS)
    .keep_alive(allowed.idle_time)
    .client_request_timeout(allowed.head_time)
    .shutdown_timeout(30)
    .disable_signals();
    let server = match tls {
        None => server.bind(listen),
        Some(tls) => server.bind_rustls_0_23(listen, tls),
    };
    let server = server.map_err(|e| Error::fault(&format!("listening on {listen}"), e))?;
    let address = server.addrs().first().copied().ok_or_else(|| Error::Fault(format!("listening on {listen}: no address")))?;
    let server = server.run();
    let handle = server.handle();
    let listen_for = |kind| signal(kind).map_err(|e| Error::fault("listening for signals", e));
    let (mut interrupt, mut terminate) = (listen_for(SignalKind::interrupt())?, listen_for(SignalKind::terminate())?);
    actix_web::rt::spawn(async move {
        futures_util::future::select(std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv())).await;
        handle.stop(true).await;
    });
    if let Some(certificates) = certificates {
        let mut hangup = listen_for(SignalKind::hangup())?;
        actix_web::rt::spawn(async move {
            loop {
                let asked = tokio::time::timeout(CERTIFICATES, hangup.recv()).await.is_ok();
                certificates.renew(asked);
            }
        });
    }
    started(address, server.handle());
    server.await.map_err(|e| Error::fault("serving", e))
}

/// Works on bulk jobs, one piece after the other; looks for new ones twice a second.
fn run_bulk_jobs(service: Service, ending: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
    let runner = format!("{:032x}", seed()?);
    let work = move || {
        while !ending.load(Ordering::Relaxed) {
            match run_bulk::run_some(&service, &runner) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!("a bulk job waits: {error}"),
            }
            std::thread::park_timeout(LOOK);
        }
    };
    std::thread::Builder::new().name("bulk".to_owned()).spawn(work).map_err(|e| Error::fault("starting the thread that runs bulk jobs", e))
}

/// Signs a checkpoint every second in which the log has grown, and once more at the end.
fn publish_every_second(service: Service, open: open_exceptions::OpenExceptions, ending: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
    let work = move || {
        let mut said = String::new();
        loop {
            let last = ending.load(Ordering::Relaxed);
            if let Err(error) = finish_work::finish(&service) {
                tracing::debug!("not finished yet: {error}");
            }
            if let Err(error) = once::sweep(&service) {
                tracing::debug!("old answers are not removed yet: {error}");
            }
            if let Err(error) = open.look(&service.app) {
                tracing::debug!("open exceptions are not counted yet: {error}");
            }
            let published = publish_checkpoint::behind(&service.app)
                .and_then(|behind| if behind { service.recorder.publish_waiting().map(drop) } else { Ok(()) });
            match published {
                Ok(()) => said.clear(),
                // Once for each cause, not once a second.
                Err(error) if error.to_string() != said => {
                    said = error.to_string();
                    tracing::warn!("no checkpoint could be published: {said}");
                }
                Err(_) => {}
            }
            if last {
                break;
            }
            std::thread::park_timeout(Duration::from_secs(1));
        }
    };
    std::thread::Builder::new()
        .name("checkpoints".to_owned())
        .spawn(work)
        .map_err(|e| Error::fault("starting the thread that publishes checkpoints", e))
}
