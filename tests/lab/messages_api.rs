//! Edge: a loopback stand-in for the Anthropic Messages API that plays scripted turns, streamed or not.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::http::{Request, answer};

/// What the model says, in each of three conversations; the last turn repeats when a list is used up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Requests that bring tools and are not a subagent's.
    main: Vec<Turn>,
    /// Requests whose first message contains the word SUBAGENT; those of `main` where there are none.
    sub: Option<Vec<Turn>>,
    /// Requests without tools: titles, summaries.
    side: Option<Vec<Turn>>,
}

/// One answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Turn {
    text: Option<String>,
    thinking: Option<String>,
    tools: Vec<Tool>,
    usage: Option<Value>,
    /// Another than the requested model.
    model: Option<String>,
    /// Another than `tool_use` or `end_turn`.
    stop: Option<String>,
    /// Seconds before the answer.
    delay: f64,
    /// Seconds between the events of a stream; text comes word by word.
    slow: f64,
    /// An error answer with this status.
    status: Option<u16>,
    /// Its type.
    r#type: Option<String>,
    /// Its message.
    message: Option<String>,
    /// Its headers.
    headers: BTreeMap<String, String>,
    /// `false`: the client is told not to try again.
    retry: Option<bool>,
    /// The connection is closed without an answer.
    drop: bool,
    /// The stream ends after its first event.
    cut: bool,
    /// An error event after the first one.
    sse_error: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    input: Value,
}

impl Scenario {
    /// An object with the three lists, or the main list alone.
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        if text.trim_start().starts_with('[') {
            return Ok(Self { main: serde_json::from_str(text)?, sub: None, side: None });
        }
        serde_json::from_str(text)
    }

    fn list(&self, request: &Value) -> (&'static str, &[Turn]) {
        let brings_tools = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
        match &self.sub {
            _ if !brings_tools => ("side", self.side.as_deref().unwrap_or_default()),
            Some(sub) if first_user_text(request).contains("SUBAGENT") => ("sub", sub),
            _ => ("main", &self.main),
        }
    }
}

/// The server; it ends with the process.
pub(crate) struct MessagesApi {
    scenario: Scenario,
    state: Mutex<State>,
}

struct State {
    /// How many turns of each list were played.
    played: HashMap<&'static str, usize>,
    log: File,
    bodies: Option<File>,
}

