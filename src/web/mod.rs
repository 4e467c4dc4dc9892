//! The HTTP door: parses, calls, renders; decides nothing. Every route stands in the one list below.

mod appearance;
mod asked;
mod assets;
mod assignments;
mod bulk;
mod catalogue;
mod certificates;
mod commands;
mod consignments;
mod evidence;
mod exceptions;
mod files;
mod headers;
mod imports;
mod ledger;
mod limits;
mod links;
mod page;
mod parties;
mod people;
mod policy_reports;
mod problem;
mod receipts;
mod reports;
mod request;
mod session;
mod sightings;
mod statics;
mod verifications;
mod words;
mod writes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Route, guard, middleware, web};
use tokio::sync::Semaphore;

use crate::app::seed;
use crate::error::{Error, Result};
use crate::operations::record::Post;
use crate::operations::{Service, find_exceptions, finish_work, once, publish_checkpoint, run_bulk};
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
    post "/api/v1/evidence"                           => evidence::api_create;
    get  "/api/v1/evidence/{sha256}"                  => evidence::api_show;
    post "/api/v1/imports"                            => imports::api_create;
    // For anyone
    get  "/"                                          => session::index;
    get  "/sign-in"                                   => session::new;
    post "/sign-in"                                   => session::create;
    post "/sign-out"                                  => session::destroy;
    get  "/verify"                                    => verifications::new;
    post "/verify"                                    => verifications::create;
    post "/api/v1/verifications"                      => verifications::api_create;
    get  "/certificates/{number}.pdf"                 => certificates::pdf;
    get  "/certificates/{number}"                     => certificates::show;
    get  "/certificates/{number}/{part:.+}"           => certificates::part;
    get  "/.well-known/did.json"                      => files::did;
    get  "/did.json"                                  => files::did;
    get  "/ns/quittance/v1"                           => files::context;
    get  "/status/1"                                  => files::status;
    get  "/static/{version}/{path:.+}"                => statics::show;
    post "/appearance"                                => appearance::update;
    post "/policy-reports"                            => policy_reports::create;
    get  "/healthz"                                   => files::healthz;
    get  "/ledger/checkpoint"                         => ledger::checkpoint;
    get  "/ledger/proof/{seq}"                        => ledger::proof;
    get  "/ledger/log.vkey"                           => ledger::vkey;
    // For whoever has a one-time link
    get  "/r/{secret}"                                => links::show;
    post "/r/{secret}"                                => links::create;
    post "/r/{secret}/evidence"                       => links::upload;
    get  "/api/v1/r/{secret}"                         => links::api_show;
    post "/api/v1/r/{secret}/receipts"                => links::api_receive;
    post "/api/v1/r/{secret}/evidence"                => links::api_upload;
    // For people who are signed in
    get  "/ledger/entries/{seq}"                      => ledger::entry;
    get  "/assets"                                    => assets::index;
    get  "/assets/{id}"                               => assets::show;
    get  "/consignments"                              => consignments::index;
    get  "/consignments/{id}"                         => consignments::show;
    get  "/certificates"                              => certificates::index;
    get  "/exceptions"                                => exceptions::index;
    get  "/exceptions/{id}"                           => exceptions::show;
    post "/exceptions/{id}"                           => exceptions::update;
    get  "/reports/{name}"                            => reports::show;
    get  "/vendors"                                   => parties::index;
    get  "/vendors/{id}"                              => parties::show;
    // For programs, with a bearer token
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
    rates: limits::Rates,
    uploads: Semaphore,
    checks: Semaphore,
    running: writes::Running,
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

/// Serves until the process is told to end (SIGINT or SIGTERM); requests under way are finished first. `started` is told the address.
pub fn serve(service: Service, listen: &str, started: impl FnOnce(SocketAddr)) -> Result<()> {
    let ending = Arc::new(AtomicBool::new(false));
    let publisher = publish_every_second(service.clone(), Arc::clone(&ending))?;
    let worker = run_bulk_jobs(service.clone(), Arc::clone(&ending))?;
    let looking = service.app.limits.look_every;
    let looking = looking.map(|every| find_exceptions::every(service.clone(), every, Arc::clone(&ending))).transpose()?;
    let served = actix_web::rt::System::new().block_on(run(service, listen, started));
    ending.store(true, Ordering::Relaxed);
    worker.thread().unpark();
    worker.join().map_err(|_| Error::Fault("the thread that runs bulk jobs has failed".to_owned()))?;
    if let Some(looking) = looking {
        looking.thread().unpark();
        looking.join().map_err(|_| Error::Fault("the thread that looks for exceptions has failed".to_owned()))?;
    }
    publisher.thread().unpark();
    publisher.join().map_err(|_| Error::Fault("the thread that publishes checkpoints has failed".to_owned()))?;
    served
}

async fn run(service: Service, listen: &str, started: impl FnOnce(SocketAddr)) -> Result<()> {
    let allowed = service.app.limits.clone();
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
        service,
        sessions: session::Sessions::default(),
        uploads: Semaphore::new(UPLOADS_AT_ONCE),
        checks: Semaphore::new(CHECKS_AT_ONCE),
        running: writes::Running::default(),
    });
    let server = HttpServer::new(move || {
        // One of each worker, on its thread.
        let post = web::Data::new(Post::default());
        let handing_out = post.clone();
        actix_web::rt::spawn(async move { handing_out.hand_out().await });
        App::new()
            .app_data(state.clone())
            .app_data(post)
            .wrap(middleware::from_fn(limits::admit))
            .wrap(middleware::from_fn(headers::finish))
            .wrap(middleware::Compress::default())
            .configure(routes)
            .default_service(web::to(no_route))
    })
    .on_connect(move |connection, data| connections.opened(connection, data))
    .workers(WORKERS)
    .max_connections(limits::connections() / WORKERS)
    .worker_max_blocking_threads(WAITING_THREADS)
    .keep_alive(allowed.idle_time)
    .client_request_timeout(allowed.head_time)
    .shutdown_timeout(30)
    .disable_signals()
    .bind(listen)
    .map_err(|e| Error::fault(&format!("listening on {listen}"), e))?;
    let address = server.addrs().first().copied().ok_or_else(|| Error::Fault(format!("listening on {listen}: no address")))?;
    let server = server.run();
    let handle = server.handle();
    let listen_for = |kind| signal(kind).map_err(|e| Error::fault("listening for signals", e));
    let (mut interrupt, mut terminate) = (listen_for(SignalKind::interrupt())?, listen_for(SignalKind::terminate())?);
    actix_web::rt::spawn(async move {
        futures_util::future::select(std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv())).await;
        handle.stop(true).await;
    });
    started(address);
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
fn publish_every_second(service: Service, ending: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
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
