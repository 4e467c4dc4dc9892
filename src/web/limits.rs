//! How much anyone may ask for: requests a minute, connections at once, the size of a head; and whose address it is.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;

use super::Data;
use super::problem::Problem;
use super::session::{self, Presented};
use crate::config::{Limits, Networks};

/// Largest head of a request: its first line and its headers.
const HEAD_BYTES: usize = 16 << 10;
/// Connections that the service wants to hold at once.
const CONNECTIONS: usize = 10_000;
/// Files that are no connections of clients: database, stored files, log.
const OTHER_FILES: usize = 200;
/// Files of one connection: the server's, and the one by which it is closed.
const FILES_EACH: usize = 2;
/// The slowest that an answer may be taken.
const BYTES_A_SECOND: u64 = 64 << 10;
/// Callers remembered by one rate before those who may ask again anyway are forgotten.
const CALLERS: usize = 10_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Fewer than this are worth a word to the operator.
const FEW_CONNECTIONS: usize = 1_000;

/// How many connections the process can hold: as many as wanted, or as its files allow. Raises the soft limit as far as the hard one.
pub fn connections() -> usize {
    let wanted = u64::try_from(CONNECTIONS * FILES_EACH + OTHER_FILES).unwrap_or(u64::MAX);
    let files = rlimit::increase_nofile_limit(wanted).map_or(1_024, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let possible = (files.saturating_sub(OTHER_FILES) / FILES_EACH).clamp(64, CONNECTIONS);
    if possible < FEW_CONNECTIONS {
        tracing::warn!("this process may open {files} files, so it holds {possible} connections at once; raise its hard limit (ulimit -Hn) for more");
    }
    possible
}

/// Requests a minute, each caller counted alone: all of a minute's at once, or evenly, but never more.
pub struct Rate {
    a_minute: u32,
    /// When each caller has used up what it has asked for.
    due: Mutex<HashMap<String, Instant>>,
}

impl Rate {
    /// 0 is no limit.
    fn new(a_minute: u32) -> Self {
        Self { a_minute, due: Mutex::default() }
    }

    /// Counts a request; where it is one too many, says how long to wait.
    fn take(&self, caller: String, now: Instant) -> Result<(), Duration> {
        let Some(each) = MINUTE.checked_div(self.a_minute) else { return Ok(()) };
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= CALLERS {
            due.retain(|_, due| *due > now);
        }
        let due = due.entry(caller).or_insert(now);
        let next = (*due).max(now) + each;
        let ahead = next.duration_since(now);
        if ahead > MINUTE {
            return Err(ahead - MINUTE);
        }
        *due = next;
        Ok(())
    }
}

/// The rates of those who ask.
pub struct Rates {
    person: Rate,
    token: Rate,
    public: Rate,
    sign_in: Rate,
    proxies: Networks,
}

impl Rates {
    /// As set.
    pub fn new(limits: &Limits) -> Self {
        Self {
            person: Rate::new(limits.person_rate),
            token: Rate::new(limits.token_rate),
            public: Rate::new(limits.public_rate),
            sign_in: Rate::new(limits.sign_in_rate),
            proxies: limits.trusted_proxies.clone(),
        }
    }
}

impl Rates {
    /// Counts a try to sign in by the address that it comes from.
    pub fn sign_in(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.sign_in.take(caller(request, &self.proxies), Instant::now()).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let why = format!("Too many tries to sign in came from here. Try again in {seconds} s.");
            Problem::new(429, "session.too_many", why).with_header(RETRY_AFTER, &seconds.to_string())
        })
    }
}

/// The network that asks, in words.
fn caller(request: &HttpRequest, proxies: &Networks) -> String {
    let peer = request.peer_addr().map(|peer| peer.ip());
    peer.map(|peer| network(client(peer, request.headers(), proxies)).to_string()).unwrap_or_default()
}

