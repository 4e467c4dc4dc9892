//! Stands between the service and PostgreSQL, and cuts the connection around a COMMIT.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use quittance::store::DatabaseUrl;

/// Where the next COMMIT's connection is cut.
#[derive(Clone, Copy)]
pub enum Cut {
    /// The server never gets it.
    BeforeCommit = 1,
    /// The server has committed, and its answer is lost.
    AfterCommit = 2,
}

#[derive(Default)]
struct State {
    next: AtomicU8,
    refuse: AtomicBool,
}

pub struct Proxy {
    folder: tempfile::TempDir,
    state: Arc<State>,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Proxy {
    /// Listens in a folder of its own for connections to the server whose socket is in `server`.
    pub fn start(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let state = Arc::new(State::default());
        let (server, shared) = (server.join(SOCKET), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if !shared.refuse.load(Ordering::SeqCst) {
                    forward(client, UnixStream::connect(&server).unwrap(), &shared);
                }
            }
        });
        Self { folder, state }
    }
    pub fn url(&self, database: &DatabaseUrl) -> DatabaseUrl {
        let (start, _) = database.as_str().split_once("?host=").unwrap();
        DatabaseUrl::parse(&format!("{start}?host={}", self.folder.path().display())).unwrap()
    }
    pub fn cut(&self, cut: Cut) {
        self.state.next.store(cut as u8, Ordering::SeqCst);
    }
    /// Whether the cut that was asked for has happened.
    pub fn has_cut(&self) -> bool {
        self.state.next.load(Ordering::SeqCst) == 0
    }
    /// Whether new connections are closed at once.
    pub fn refuse(&self, refuse: bool) {
        self.state.refuse.store(refuse, Ordering::SeqCst);
    }
}

fn forward(client: UnixStream, server: UnixStream, state: &Arc<State>) {
    let swallow = Arc::new(AtomicBool::new(false));
    let close = |one: &UnixStream, other: &UnixStream| {
        let _ = one.shutdown(Shutdown::Both);
        let _ = other.shutdown(Shutdown::Both);
    };
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (state, swallows) = (Arc::clone(state), Arc::clone(&swallow));
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            // A simple query is sent by itself: Q, its length, its text, a zero.
            if &buffer[..read] == b"Q\0\0\0\x0bCOMMIT\0" {
                match state.next.swap(0, Ordering::SeqCst) {
                    1 => break,
                    2 => swallows.store(true, Ordering::SeqCst),
                    _ => {}
                }
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        close(&from, &to);
    });
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if swallow.load(Ordering::SeqCst) || to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        close(&from, &to);
    });
}
