//! A store that speaks S3 (moto), and what stands in front of it and spoils its answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quittance::store::bucket::{AccessKey, Bucket};

use super::programs;

/// The name of the bucket.
pub const BUCKET: &str = "records";
/// In front of the names of all objects.
pub const PREFIX: &str = "north/district";

/// What becomes of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The store answers.
    Pass,
    /// This is answered to everything: status and body.
    Say(&'static str, &'static str),
    /// Nothing is ever answered.
    Hang,
    /// The connection is closed at once.
    Close,
}

struct State {
    mode: Mode,
    open: Vec<TcpStream>,
    /// The first lines of requests that came by.
    asked: Vec<String>,
}

/// The store, with one bucket.
pub struct Store {
    child: Child,
    /// Its own address, and that of what stands in front.
    direct: String,
    front: String,
    state: Arc<Mutex<State>>,
}

impl Store {
    /// None where moto is not at hand.
    pub fn start() -> Option<Self> {
        let program = programs::moto()?;
        let mut child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let place = lines.by_ref().map_while(Result::ok).find_map(|line| line.split_once("Running on http://").map(|(_, place)| place.to_owned()));
        let place = place.expect("moto did not start").trim().to_owned();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { mode: Mode::Pass, open: Vec::new(), asked: Vec::new() }));
        let (shared, to) = (Arc::clone(&state), place.clone());
        std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|client| stand_between(client, &to, &shared)));
        let store = Self { child, direct: format!("http://{place}"), front, state };
        assert_eq!(store.ask("PUT", "", b"").0, 200);
        Some(store)
    }
    /// The bucket, seen through what stands in front.
    pub fn bucket(&self) -> Bucket {
        let key = AccessKey { id: "KEY1".to_owned(), secret: "hidden".to_owned(), session: None };
        let endpoint = Some(self.front.clone());
        Bucket { name: BUCKET.to_owned(), prefix: PREFIX.to_owned(), endpoint, region: "us-east-1".to_owned(), key }
    }
    /// The program with the settings for the bucket.
    pub fn program(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new(program);
        command.env("AWS_ACCESS_KEY_ID", "KEY1").env("AWS_SECRET_ACCESS_KEY", "hidden");
        command.env("QUITTANCE_FILES_URL", format!("s3://{BUCKET}/{PREFIX}")).env("QUITTANCE_S3_ENDPOINT", &self.front);
        command
    }
    /// From now on this becomes of requests, also on connections that are open.
    pub fn set(&self, mode: Mode) {
        let mut state = self.state.lock().unwrap();
        state.mode = mode;
        state.open.drain(..).for_each(|open| drop(open.shutdown(Shutdown::Both)));
    }
    /// The requests that came by since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
    /// Asks the store itself about something in the bucket: status and body.
    pub fn ask(&self, method: &str, below: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let slash = if below.is_empty() || below.starts_with('?') { "" } else { "/" };
        self.ask_at(method, &format!("/{BUCKET}{slash}{below}"), body)
    }
    fn ask_at(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        // moto does not check signatures, but wants one.
        let signed = "AWS4-HMAC-SHA256 Credential=KEY1/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.direct)).header("Authorization", signed);
        let mut answer = if method == "PUT" || method == "POST" {
            agent.run(request.body(body).unwrap()).unwrap()
        } else {
            agent.run(request.body(()).unwrap()).unwrap()
        };
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }
    /// From now on the store knows nobody's access key.
    pub fn know_nobody(&self) {
        assert_eq!(self.ask_at("POST", "/moto-api/reset-auth", b"0").0, 200);
    }
    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        let (status, list) = self.ask("GET", "?list-type=2", b"");
        assert_eq!(status, 200);
        let list = String::from_utf8(list).unwrap();
        list.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The name of the object that holds a stored file.
pub fn object(sha256: &str) -> String {
    format!("{PREFIX}/sha256/{}/{sha256}", &sha256[..2])
}

fn stand_between(client: TcpStream, to: &str, state: &Arc<Mutex<State>>) {
    let mode = {
        let mut state = state.lock().unwrap();
        state.open.push(client.try_clone().unwrap());
        state.mode.clone()
    };
    match mode {
        Mode::Close => drop(client.shutdown(Shutdown::Both)),
        Mode::Hang => {}
        Mode::Say(status, body) => {
            std::thread::spawn(move || say(client, status, body));
        }
        Mode::Pass => {
            let server = TcpStream::connect(to).unwrap();
            let (from, into, heard) = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(state));
            std::thread::spawn(move || pass(from, into, Some(heard)));
            std::thread::spawn(move || pass(server, client, None));
        }
    }
}

/// Hands on what comes, and remembers the first lines of requests: each begins a packet.
fn pass(mut from: TcpStream, mut to: TcpStream, heard: Option<Arc<Mutex<State>>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if let Some(state) = &heard
            && ["GET ", "PUT ", "HEAD ", "DELETE "].iter().any(|method| buffer[..read].starts_with(method.as_bytes()))
        {
            let line = buffer[..read].split(|byte| *byte == b'\r').next().unwrap();
            state.lock().unwrap().asked.push(String::from_utf8_lossy(line).into_owned());
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Reads one request and answers it without having looked at it.
fn say(mut client: TcpStream, status: &str, body: &str) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let (mut length, mut line, mut is_head) = (0, String::new(), false);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        is_head |= line.starts_with("HEAD ");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let _ = std::io::copy(&mut reader.take(length), &mut std::io::sink());
    let shown = if is_head { "" } else { body };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"e\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = client.write_all(format!("{head}{shown}").as_bytes());
}