/// Refuses heads that are too large, and callers who ask too often. Who has no valid token is counted by address, whatever the token says.
pub async fn admit(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let patience = request.conn_data::<Held>().map(|held| Arc::clone(&held.patience));
    if let Some(patience) = &patience {
        patience.until(None);
    }
    let answer = match admitted(&request).await {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => request.error_response(problem),
    };
    if let Some(patience) = &patience {
        let size = if let BodySize::Sized(size) = answer.response().body().size() { size } else { 0 };
        patience.until(Some(Instant::now() + patience.idle + Duration::from_secs(size / BYTES_A_SECOND)));
    }
    Ok(answer)
}

async fn admitted(request: &ServiceRequest) -> Result<(), Problem> {
    if head_bytes(request) > HEAD_BYTES {
        return Err(Problem::new(431, "request.head_too_large", format!("Address and headers are larger than {} KB; send less.", HEAD_BYTES >> 10)));
    }
    let Some(state) = request.app_data::<Data>() else { return Ok(()) };
    let rates = &state.rates;
    let known = match session::presented(request.request(), state) {
        None => None,
        Some(presented) => {
            let rate = if matches!(presented, Presented::Header(_)) { &rates.token } else { &rates.person };
            match session::find(state, presented).await {
                Ok(viewer) => Some((rate, viewer.person.id)),
                Err(problem) if problem.status == StatusCode::UNAUTHORIZED => None,
                // Nobody can say who it is now: that is no reason to count a person as the public.
                Err(problem) => return Err(problem),
            }
        }
    };
    let (rate, caller) = known.unwrap_or_else(|| (&rates.public, caller(request.request(), &rates.proxies)));
    rate.take(caller, Instant::now()).map_err(|wait| {
        let seconds = wait.as_secs() + 1;
        let why = format!("More than {} requests came from here within a minute; go on in {seconds} s.", rate.a_minute);
        Problem::new(429, "request.too_many", why).with_header(RETRY_AFTER, &seconds.to_string())
    })
}

fn head_bytes(request: &ServiceRequest) -> usize {
    let line = request.method().as_str().len() + request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    // “: ” and the end of the line belong to each header.
    line + request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

/// The address that asked: the peer's, or the last one that a trusted proxy says it was asked by.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> IpAddr {
    let mut client = peer;
    let forwarded: Vec<&str> = headers.get_all(HeaderName::from_static("x-forwarded-for")).filter_map(|value| value.to_str().ok()).collect();
    for hop in forwarded.iter().rev().flat_map(|value| value.rsplit(',')) {
        if !proxies.contain(client) {
            break;
        }
        match hop.trim().parse() {
            Ok(address) => client = address,
            // What is behind this cannot be told.
            Err(_) => break,
        }
    }
    client
}

/// What counts as one caller: an IPv4 address, or the /64 that a household or a machine gets of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// Connections: how many at once, by address, and how long each may keep the service waiting. Trusted proxies are not counted: everybody's
/// connections are theirs.
pub struct Connections {
    most: u32,
    proxies: Networks,
    idle: Duration,
    open: Mutex<HashMap<IpAddr, u32>>,
    all: Mutex<Vec<Weak<Patience>>>,
}

/// A connection while nothing is being answered on it. The server itself waits without end for the rest of a second request, and for a client
/// that takes no answer.
struct Patience {
    connection: socket2::Socket,
    idle: Duration,
    until: Mutex<Option<Instant>>,
}