impl MessagesApi {
    /// Serves connections in threads of their own.
    pub(crate) fn serve(listener: TcpListener, scenario: Scenario, out: &Path, keep_bodies: bool) {
        let create = |name: &str| File::create(out.join(name)).unwrap();
        let bodies = keep_bodies.then(|| create("api.bodies.jsonl"));
        let state = State { played: HashMap::new(), log: create("api.log"), bodies };
        let api = Arc::new(Self { scenario, state: Mutex::new(state) });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let api = api.clone();
                std::thread::spawn(move || api.converse(&stream));
            }
        });
    }

    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Request::read(&mut reader)? {
            if !self.respond(&request, stream)? {
                return stream.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    /// Whether the connection stays open.
    fn respond(&self, request: &Request, mut stream: &TcpStream) -> io::Result<bool> {
        if request.method == "HEAD" {
            return answer(&mut stream, 200, &[], b"").map(|()| true);
        }
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/v1/messages/count_tokens" {
            return json_answer(stream, 200, &[], &json!({ "input_tokens": 100 }));
        }
        if request.method != "POST" || path != "/v1/messages" {
            self.log(&format!("{} {} -> 404", request.method, request.path));
            return json_answer(stream, 404, &[], &error("not_found_error", "no"));
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (list, number, turn) = self.next_turn(&asked);
        self.log(&format!(
            "POST {} {list}[{number}] model={} stream={} tools={} traceparent={} -> {}",
            request.path,
            asked["model"].as_str().unwrap_or_default(),
            asked["stream"],
            asked["tools"].as_array().map_or(0, Vec::len),
            request.header("traceparent").unwrap_or("-"),
            turn.status.unwrap_or(200),
        ));
        self.keep_body(list, number, request, &asked);
        std::thread::sleep(Duration::from_secs_f64(turn.delay));
        if turn.drop {
            return Ok(false);
        }
        if let Some(status) = turn.status {
            let mut headers: Vec<(&str, &str)> = turn.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            if turn.retry == Some(false) {
                headers.push(("x-should-retry", "false"));
            } else if !turn.headers.contains_key("retry-after") {
                headers.push(("retry-after", "0"));
            }
            let (kind, text) = (turn.r#type.as_deref(), turn.message.as_deref());
            let error = error(kind.unwrap_or("api_error"), text.unwrap_or("injected"));
            return json_answer(stream, status, &headers, &error);
        }
        let message = turn.message(&asked);
        if asked["stream"] != true {
            return json_answer(stream, 200, &[], &message);
        }
        if turn.stream(&message, stream).is_err() {
            self.log(&format!("the client went away in the stream of {list}[{number}]"));
        }
        Ok(false)
    }

    fn next_turn(&self, asked: &Value) -> (&'static str, usize, Turn) {
        let (list, turns) = self.scenario.list(asked);
        let mut state = self.state.lock().unwrap();
        let played = state.played.entry(list).or_default();
        *played += 1;
        let number = *played - 1;
        let turn = turns.get(number).or(turns.last()).cloned();
        (list, number, turn.unwrap_or_else(|| Turn { text: Some("ok".into()), ..Turn::default() }))
    }

    fn log(&self, line: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let _ = writeln!(self.state.lock().unwrap().log, "{:.3} {line}", now.as_secs_f64());
    }

    fn keep_body(&self, list: &str, number: usize, request: &Request, asked: &Value) {
        if let Some(file) = &mut self.state.lock().unwrap().bodies {
            let headers = &request.headers;
            let _ =
                writeln!(file, "{}", json!({ "list": list, "number": number, "headers": headers, "request": asked }));
        }
    }
}

impl Turn {
    /// The whole answer, as it is without streaming.
    fn message(&self, asked: &Value) -> Value {
        let mut content = Vec::new();
        content.extend(self.thinking.iter().map(|t| json!({ "type": "thinking", "thinking": t, "signature": "c2ln" })));
        content.extend(self.text.iter().map(|text| json!({ "type": "text", "text": text })));
        content.extend(
            self.tools.iter().map(
                |tool| json!({ "type": "tool_use", "id": id("toolu_01"), "name": tool.name, "input": tool.input }),
            ),
        );
        let stop = self.stop.as_deref().unwrap_or(if self.tools.is_empty() { "end_turn" } else { "tool_use" });
        let usage = self.usage.clone().unwrap_or_else(|| {
            json!({
                "input_tokens": 1234,
                "output_tokens": 321,
                "cache_read_input_tokens": 5678,
                "cache_creation_input_tokens": 910,
            })
        });
        json!({
            "id": id("msg_01"),
            "type": "message",
            "role": "assistant",
            "model": self.model.as_ref().map_or_else(|| asked["model"].clone(), |model| json!(model)),
            "content": content,
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": usage,
        })
    }

    /// The answer as server-sent events; the connection ends with it.
    fn stream(&self, message: &Value, mut to: &TcpStream) -> io::Result<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
        write!(to, "{head}request-id: {}\r\n\r\n", id("req_011C"))?;
        let mut event = |mut data: Value, kind: &str| {
            data["type"] = json!(kind);
            to.write_all(format!("event: {kind}\ndata: {data}\n\n").as_bytes())?;
            std::thread::sleep(Duration::from_secs_f64(self.slow));
            io::Result::Ok(())
        };
        let mut start = message.clone();
        (start["content"], start["stop_reason"]) = (json!([]), Value::Null);
        start["usage"]["output_tokens"] = json!(1);
        event(json!({ "message": start }), "message_start")?;
        if self.cut {
            return Ok(());
        }
        if let Some(error) = &self.sse_error {
            return event(json!({ "error": error }), "error");
        }
        for (index, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let (empty, deltas) = self.deltas(block);
            event(json!({ "index": index, "content_block": empty }), "content_block_start")?;
            for delta in deltas {
                event(json!({ "index": index, "delta": delta }), "content_block_delta")?;
            }
            event(json!({ "index": index }), "content_block_stop")?;
        }
        let delta = json!({ "stop_reason": message["stop_reason"], "stop_sequence": null });
        let usage = json!({ "output_tokens": message["usage"]["output_tokens"] });
        event(json!({ "delta": delta, "usage": usage }), "message_delta")?;
        event(json!({}), "message_stop")
    }

    /// A block of content as it begins, and what is added to it bit by bit.
    fn deltas(&self, block: &Value) -> (Value, Vec<Value>) {
        let mut empty = block.clone();
        let deltas = match block["type"].as_str() {
            Some("text") => {
                empty["text"] = json!("");
                let text = block["text"].as_str().unwrap_or_default();
                let parts: Vec<&str> = if self.slow > 0.0 { text.split_inclusive(' ').collect() } else { vec![text] };
                parts.into_iter().map(|part| json!({ "type": "text_delta", "text": part })).collect()
            }
            Some("thinking") => {
                (empty["thinking"], empty["signature"]) = (json!(""), json!(""));
                vec![
                    json!({ "type": "thinking_delta", "thinking": block["thinking"] }),
                    json!({ "type": "signature_delta", "signature": block["signature"] }),
                ]
            }
            _ => {
                empty["input"] = json!({});
                vec![json!({ "type": "input_json_delta", "partial_json": block["input"].to_string() })]
            }
        };
        (empty, deltas)
    }
}

fn json_answer(mut to: &TcpStream, status: u16, headers: &[(&str, &str)], body: &Value) -> io::Result<bool> {
    let request_id = id("req_011C");
    let mut all = vec![("content-type", "application/json"), ("request-id", &*request_id)];
    all.extend(headers);
    answer(&mut to, status, &all, body.to_string().as_bytes())?;
    Ok(true)
}

fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

/// A new id as the real API makes them.
fn id(prefix: &str) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &random[..22])
}

fn first_user_text(request: &Value) -> String {
    let messages = request["messages"].as_array().into_iter().flatten();
    let Some(first) = messages.into_iter().find(|message| message["role"] == "user") else { return String::new() };
    match &first["content"] {
        Value::String(text) => text.clone(),
        blocks => blocks.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str()).collect(),
    }
}
