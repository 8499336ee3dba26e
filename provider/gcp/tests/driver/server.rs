//! A small HTTP/1.1 server on loopback that answers by a function and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET /iam/v1/projects/…?x=y`.
    pub(crate) line: String,
    /// `authorization` of the request.
    pub(crate) authorization: String,
    /// `null` without one.
    pub(crate) body: Value,
}

/// What is answered.
pub(crate) enum Reply {
    /// A status and JSON.
    Json(u16, Value),
    /// A status, one header and text.
    With(u16, (&'static str, &'static str), &'static str),
    /// The connection ends without an answer.
    Nothing,
}

/// An error in Google's form.
pub(crate) fn error(http: u16, status: &str, message: &str) -> Reply {
    Reply::Json(
        http,
        serde_json::json!({"error": {"code": http, "status": status, "message": message}}),
    )
}

/// A running server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts it. `answer` gets each request and how many came before.
    pub(crate) fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { url, seen }
    }

    /// What was asked, in order.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// First lines of what was asked, without queries.
    pub(crate) fn lines(&self) -> Vec<String> {
        let path = |request: Request| request.line.split('?').next().unwrap_or_default().to_owned();
        self.seen().into_iter().map(path).collect()
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let (status, header, body) = match answer(number, &request) {
            Reply::Json(status, value) => (status, ("content-type", "application/json"), value.to_string()),
            Reply::With(status, header, text) => (status, header, text.to_owned()),
            Reply::Nothing => {
                let _ = writer.shutdown(Shutdown::Both);
                return;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{}: {}\r\ncontent-length: {}\r\n\r\n",
            header.0,
            header.1,
            body.len()
        );
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: first.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
        authorization,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}
