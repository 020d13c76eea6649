//! An agent with the SDK of Rust: asks twice, and prints what it was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rmcp::model::{CallToolRequestParams, ProgressNotificationParam, ProtocolVersion};
use rmcp::service::NotificationContext;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, RoleClient};
use serde_json::{Value, json};

/// Counts the signs of life.
#[derive(Clone, Default)]
struct Signs(Arc<AtomicUsize>);

impl ClientHandler for Signs {
    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[tokio::test]
#[ignore = "the other tests here start it"]
async fn agent() {
    let variable = |name| std::env::var(name).expect("URL, KEY and MODE are set");
    let mode = variable("MODE");
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = match mode.as_str() {
        "initialize" => ClientLifecycleMode::Initialize,
        "discover" => ClientLifecycleMode::Discover { preferred_versions },
        _ => ClientLifecycleMode::Auto {
            preferred_versions,
            legacy_version: None,
        },
    };
    let config = StreamableHttpClientTransportConfig::with_uri(variable("URL"));
    let config = config.auth_header(variable("KEY"));
    let transport = StreamableHttpClientTransport::from_config(config);
    let signs = Signs::default();
    let client = signs.clone().serve_with_lifecycle(transport, lifecycle);
    let client = client.await.unwrap();

    let version = client.peer_info().unwrap().protocol_version.clone();
    let tools = client.list_all_tools().await.unwrap();
    let mut tools: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    tools.sort_unstable();
    println!("\n{}", json!({ "version": version, "tools": tools }));
    for amount in ["1", "2"] {
        let mut call = (
            "request_human_approval",
            json!({ "action": "payment.send", "payload": { "amount": amount, "from": mode } }),
        );
        let before = signs.0.load(Relaxed);
        for calls in 1..100 {
            let (tool, arguments) = call;
            let mut params = CallToolRequestParams::new(tool);
            params.arguments = arguments.as_object().cloned();
            let result = client.call_tool(params).await.unwrap();
            let found: &Value = result.structured_content.as_ref().unwrap();
            if found["status"] != "pending" {
                let signs: Vec<usize> = (before..signs.0.load(Relaxed)).collect();
                println!(
                    "{}",
                    json!({ "result": result, "signs": signs, "calls": calls })
                );
                break;
            }
            call = (
                "get_approval",
                json!({ "id": found["id"], "wait_seconds": 45 }),
            );
        }
    }
    client.cancel().await.unwrap();
}
