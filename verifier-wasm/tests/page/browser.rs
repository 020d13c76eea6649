//! Chromium, by way of chromedriver.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::prepared;

/// How long a state may take to come. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a script may run that asks many questions.
const SCRIPT: Duration = Duration::from_secs(120);

/// A browser of its own, without a past.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    server: String,
    chromedriver: Child,
    folder: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let (chromedriver, server) = chromedriver();
        let folder = tempfile::tempdir().unwrap();
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless",
            // What moves is not where one clicks.
            "--force-prefers-reduced-motion",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=1100,900",
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        let profile = folder.path().join("profile");
        let profile = format!("--user-data-dir={}", profile.display());
        capabilities.add_arg(&profile).unwrap();
        let mut capabilities = serde_json::to_value(&capabilities).unwrap();
        capabilities["goog:loggingPrefs"] = json!({ "performance": "ALL" });
        let capabilities: Capabilities = serde_json::from_value(capabilities).unwrap();
        let driver = WebDriver::new(&server, capabilities).await.unwrap();
        let browser = Self {
            driver,
            server,
            chromedriver,
            folder,
        };
        browser.driver.set_script_timeout(SCRIPT).await.unwrap();
        // Its own first page is none of ours.
        browser.driver.goto("about:blank").await.unwrap();
        browser.requests().await;
        browser
    }

    /// Opens a verify page and waits until its verifier runs.
    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
        let ready = "return document.documentElement.dataset.ready === 'true'";
        self.until(ready, "the page starts").await;
    }

    /// The page in one file.
    pub(crate) async fn open_single(&self) {
        let url = format!("file://{}", prepared::single().display());
        self.open(&url).await;
    }

    /// Gives files to be checked, as a person would choose them.
    pub(crate) async fn give(&self, files: &[(&str, &[u8])]) {
        self.put("#files", files).await;
    }

    /// Chooses files in the place that this input belongs to.
    pub(crate) async fn put(&self, input: &str, files: &[(&str, &[u8])]) {
        let folder = self.folder.path().join("files");
        fs::create_dir_all(&folder).unwrap();
        let write = |(name, bytes): &(&str, &[u8])| {
            let path = folder.join(name);
            fs::write(&path, bytes).unwrap();
            path.display().to_string()
        };
        let paths: Vec<String> = files.iter().map(write).collect();
        let input = self.driver.find(By::Css(input)).await.unwrap();
        input.send_keys(paths.join("\n")).await.unwrap();
    }

    /// Makes a policy the reader's own: puts it in its place, and says so.
    pub(crate) async fn trust(&self, name: &str, policy: &[u8]) {
        self.put("#policy-file", &[(name, policy)]).await;
        self.reads("#policy", "You chose").await;
        self.press("Use as my policy").await;
        self.reads("#policy", "Your trust policy").await;
    }

    /// Drops files on an element.
    pub(crate) async fn drop_on(&self, css: &str, files: &[(&str, &[u8])]) {
        let script = "const [css, files] = arguments; const data = new DataTransfer(); \
                      for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name)); \
                      document.querySelector(css).dispatchEvent(new DragEvent('drop', \
                      { dataTransfer: data, bubbles: true, cancelable: true }));";
        self.script(script, vec![json!(css), json!(files)]).await;
    }

    /// Pastes a text while the focus is on an element.
    pub(crate) async fn paste_on(&self, css: &str, text: &str) {
        let script = "const [css, text] = arguments; const data = new DataTransfer(); \
                      data.setData('text/plain', text); \
                      document.querySelector(css).dispatchEvent(new ClipboardEvent('paste', \
                      { clipboardData: data, bubbles: true, cancelable: true }));";
        self.script(script, vec![json!(css), json!(text)]).await;
    }

    /// The text that a person reads there, once what is folded around it is open.
    pub(crate) async fn read(&self, css: &str) -> String {
        self.unfold(&self.driver.find(By::Css(css)).await.unwrap())
            .await;
        let element = self.driver.find(By::Css(css)).await.unwrap();
        element.text().await.unwrap()
    }

    /// Opens what is folded around an element, as a person would.
    async fn unfold(&self, element: &WebElement) {
        let script = "const [node] = arguments; \
                      const own = node.closest('summary')?.parentElement ?? node; \
                      for (let at = own.parentElement?.closest('details:not([open])'); at; \
                      at = at.parentElement?.closest('details:not([open])')) at.open = true; \
                      if (node.closest('#input, #trust')?.hidden) document.querySelector('#change').click();";
        self.script(script, vec![element.to_json().unwrap()]).await;
    }

    /// The words that can be read on the screen as it is: whole, and not behind anything.
    pub(crate) async fn in_view(&self) -> String {
        let script = "const out = []; const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
                      for (let node; (node = walker.nextNode());) { \
                      const range = document.createRange(); range.selectNodeContents(node); \
                      const boxes = [...range.getClientRects()].filter((box) => box.width > 1 && box.height > 1); \
                      if (!boxes.length || !node.parentElement.checkVisibility({ visibilityProperty: true })) continue; \
                      if (!boxes.every((box) => box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth)) continue; \
                      const middle = boxes[0]; const top = document.elementFromPoint(middle.left + middle.width / 2, middle.top + middle.height / 2); \
                      if (top && (top.contains(node) || node.parentElement.contains(top))) out.push(node.data); } \
                      return out.join('').replace(/\\s+/g, ' ');";
        let words = self.script(script, vec![]).await;
        words.as_str().unwrap().to_owned()
    }

    pub(crate) async fn click(&self, css: &str) {
        self.unfold(&self.driver.find(By::Css(css)).await.unwrap())
            .await;
        let element = self.driver.find(By::Css(css)).await.unwrap();
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Clicks the button with these words.
    pub(crate) async fn press(&self, words: &str) {
        let path = format!("//button[normalize-space()='{words}' or @aria-label='{words}']");
        let find = || self.driver.find(By::XPath(&path));
        self.unfold(&find().await.unwrap()).await;
        // What was folded may have been drawn anew.
        let element = find().await.unwrap();
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Replaces what is in a field.
    pub(crate) async fn write(&self, css: &str, text: &str) {
        let script = "const [css, text] = arguments; const field = document.querySelector(css); \
                      field.value = text; field.dispatchEvent(new Event('input', { bubbles: true }));";
        self.script(script, vec![json!(css), json!(text)]).await;
    }

    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.driver.execute(script, arguments).await.unwrap();
        result.json().clone()
    }

    /// Follows a link to the page that carries a text, from where the page is.
    pub(crate) async fn follow_link(&self, text: &str) {
        let script = "const done = arguments[arguments.length - 1]; (async () => { \
                      const packed = new Blob([arguments[0]]).stream().pipeThrough(new CompressionStream('deflate-raw')); \
                      const bytes = new Uint8Array(await new Response(packed).arrayBuffer()); \
                      location.hash = 'b=' + btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''); \
                      done(true); })();";
        let link = self.driver.execute_async(script, vec![json!(text)]);
        link.await.unwrap();
    }

    /// Waits for a verdict; returns what stands in its box.
    pub(crate) async fn verdict(&self, word: &str) -> String {
        let there = format!(
            "return document.documentElement.dataset.verdict === '{word}' \
             && document.querySelector('#verdict .word')?.textContent === '{word}'"
        );
        self.until(&there, word).await;
        self.read("#verdict").await
    }

    /// Waits for words in an element.
    pub(crate) async fn reads(&self, css: &str, words: &str) {
        let script = format!(
            "return document.querySelector({css:?})?.innerText.includes({words:?}) === true"
        );
        self.until(&script, words).await;
    }

    pub(crate) async fn until(&self, script: &str, what: &str) {
        let start = Instant::now();
        while self.script(script, Vec::new()).await != json!(true) {
            if start.elapsed() > PATIENCE {
                let page = self.read("body").await;
                self.picture("did-not-come").await;
                panic!("this did not come: {what}. The page reads:\n{page}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A state of the page: kept as a picture, and free of what axe-core knows to be wrong.
    pub(crate) async fn state(&self, name: &str) {
        self.picture(name).await;
        self.driver
            .execute(prepared::axe(), Vec::new())
            .await
            .unwrap();
        let run = "const done = arguments[arguments.length - 1]; \
                   axe.run(document, { resultTypes: ['violations'] }) \
                   .then((found) => done(found.violations.map((v) => \
                   `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html + ' ' + n.failureSummary).join(' | ')}`)), \
                   (error) => done([String(error)]));";
        let found = self.driver.execute_async(run, Vec::new()).await.unwrap();
        assert_eq!(found.json(), &json!([]), "axe-core in the state {name}");
    }

    /// A screen of this size, in CSS pixels.
    pub(crate) async fn screen(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The screen as it is, small, as WebP.
    pub(crate) async fn shot(&self) -> Vec<u8> {
        let size = "return [scrollX, scrollY, innerWidth, innerHeight]";
        let size = self.script(size, vec![]).await;
        let clip = json!({ "x": size[0], "y": size[1], "width": size[2], "height": size[3], "scale": 0.75 });
        let asked = json!({ "format": "webp", "quality": 60, "clip": clip });
        let shot = self.cdp("Page.captureScreenshot", asked).await;
        test_vectors::encoding::from_b64(shot["data"].as_str().unwrap())
    }

    /// The whole page, however long.
    pub(crate) async fn picture(&self, name: &str) {
        let size = self.cdp("Page.getLayoutMetrics", json!({})).await;
        let (width, height) = (
            &size["cssContentSize"]["width"],
            &size["cssContentSize"]["height"],
        );
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let shot = self.cdp(
            "Page.captureScreenshot",
            json!({ "clip": clip, "captureBeyondViewport": true }),
        );
        let shot = shot.await;
        let png = test_vectors::encoding::from_b64(shot["data"].as_str().unwrap());
        fs::write(prepared::screenshots().join(format!("{name}.png")), png).unwrap();
    }

    pub(crate) async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .unwrap()
    }

    /// Every address that the browser has asked for since this was called last.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let session = self.driver.session_id().to_string();
        let url = format!("{}/session/{session}/se/log", self.server);
        let body = json!({ "type": "performance" }).to_string();
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::post(url)
                .header("content-type", "application/json")
                .send(body.as_bytes())
                .unwrap();
            answer.body_mut().read_to_string().unwrap()
        });
        let answer: Value = serde_json::from_str(&answer.await.unwrap()).unwrap();
        let mut out = Vec::new();
        for entry in answer["value"].as_array().unwrap() {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let url = &event["message"]["params"]["request"]["url"];
                out.push(url.as_str().unwrap().to_owned());
            }
        }
        out
    }

    pub(crate) async fn end(self) {
        let driver = self.driver.clone();
        driver.quit().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Also after a failed test. chromedriver takes its browser along.
        let _ = ureq::delete(format!(
            "{}/session/{}",
            self.server,
            self.driver.session_id()
        ))
        .call();
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
        // Or the driver would look for the session again, for two minutes.
        let _ = self.driver.clone().leak();
    }
}

/// Starts chromedriver on a port of its choice. It ends at once if another program is quicker to
/// take that port.
fn chromedriver() -> (Child, String) {
    const TRIES: usize = 5;
    let mut tries = std::iter::repeat_with(start_chromedriver).take(TRIES);
    let started = tries.find_map(|started| started);
    started.expect("chromedriver starts")
}

fn start_chromedriver() -> Option<(Child, String)> {
    let started = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .spawn();
    let mut child = started.unwrap_or_else(|error| {
        panic!(
            "cannot run chromedriver ({error}): `cargo xtask test` installs it, or `apt-get \
             install chromium chromium-driver` does"
        )
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.by_ref().find_map(|line| {
        let line = line.unwrap();
        let (_, port) = line.split_once("started successfully on port ")?;
        Some(port.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        child.wait().unwrap();
        return None;
    };
    std::thread::spawn(move || lines.for_each(drop));
    Some((child, format!("http://localhost:{port}")))
}