impl Patience {
    fn until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Connections {
    /// As set.
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.address_connections,
            proxies: limits.trusted_proxies.clone(),
            idle: limits.idle_time + limits.head_time,
            open: Mutex::default(),
            all: Mutex::default(),
        })
    }

    /// Counts a connection for as long as `data` lives, and closes it at once where it is one too many.
    pub fn opened(self: &Arc<Self>, connection: &dyn Any, data: &mut Extensions) {
        let over_tls = connection.downcast_ref::<TlsStream<TcpStream>>();
        let Some(stream) = over_tls.map(|tls| tls.get_ref().0).or_else(|| connection.downcast_ref::<TcpStream>()) else { return };
        let (Ok(peer), Ok(connection)) = (stream.peer_addr(), socket2::SockRef::from(stream).try_clone()) else { return };
        let counted = (self.most > 0 && !self.proxies.contain(peer.ip())).then(|| self.count(network(peer.ip())));
        if counted.as_ref().is_some_and(|counted| counted.number > self.most) {
            close(&connection);
        }
        let patience = Arc::new(Patience { connection, idle: self.idle, until: Mutex::new(Some(Instant::now() + self.idle)) });
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&patience));
        data.insert(Held { patience, tls: over_tls.is_some(), _counted: counted });
    }

    /// Closes those that have kept the service waiting too long.
    pub fn close_overdue(&self, now: Instant) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).retain(|patience| {
            let Some(patience) = patience.upgrade() else { return false };
            let overdue = patience.until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| until < now);
            if overdue {
                close(&patience.connection);
            }
            !overdue
        });
    }

    fn count(self: &Arc<Self>, address: IpAddr) -> Counted {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.entry(address).or_insert(0);
        *number += 1;
        Counted { connections: Arc::clone(self), address, number: *number }
    }
}

/// A failure means that it is closed already.
fn close(connection: &socket2::Socket) {
    let _ = connection.shutdown(Shutdown::Both);
}

/// What belongs to a connection as long as it is open.
struct Held {
    patience: Arc<Patience>,
    tls: bool,
    _counted: Option<Counted>,
}

/// Whether a request came over TLS to here.
pub fn over_tls(request: &ServiceRequest) -> bool {
    request.conn_data::<Held>().is_some_and(|held| held.tls)
}

/// One connection of an address, until it is dropped.
struct Counted {
    connections: Arc<Connections>,
    address: IpAddr,
    number: u32,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut number) = open.entry(self.address) {
            if *number.get() <= 1 {
                number.remove();
            } else {
                *number.get_mut() -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_minutes_requests_may_come_at_once_and_then_one_at_a_time() {
        let rate = Rate::new(60);
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for n in 0..60 {
            assert_eq!(rate.take("a".to_owned(), start), Ok(()), "{n}");
        }
        assert_eq!(rate.take("a".to_owned(), start), Err(Duration::from_secs(1)));
        assert_eq!(rate.take("b".to_owned(), start), Ok(()));
        assert_eq!(rate.take("a".to_owned(), at(1)), Ok(()));
        assert_eq!(rate.take("a".to_owned(), at(1)), Err(Duration::from_secs(1)));
        for n in 0..60 {
            assert_eq!(rate.take("a".to_owned(), at(120)), Ok(()), "{n}");
        }
        assert!(rate.take("a".to_owned(), at(120)).is_err());
        let none = Rate::new(0);
        assert!((0..10_000).all(|_| none.take("a".to_owned(), start).is_ok()));
    }

    #[test]
    fn callers_who_have_waited_are_forgotten() {
        let rate = Rate::new(600);
        let start = Instant::now();
        for n in 0..CALLERS {
            assert_eq!(rate.take(n.to_string(), start), Ok(()));
        }
        assert_eq!(rate.take("next".to_owned(), start + Duration::from_secs(1)), Ok(()));
        assert_eq!(rate.due.lock().unwrap().len(), 1);
    }

    #[test]
    fn only_trusted_proxies_say_who_asked() {
        let proxies = Networks::parse("10.0.0.0/8").unwrap();
        let asked = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(value).unwrap());
            }
            client(peer.parse().unwrap(), &headers, &proxies).to_string()
        };
        assert_eq!(asked("198.51.100.1", &["203.0.113.9"]), "198.51.100.1");
        assert_eq!(asked("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(asked("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(asked("10.0.0.1", &["192.0.2.66, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(asked("10.0.0.1", &["192.0.2.66", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(asked("10.0.0.1", &["203.0.113.9, junk, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1");
    }

    #[test]
    fn a_connection_counts_until_it_is_closed() {
        let connections = Connections::new(&Limits { address_connections: 2, ..Limits::default() });
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let (first, second) = (connections.count(here), connections.count(here));
        assert_eq!((first.number, second.number, connections.count(here).number), (1, 2, 3));
        drop(first);
        drop(second);
        assert!(connections.open.lock().unwrap().is_empty());
    }
}
